"""The studies page: reader studies by a protocol, made, read, settled and handed out.

In: a run or a data set, readers of the list. Out: answers, each with what had been on the screen before it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
