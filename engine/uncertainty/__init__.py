"""Uncertainty: calibrated probabilities, dropout at test time, conformal sets, images that differ from training.

In: logits and labels of validation cases. Out: a `Calibration` and a `UncertaintyModel`, told with each prediction.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
