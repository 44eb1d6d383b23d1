"""How many cases a link shows: read by commands that must not wait for what decodes images."""

USUAL_CASES = 50
MOST_CASES = 500
