"""A report as a bundle that can be checked: its case table goes with it, and `verify` computes every figure again."""
