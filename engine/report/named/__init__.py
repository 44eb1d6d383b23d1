"""What the names that are keys of a report are called on a page."""
