"""The zoo: networks that the project has not made, on which an attack is judged.

So far the two real networks of ../shared/real/networks; those that it is to train itself
(`--make`) are still missing.
"""
