"""The list of studies, one study in full, and the form of a new one: what the browser does."""
