"""The hand: other cases found, the last answer taken back, flags, the summary of a sitting, the export of readings."""
