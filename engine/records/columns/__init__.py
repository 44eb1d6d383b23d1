"""What many records hold in common, kept in one place beside them: a record has its share of it."""
