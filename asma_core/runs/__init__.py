"""What a run is, how one is carried out, and the store that keeps them."""
