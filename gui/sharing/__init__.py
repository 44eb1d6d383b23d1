"""A temporary link for guests: a de-identified copy, a process of its own, a tunnel.

In: a run and consent. Out: a link that ends by itself.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
