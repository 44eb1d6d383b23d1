"""Which objects can be written; that of a reading holds its regions too, as outlines."""

OBJECT_KINDS = ("predictions", "readings", "heatmaps", "regions")
STUDY_KINDS = ("readings", "regions")
"""Those that a study has: what its readers said."""
