"""Checks a report that left the tool: whoever was given a bundle computes every figure of it again."""
