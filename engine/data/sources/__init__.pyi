from .archives import (
    ARCHIVE_SUFFIXES as ARCHIVE_SUFFIXES,
    is_archive as is_archive,
    left_out as left_out,
    stem as stem,
    unpack as unpack,
)
from .columns import COLUMNS as COLUMNS
from .files import Files as Files
from .matching import (
    FilesNotFoundError as FilesNotFoundError,
    MatchedRow as MatchedRow,
)
from .reading import (
    MatchedTable as MatchedTable,
    match_table as match_table,
)
from .tables import (
    TABLE_SUFFIXES as TABLE_SUFFIXES,
    Table as Table,
    is_table as is_table,
    open_table as open_table,
    read_headers as read_headers,
)
