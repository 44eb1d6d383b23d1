"""What the JSON of a report holds, as JSON Schema: made from the very records that are written."""
