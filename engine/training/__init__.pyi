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
