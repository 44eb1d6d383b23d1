"""What else is done with a data set on the Data page: its images read with a run, another model's predictions imported.

In: the data set that is chosen. Out: cases on the Review page, and sentences on what became of it.
"""
