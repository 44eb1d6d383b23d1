"""Saliency: where in an image a prediction comes from, and whether the map can be believed.

In: a classifier and images. Out: maps (H, W) in [0, 1], pictures of them, figures of their faithfulness.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
