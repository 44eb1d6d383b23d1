"""A study's report as a bundle: all that it was computed from, without anybody's name, and computed again from that."""
