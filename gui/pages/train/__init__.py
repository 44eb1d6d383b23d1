"""The train page: a recipe as a form, what it will do, live curves.

In: a data set and a recipe. Out: a training run in a separate process.
"""
