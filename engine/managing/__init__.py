"""Runs and data sets, named, noted, archived and deleted: with what depends on them said first.

In: a run or data set of a workspace. Out: what depends on it, and it renamed, put away or gone; no reading ever is.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
