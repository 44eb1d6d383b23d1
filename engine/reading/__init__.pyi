from .last_word import latest_reviews as latest_reviews
from .queues import QUEUES as QUEUES, Queue as Queue
from .row_mapping import (
    RunSummary as RunSummary,
    random_place as random_place,
)
from .store import (
    Store as Store,
    open_store as open_store,
)
