"""Outlines and boxes that annotation tools write, one format a file, read as masks."""
