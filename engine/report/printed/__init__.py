"""What a report prints as tables: every number has an id, and knows its place in report.json and what it rests on.

A page, a document and a spreadsheet write the same tables; none of them writes a number of its own.
"""
