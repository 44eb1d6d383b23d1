"""Report: predictions held against each reference standard, in numbers, sentences, figures and cases.

In: a run, its predictions and its reviews. Out: a `Report`; one HTML file, JSON and CSV of it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
