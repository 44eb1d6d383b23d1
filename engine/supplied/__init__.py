"""Another model's predictions: a table and perhaps maps come in, a run that has no net goes out.

In: a data set, a CSV or Parquet table with class probabilities, and what a person says of them. Out: a run that is
read, compared and reported like one of ours. Nothing in a table is dropped in silence.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
