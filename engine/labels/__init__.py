"""Labels: what readings make of them, training on a version of them, and images that may be mislabelled.

In: a data set, a run and what was read. Out: a version of the labels, a split with its parts kept, suspects.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
