"""Commands on reports that were written."""
