"""What pixels are held against: masks against their images, and the size of images against that of the others.

In: samples with their sizes. Out: data issues, and the sentences that say so beside a prediction.
"""
