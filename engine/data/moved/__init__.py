"""Images that are no longer where they were: found again in a folder by the hashes of their bytes, and by nothing else.

In: image ids with the paths they had, and a folder. Out: where each is now, and which files only look like it.
"""
