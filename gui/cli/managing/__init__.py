"""Runs and data sets, renamed, noted, archived and deleted.

In: command lines. Out: what depends on them, said before anything goes.
"""
