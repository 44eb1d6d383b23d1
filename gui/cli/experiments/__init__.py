"""Experiments of many trainings: learning curves, and searches for better settings.

In: command lines. Out: what `engine.experiments` returns, in words, as a page or as JSON.
"""
