from .entrances import (
    Entrance as Entrance,
    Key as Key,
    Password as Password,
    visitor_now as visitor_now,
)
from .foreign import local_hosts as local_hosts
from .guard import Guard as Guard, Room as Room
from .languages import (
    direction as direction,
    kept_in as kept_in,
    language_menu as language_menu,
    menu_script as menu_script,
)
from .members import Members as Members
from .openings import (
    FUNCTIONS as FUNCTIONS,
    LARGEST_FILE as LARGEST_FILE,
    OwnRoute as OwnRoute,
    openings_of as openings_of,
)
from .page_on_disk import way_in as way_in
from .public import Public as Public, public_address as public_address
from .server import BackgroundServer as BackgroundServer
