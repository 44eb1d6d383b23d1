"""What stands beside reading: which queues a reader may choose, the summary of a sitting, the export of readings."""
