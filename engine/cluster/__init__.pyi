from .connecting import check_address as check_address
from .predicting import (
    predict_on as predict_on,
    reads_on as reads_on,
)
