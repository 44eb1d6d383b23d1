"""Experiments: several recipes on one split, compared case by case.

In: recipes, seeds or a field to vary. Out: runs, a `RunComparison` with paired tests, one page.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
