"""Overread on a computer: how it is started from a menu, taken to a machine without a network, and what it stands on.

In: this installation, or a checkout of the repository. Out: an entry of a menu, a bundle of wheels, what was found.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
