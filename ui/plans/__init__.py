"""Plans of several experiments on their pages: how far, stop, go on, delete, what it comes to."""
