"""The review page: one case fills the screen, a verdict is one key.

In: a run with predictions. Out: reviews, each of the case that was on the screen.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
