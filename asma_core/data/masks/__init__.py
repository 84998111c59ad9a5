"""Values to classes: label maps, encodings, palettes."""
