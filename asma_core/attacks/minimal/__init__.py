"""Minimal, our minimal-norm targeted attack: settings, pull, and the searches in L2 and Linf."""
