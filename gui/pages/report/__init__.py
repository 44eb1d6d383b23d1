"""The report page: figures against each reference standard, and their files.

In: a run and what readers said. Out: tables, figures, a report to take away.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
