"""Tables as Parquet, with the types that a CSV loses: a case id stays text, a count stays whole.

Pages are not compressed: the bundle that they go into is, and what is in them can be searched.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

from engine.errors import ReportError


def write_parquet(rows: Iterable[Mapping[str, Any]], columns: Sequence[str] = ()) -> bytes:
    """Write rows as Parquet; arguments as `engine.spreadsheet.write_csv`.

    A column is whole numbers, numbers, true or false, or text, whichever holds all its values; what is empty is null.
    """
    import fastparquet  # with it comes pandas
    import pandas

    rows = list(rows)
    names = list(columns) or list(dict.fromkeys(name for row in rows for name in row))
    frame = pandas.DataFrame({name: _column([row.get(name) for row in rows]) for name in names})
    stream = _Kept()
    fastparquet.write(
        "table.parquet", frame, compression=None, open_with=lambda *_: stream, write_index=False, stats=False
    )
    return stream.written


def read_parquet(data: bytes) -> tuple[list[str], list[list[Any]]]:
    """Read what `write_parquet` wrote: the columns' names, and the values of every row; None where there is none.

    Raises:
        ReportError: It is no Parquet, or a damaged one.
    """
    import fastparquet

    try:
        file = fastparquet.ParquetFile(io.BytesIO(data))
        frame = file.to_pandas()
    except Exception as error:  # what a foreign reader raises at damaged bytes is of no one kind
        raise ReportError(
            f"The Parquet is damaged ({error or type(error).__name__})", "Ask for it again"
        ) from error
    columns = [[_plain(value) for value in frame[name].tolist()] for name in frame.columns]
    return list(map(str, frame.columns)), [list(row) for row in zip(*columns, strict=True)]


class _Kept(io.BytesIO):
    """A file whose bytes outlive its closing."""

    written = b""

    def close(self) -> None:
        if not self.closed:
            self.written = self.getvalue()
        super().close()


def _column(values: list[Any]) -> Any:
    import pandas

    values = [None if _empty(value) else value for value in values]
    known = [value for value in values if value is not None]
    if known and all(isinstance(value, bool) for value in known):
        return pandas.array(values, dtype="boolean")
    if any(isinstance(value, bool) for value in known) or not all(isinstance(value, Real) for value in known):
        return pandas.Series([None if value is None else str(value) for value in values], dtype=object)
    if known and all(isinstance(value, Integral) for value in known):
        return pandas.array(values, dtype="Int64")
    return pandas.Series([math.nan if value is None else float(value) for value in values], dtype="float64")


def _empty(value: Any) -> bool:
    if value is None or (isinstance(value, str) and not value):
        return True
    return isinstance(value, Real) and not isinstance(value, Integral) and not math.isfinite(value)


def _plain(value: Any) -> Any:
    import pandas

    return (
        None
        if value is None or value is pandas.NA or (isinstance(value, float) and math.isnan(value))
        else value
    )
