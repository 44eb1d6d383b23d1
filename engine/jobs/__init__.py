"""Jobs: a training run in a process of its own, watched, stopped and resumed through files in its folder.

In: a `TrainingRequest`. Out: a `JobStatus` at any moment, and at the end a finished run. Heatmaps that somebody waits
for are made in another process, by `Explaining`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
