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
    Entry as Entry,
    entries_of as entries_of,
    finished_run as finished_run,
)
