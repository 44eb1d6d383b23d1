"""The page of a reader who was invited to one study: what the browser does before and after the reading screen."""
