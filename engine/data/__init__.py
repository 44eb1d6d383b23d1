"""Data: what a folder, table or archive holds, what the checks found, how it is split.

In: a path and a person's choices. Out: a `Proposal` of how it will be read, an `Index` with its `Sample`s and data
issues, then a `Split`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
