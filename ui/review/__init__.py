"""The Review page: making a review, answering it, reading what it came to."""
