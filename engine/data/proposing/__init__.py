"""Proposing: what names alone say of a folder or table, before any image is read, and what a person says of it.

In: the names of folders, files and columns, and a person's `Answers`. Out: a `Proposal`.
"""
