"""The labels of a data set on the Data page: their versions and where each comes from, which one is trained on.

In: the data set that is chosen. Out: the version that its next training uses, and new versions from what was read.
"""
