"""Many machines: the work of the line shared among the processes of a Ray cluster, which this chapter alone knows.

In: `ray`, or the address of a cluster, and what a single machine would be given. Out: what a single machine would give.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
