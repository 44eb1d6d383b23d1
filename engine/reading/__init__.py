"""Reading: what clinicians said of cases, append-only, and which case comes next.

In: predictions and `Review`s. Out: queues, cases and reviews. SQLite or PostgreSQL, behind one `Store`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
