"""Findings whose place is known, and whether the heatmaps lie on them."""
