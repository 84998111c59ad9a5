"""Looking after a data folder: is it whole, its backup, and how it is made anew."""
