"""What every page stands on: session, image routes, error messages, markup.

In: requests of a browser. Out: answers; nothing of one page alone lives here.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
