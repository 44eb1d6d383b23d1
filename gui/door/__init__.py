"""The door: who may come in, what answers, and how much may be brought.

In: every connection to the server. Out: requests that may reach the pages, from a visitor who is known.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
