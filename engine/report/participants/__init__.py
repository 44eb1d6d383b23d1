"""Who is in a report: the flow from files to figures, and a table of who they are, by part."""
