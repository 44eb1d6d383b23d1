"""The larger pieces of a report, as records: `engine.report.records` puts them together."""
