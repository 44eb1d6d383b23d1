"""From a table to images and what it says of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.data.sources.columns import COLUMNS, Columns, choose_columns, plain
from engine.data.sources.files import Files
from engine.data.sources.findings import one_row_an_image, read_labels, whole_numbers
from engine.data.sources.matching import MatchedRow, match_files
from engine.data.sources.tables import Row, Table, open_table
from engine.errors import DataError
from engine.language import N_
from engine.records import DataIssue, DataIssueKind


@dataclass(frozen=True, kw_only=True, slots=True)
class TableRows:
    """What a table says.

    Attributes:
        rows: Those that name an image.
        columns: Which columns hold what.
        findings: Findings of which one can be chosen to be told from its absence; the most frequent first.
        several: If images have several findings: a sentence about it.
        issues: How the table was read.
    """

    rows: tuple[Row, ...]
    columns: Columns
    findings: tuple[str, ...]
    several: str
    issues: tuple[DataIssue, ...]


def read_rows(
    table: Table, files: Files, *, columns: Mapping[str, str] | None = None, finding: str = ""
) -> TableRows:
    """Read what a table says of images.

    Args:
        table: As `open_table` returns it.
        files: Where the images may be.
        columns: Which column is meant, where it is not recognised: one of `COLUMNS` → the table's name for it, or
            nothing to say that there is none.
        finding: If given, the label is whether this finding is there.

    Raises:
        DataError: A column or finding is not there or cannot be told, or no row names an image.
    """
    chosen = choose_columns(table, columns or {}, files)
    labels = read_labels(table, chosen, finding)
    plain_cells = {
        name: whole_numbers(table.column(column)) if name in ("patient_id", "split") else table.column(column)
        for name, column in chosen.chosen.items()
        if name != "label"
    }
    kept = [(place, name) for place, name in enumerate(table.header) if name not in chosen.used]
    rows, nameless = [], 0
    for place, ((number, cells), label) in enumerate(zip(table.lines, labels.labels, strict=True)):
        values = {name: column[place] for name, column in plain_cells.items()}
        if label is None:
            continue
        if not values["path"]:
            nameless += 1
            continue
        meta = {name: cells[at] for at, name in kept if cells[at]}
        rows.append(Row(number=number, label=label, meta=meta, **values))
    if not rows:
        raise DataError(
            f"No row of {table.name} names an image in {chosen.path}",
            f"Choose the column that does, of {', '.join(table.header)}",
        )
    issues = (*labels.issues, *_told(table, chosen, nameless))
    return TableRows(
        rows=tuple(rows), columns=chosen, findings=labels.findings, several=labels.several, issues=issues
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class MatchedTable:
    """A table and the images that it is about.

    Attributes:
        header: All its columns.
        columns: Which column holds what, by what it holds: one of `COLUMNS`.
        other_labels: Columns that could hold the label as well.
        unsaid: See `Columns`.
        findings: Findings of which one can be chosen to be told from its absence; the most frequent first.
        several: If images have several findings: a sentence about it.
        rows: How many rows name an image.
        matched: Those whose image is there.
        issues: How the table was read, and what is missing.
    """

    header: tuple[str, ...]
    columns: Mapping[str, str]
    other_labels: tuple[str, ...]
    unsaid: str
    findings: tuple[str, ...]
    several: str
    rows: int
    matched: Sequence[MatchedRow]
    issues: Sequence[DataIssue]


def match_table(
    path: Path, files: Files, *, columns: Mapping[str, str] | None = None, finding: str = ""
) -> MatchedTable:
    """Read a table and find the images that it names.

    Args:
        path: See `open_table`.
        files: Those of the folder that the images are in, at any depth.
        columns: See `read_rows`.
        finding: See `read_rows`.

    Raises:
        DataError: It cannot be read, a column cannot be told, or none of its images is there.
    """
    table = one_row_an_image(open_table(path), files)
    read = read_rows(table, files, columns=columns, finding=finding)
    matched, issues = match_files(read.rows, table.name, files)
    return MatchedTable(
        header=table.header,
        columns=read.columns.chosen,
        other_labels=read.columns.others["label"],
        unsaid=read.columns.unsaid,
        findings=read.findings,
        several=read.several,
        rows=len(read.rows),
        matched=matched,
        issues=(*read.issues, *issues),
    )


def _told(table: Table, columns: Columns, nameless: int) -> list[DataIssue]:
    told = [*table.said]
    if columns.patient_id and plain(columns.patient_id) not in COLUMNS["patient_id"]:
        told.append(
            N_(
                "{table} names no patients, so images with the same {column} are kept together as if they were of one "
                "patient"
            ).format(table=table.name, column=columns.patient_id)
        )
    if columns.others["path"]:
        told.append(
            N_(
                "{table} names images in several columns: those in {column} were read, and not those in {others}; "
                "choose the other column to read those"
            ).format(table=table.name, column=columns.path, others=", ".join(columns.others["path"]))
        )
    issues = [DataIssue(kind=DataIssueKind.TABLE_READ, message=message) for message in told]
    if nameless:
        column = columns.path
        message = (
            f"{nameless:,} row names no file in {column} and had to be left out"
            if nameless == 1
            else f"{nameless:,} rows name no file in {column} and had to be left out"
        )
        issues.append(DataIssue(kind=DataIssueKind.MISSING_FILE, message=message))
    return issues
