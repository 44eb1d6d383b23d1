"""Checklists that journals ask for: their items as data, one file each, and what answers them.

To add a checklist, write its file and add its name to `CHECKLISTS` in items.py.
"""
