from .bringing.uploads import (
    MOST_BYTES as MOST_BYTES,
    take_route as take_route,
)
from .page import dataset_choices as dataset_choices
from .pictures import picture_route as picture_route
