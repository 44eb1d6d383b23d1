"""Every figure that a report prints of one set of predictions, in the order of its tables."""
