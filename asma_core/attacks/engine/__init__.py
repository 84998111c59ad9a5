"""The one attack loop, and the pieces that attacks share."""
