"""Who acts, what they may, and what they did."""
