from .connecting import check_address as check_address
from .crew import (
    Crew as Crew,
    Ended as Ended,
    Training as Training,
    crew_on as crew_on,
    train_on as train_on,
    trains_on as trains_on,
)
from .predicting import (
    predict_on as predict_on,
    reads_on as reads_on,
)
