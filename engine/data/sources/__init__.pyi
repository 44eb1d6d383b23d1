from .archives import (
    ARCHIVE_SUFFIXES as ARCHIVE_SUFFIXES,
    is_archive as is_archive,
    stem as stem,
    unpack as unpack,
)
from .files import Files as Files
from .matching import (
    FilesNotFoundError as FilesNotFoundError,
    MatchedRow as MatchedRow,
    match_files as match_files,
)
from .tables import (
    COLUMNS as COLUMNS,
    TABLE_SUFFIXES as TABLE_SUFFIXES,
    Row as Row,
    is_table as is_table,
    read_columns as read_columns,
    read_headers as read_headers,
    read_table as read_table,
)
