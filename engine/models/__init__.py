"""Models: backbones behind one door, the head on them, their weights, and the frozen part run fast.

In: a `Recipe`. Out: a `Classifier` that takes images (B, C, H, W) in [0, 1] and gives logits (B, N).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
