"""Runs: a finished training run as a folder that, with the images, reproduces it.

In: a `Run` and what it left behind. Out: the same, read back: net, split, history, saliency maps.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
