"""The report page: figures against each reference standard, and their files.

In: a run and what readers said. Out: tables, figures, a report to take away.
"""
