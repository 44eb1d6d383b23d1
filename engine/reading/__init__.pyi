from .last_word import latest_reviews as latest_reviews
from .queues import QUEUES as QUEUES
from .row_mapping import RunSummary as RunSummary
from .store import (
    Store as Store,
    open_store as open_store,
)
