from .bundling.gathering import gather as gather
from .bundling.packing import pack as pack, platform_name as platform_name
from .checking.check_record import Check as Check
from .checking.examining import examine as examine
from .desktop import (
    SYSTEMS as SYSTEMS,
    Entry as Entry,
    entry_for as entry_for,
    place as place,
    remove as remove,
    started as started,
    this_system as this_system,
)
from .updates import update_said as update_said
