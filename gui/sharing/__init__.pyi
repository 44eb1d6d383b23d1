from .choosing import chosen_cases as chosen_cases
from .deadline import Deadline as Deadline
from .how_many import (
    MOST_CASES as MOST_CASES,
    USUAL_CASES as USUAL_CASES,
)
from .last_watch import keep_watch as keep_watch
from .link import (
    LOG_FILE as LOG_FILE,
    LONGEST_MINUTES as LONGEST_MINUTES,
    Access as Access,
    Share as Share,
    invite as invite,
    share as share,
)
from .tunnel import (
    Order as Order,
    Tunnel as Tunnel,
)
from .ways import WAYS as WAYS
