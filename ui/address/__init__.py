"""What a page shows is in its address: typed views, and the only code that reads or writes it."""
