"""The report on paper: the HTML page, read back as a plain document, and set from it as PDF and for Word.

In: a page of `engine.report.templates`, filled. Out: the bytes of a PDF (`pdf`) or of a Word file (`word`).
"""
