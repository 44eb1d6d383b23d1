"""A comparison of runs as a bundle: all that it was computed from, without a name, and computed again from that."""
