"""The ledger: rows that are only ever added, each sealed with the hash of the row before it.

In: what happened, as rows of the chained tables. Out: numbers, and a head that stands for all that was written.
"""
