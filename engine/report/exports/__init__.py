"""The files that a report leaves as: one HTML page, tables, numbers; `files` lists them in `EXPORTS`."""
