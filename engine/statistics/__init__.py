"""Statistics: figures of diagnostic accuracy, each with its interval, and tests of paired figures.

In: arrays of truth, probabilities and patients. Out: `Estimate`s, curves, comparisons. Knows no model and no file.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
