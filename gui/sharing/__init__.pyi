from .deidentified_copy import (
    MOST_CASES as MOST_CASES,
    USUAL_CASES as USUAL_CASES,
)
from .link import (
    LONGEST_MINUTES as LONGEST_MINUTES,
    Share as Share,
    Through as Through,
    share as share,
)
from .tunnel import (
    Tunnel as Tunnel,
    open_tunnel as open_tunnel,
)
