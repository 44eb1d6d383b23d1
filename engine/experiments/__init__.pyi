from .comparison import (
    Contestant as Contestant,
    RunComparison as RunComparison,
    compare_runs as compare_runs,
)
from .comparison_page import (
    document as document,
    words as words,
    write_comparison as write_comparison,
)
from .loop import (
    Attempt as Attempt,
    Entry as Entry,
    compare_entries as compare_entries,
    entries_of as entries_of,
    train_entries as train_entries,
)
