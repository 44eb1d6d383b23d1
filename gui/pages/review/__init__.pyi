from .answering import decide as decide, show_case as show_case
from .beside import MOST_OTHERS as MOST_OTHERS, said_of as said_of, title_of as title_of
from .maps import heatmap_of as heatmap_of, legend_of as legend_of
from .opening import open_reading as open_reading
from .reading_session import (
    Desk as Desk,
    StaleCaseError as StaleCaseError,
    regions_of as regions_of,
    text as text,
)
from .sitting import Sittings as Sittings, may_write as may_write
from .viewer.viewer import (
    IMAGE_SCRIPTS as IMAGE_SCRIPTS,
    on_stage as on_stage,
    read_part as read_part,
)
from .who_reads import reader_of as reader_of
