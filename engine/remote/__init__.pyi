from .bringing import (
    Elsewhere as Elsewhere,
    address_of as address_of,
    bring as bring,
    is_address as is_address,
    local_path as local_path,
)
from .whole_runs import bring_run as bring_run
