"""External testing: a finished run held against labelled images from elsewhere.

In: a run, its internal test predictions, a foreign data set. Out: an `ExternalTest`, and one page of it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
