"""The data page: bring images, see what is there and what the checks found, choose the split.

In: a path or an upload. Out: an index and choices, kept in the workspace.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
