"""Labels from readings: versions of a data set's labels, and images that may be mislabelled.

In: what readers said. Out: labels by image, each with the answers behind it.
"""
