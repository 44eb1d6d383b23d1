from .deadline import Deadline as Deadline
from .deidentified_copy import (
    MOST_CASES as MOST_CASES,
    USUAL_CASES as USUAL_CASES,
)
from .last_watch import keep_watch as keep_watch
from .link import (
    LOG_FILE as LOG_FILE,
    LONGEST_MINUTES as LONGEST_MINUTES,
    Share as Share,
    share as share,
)
from .tunnel import (
    Order as Order,
    Tunnel as Tunnel,
)
from .ways import WAYS as WAYS
