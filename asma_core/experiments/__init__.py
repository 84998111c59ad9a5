"""Experiments: many runs of one plan, resumed without repeating, summed up in tables."""
