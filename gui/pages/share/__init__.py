"""The share page: opens and closes a temporary link.

In: a run and consent. Out: a link with its password and its end.
"""
