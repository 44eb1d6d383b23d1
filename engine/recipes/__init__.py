"""Recipes: what decides a training run, as data; balance, augmentation, optimisers: one dictionary each.

In: a name, a JSON file, or changes to one. Out: a checked `Recipe`, and the functions that its words name.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
