from .feature_bank import images_of as images_of
from .fit import train as train
from .loop import (
    BatchDone as BatchDone,
    StopRequested as StopRequested,
)
