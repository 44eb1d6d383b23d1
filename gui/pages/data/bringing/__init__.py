"""Bringing images in by hand: a folder chosen, things dropped, what they are said to be, and reading them.

In: a folder of this computer, or files that the browser sends. Out: an index in the workspace.
"""
