"""Judging: the strip with verdict, note and tags that stands beside what is judged."""
