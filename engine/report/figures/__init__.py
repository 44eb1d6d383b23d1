"""The figures of a report as SVG: readable in grey, by the colour-blind, on paper and by a screen reader.

In: curves, counts and estimates. Out: one `<svg>` element each, with an alternative in words.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
