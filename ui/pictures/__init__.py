"""Pictures for any page: outlines, thumbnails, cards, legends, curves."""
