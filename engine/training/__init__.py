"""Training: phases of a recipe on one net, with frozen features computed once, resumable after every epoch.

In: a recipe and a split. Out: `Epoch`s while it lasts, then a complete run folder.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
