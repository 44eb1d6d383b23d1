"""A data set in columns: some eighty bytes an image, and a record when one is asked for (docs/adr/0020)."""
