from .child import (
    KEEP_MEMORY as KEEP_MEMORY,
    Waiting as Waiting,
    detached as detached,
    waiting as waiting,
)
from .control import (
    QUIET as QUIET,
    SILENCE as SILENCE,
    began as began,
    list_jobs as list_jobs,
    process_of as process_of,
    resume as resume,
    running_job as running_job,
    started_here as started_here,
    status as status,
    stop as stop,
    submit as submit,
    training_lock as training_lock,
    watch as watch,
)
from .expected import (
    Expected as Expected,
    correction as correction,
    expected_of as expected_of,
    keep_expected as keep_expected,
    took as took,
)
from .explaining import (
    Explaining as Explaining,
    Wish as Wish,
)
from .files import (
    JobStatus as JobStatus,
    load_request as load_request,
)
from .here import (
    RunHere as RunHere,
    begin_here as begin_here,
)
