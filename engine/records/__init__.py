"""The nouns of Overread: frozen records that every step takes and returns.

Records hold values, never behaviour beyond what follows from their own fields, and import nothing of the engine.
Arrays are described by shape and dtype; "probability" is always in [0, 1]; image coordinates of regions are fractions
of width and height, origin top left.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
