from .feature_bank import (
    PLAIN as PLAIN,
    FeatureBank as FeatureBank,
    images_of as images_of,
)
from .fit import train as train
from .folds import train_folds as train_folds
from .loop import (
    BatchDone as BatchDone,
    StopRequested as StopRequested,
)
from .pace import (
    ImageCounts as ImageCounts,
    Pace as Pace,
    expected_seconds as expected_seconds,
    measure_pace as measure_pace,
)
from .processes import (
    ALONE as ALONE,
    Processes as Processes,
    joined as joined,
)
