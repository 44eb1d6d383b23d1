"""Images: any file that shows a film, read to the right pixels once and kept.

In: paths. Out: uint8 arrays (H, W) or (H, W, 3) for nets, pictures for people, a memory map for training.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
