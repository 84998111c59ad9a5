"""Networks as the attacks see them."""
