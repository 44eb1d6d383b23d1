"""Experiments that a page asks for: each in a process of its own, which outlives the window, watched by its files.

In: what is to be found out, of which recipe and data set. Out: a folder with how far it is, and what was found.
"""
