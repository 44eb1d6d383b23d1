"""Prediction: a finished run reads images.

In: a `Run` and `Sample`s. Out: `Prediction`s at the operating point, each with its `Explanation`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
