"""Folders to pairs of image and masks: pairing, known challenges, tables."""
