from .keeping import (
    Imported as Imported,
    import_predictions as import_predictions,
)
from .scores import SCALES as SCALES
from .taking import (
    Claims as Claims,
    Taken as Taken,
    read_predictions as read_predictions,
)
