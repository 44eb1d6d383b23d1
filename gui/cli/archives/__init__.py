"""Commands for archives of a hospital: what comes from them, what is pushed by them, what goes to them."""
