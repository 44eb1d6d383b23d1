from .entrances import (
    Entrance as Entrance,
    Key as Key,
    Password as Password,
)
from .foreign import local_hosts as local_hosts
from .guard import Guard as Guard
from .openings import (
    LARGEST_FILE as LARGEST_FILE,
    OwnRoute as OwnRoute,
    openings_of as openings_of,
)
from .page_on_disk import way_in as way_in
from .server import BackgroundServer as BackgroundServer
