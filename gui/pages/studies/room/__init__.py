"""The reading screen of a study: what the browser does. Its stage, keys and regions are those of the Review page."""
