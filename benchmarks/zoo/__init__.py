"""The zoo: many networks that differ, on which attacks are judged.

Two real ones of ../shared/real/networks, and those that `python -m benchmarks.zoo --make` trains
once and keeps beside the project. Attacks are chosen on one half and reported on the other.
"""
