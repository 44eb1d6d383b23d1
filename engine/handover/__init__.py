"""Handover: a finished run as files that other programs and other people can use, each checked before it is given.

In: a run, its split, its report. Out: an ONNX file with preprocessing and operating point, safetensors, a model card.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
