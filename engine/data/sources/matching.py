"""Which file each row of a table means, and what is said where none or several could be meant."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from engine.data.sources.files import Files, Found, fold, names_in
from engine.data.sources.tables import Row
from engine.errors import DataError
from engine.language import N_
from engine.records import DataIssue, DataIssueKind

ROOT = "--root FOLDER"
_SHOWN = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class MatchedRow:
    """A row and the file that it names, which is there.

    Attributes:
        row: Of the table.
        path: The image.
        mask_path: Its mask.
        again: How many later rows say the same.
    """

    row: Row
    path: Path
    mask_path: Path | None = None
    again: int = 0


class FilesNotFoundError(DataError):
    """None of the files that a table names can be told under the folder that its paths start from.

    The message names no folder: a table that was uploaded lies in one that means nothing to whoever uploaded it.
    """


class _Note(Enum):
    """What is said of rows and files: the kind of data issue, and its words for one and for many."""

    AMBIGUOUS = (
        DataIssueKind.AMBIGUOUS_FILE,
        N_(
            "{n} row does not say which of several files it means and was left out; write the folder before "
            "the name ({shown})"
        ),
        N_(
            "{n} rows do not say which of several files they mean and were left out; write the folder before "
            "the names ({shown})"
        ),
    )
    MISSING = (
        DataIssueKind.MISSING_FILE,
        N_("{n} row names a file that is not there and was left out ({shown})"),
        N_("{n} rows name files that are not there and were left out ({shown})"),
    )
    MISSING_MASK = (
        DataIssueKind.MISSING_FILE,
        N_("{n} mask that the table names is not there ({shown})"),
        N_("{n} masks that the table names are not there ({shown})"),
    )
    UNLISTED = (
        DataIssueKind.UNLISTED,
        N_("{n} image has no row in the table and was left out ({shown})"),
        N_("{n} images have no row in the table and were left out ({shown})"),
    )
    BY_NAME = (
        DataIssueKind.FOUND_OTHERWISE,
        N_(
            "{n} file was found by its name alone, as the folder before it in the table is not there ({shown})"
        ),
        N_(
            "{n} files were found by their names alone, as the folders before them in the table are not "
            "there ({shown})"
        ),
    )
    OTHER_SUFFIX = (
        DataIssueKind.FOUND_OTHERWISE,
        N_("{n} file has another suffix than in the table ({shown})"),
        N_("{n} files have another suffix than in the table ({shown})"),
    )
    COPIES = (
        DataIssueKind.FOUND_OTHERWISE,
        N_("{n} file is there more than once, byte for byte identical; one was used ({shown})"),
        N_("{n} files are there more than once, byte for byte identical; one of each was used ({shown})"),
    )
    FOLDER = (
        DataIssueKind.FOUND_OTHERWISE,
        N_("{n} row names a folder; each image in it was taken with what the row says ({shown})"),
        N_("{n} rows name folders; each image in them was taken with what the row says ({shown})"),
    )
    REPEATED = (
        DataIssueKind.DUPLICATE_ROW,
        N_("{n} row names a file and label that an earlier row names; the first counts ({shown})"),
        N_("{n} rows name a file and label that an earlier row names; the first counts ({shown})"),
    )
    OTHERWISE = (
        DataIssueKind.DUPLICATE_ROW,
        N_(
            "{n} row names a file that an earlier row names with another patient or part; of parts, test "
            "counts before validation and training ({shown})"
        ),
        N_(
            "{n} rows name files that earlier rows name with another patient or part; of parts, test counts "
            "before validation and training ({shown})"
        ),
    )


_SERIOUS = (_Note.AMBIGUOUS, _Note.OTHERWISE)


def match_files(rows: Sequence[Row], table: str, files: Files) -> tuple[list[MatchedRow], list[DataIssue]]:
    """Find the files that a table names.

    Args:
        rows: Of the table.
        table: Its name, for messages.
        files: Those that its rows may mean.

    Returns:
        Rows whose file is there, in their order, each file once for each label, patient and part; a row that names
        the folder of a study comes once for each image in it. One data issue for each kind of thing that was not plain.

    Raises:
        FilesNotFoundError: No file is there.
    """
    meant = [files.find(row.path, beside=_cells(row)) for row in rows]
    claimed = _claimed_twice(rows, meant)
    matched: dict[tuple[Path, str, str, str], MatchedRow] = {}
    seen: set[tuple[Path, str]] = set()
    notes = _Notes(files.root)
    for row, found in zip(rows, meant, strict=True):
        paths = found.paths or files.inside(row.path)
        if not paths:
            notes.add(_Note.MISSING, row.path)
            continue
        if len(found.paths) > 1 or row.number in claimed:
            notes.add(_Note.AMBIGUOUS, row.path, paths)
            continue
        notes.see(row, found)
        mask = _mask(row, files, notes)
        if not found.paths and not row.patient_id:
            row = replace(row, patient_id=row.path)  # images of one study stay together
        for path in paths:
            key = (path, row.label, row.patient_id, row.split)
            if key in matched:
                notes.add(_Note.REPEATED, row.path, (path,))
                matched[key] = replace(matched[key], again=matched[key].again + 1)
                continue
            if key[:2] in seen:
                notes.add(_Note.OTHERWISE, row.path, (path,))
            seen.add(key[:2])
            matched[key] = MatchedRow(row=row, path=path, mask_path=mask)
    if not matched:
        raise _nothing_found(rows, table, files, notes)
    for path in _unlisted(list(matched.values()), files):
        notes.add(_Note.UNLISTED, path.name, (path,))
    return list(matched.values()), notes.issues()


def _cells(row: Row) -> tuple[str, ...]:
    return (row.label, row.patient_id, row.split, *row.meta.values())


def _claimed_twice(rows: Sequence[Row], meant: Sequence[Found]) -> frozenset[int]:
    """Return the numbers of rows that are not taken for the file that fits them, as another row fits it too.

    Where a/1.png and b/1.png both fit the one 1.png that is there, neither is taken for it; where a/1.png is there,
    b/1.png is not taken for it.
    """
    claims: dict[Path, list[tuple[Row, Found]]] = defaultdict(list)
    for row, found in zip(rows, meant, strict=True):
        if len(found.paths) == 1:
            claims[found.paths[0]].append((row, found))
    unsure: set[int] = set()
    for claiming in claims.values():
        loose = [row for row, found in claiming if found.agreed < found.written]
        if loose and (
            len(loose) < len(claiming) or len({tuple(map(fold, names_in(row.path))) for row in loose}) > 1
        ):
            unsure.update(row.number for row in loose)
    return frozenset(unsure)


def _mask(row: Row, files: Files, notes: _Notes) -> Path | None:
    found = files.find(row.mask, beside=_cells(row), mask=True) if row.mask else Found()
    if len(found.paths) == 1:
        return found.paths[0]
    if row.mask:
        notes.add(_Note.MISSING_MASK, row.mask)
    return None


def _unlisted(matched: Sequence[MatchedRow], files: Files) -> list[Path]:
    """Return the images that no row names, in the innermost folder that holds all those that rows name."""
    # a hundred thousand parents as paths take a second
    together = Path(os.path.commonpath({os.path.dirname(row.path) for row in matched}))  # noqa: PTH120
    if not together.is_relative_to(files.root):
        return []
    listed = {row.path for row in matched} | {row.mask_path for row in matched}
    return [path for path in files.images_under(together) if path not in listed]


def _nothing_found(rows: Sequence[Row], table: str, files: Files, notes: _Notes) -> FilesNotFoundError:
    if ambiguous := notes.noted[_Note.AMBIGUOUS]:
        return FilesNotFoundError(
            f"The files that {table} names could be any of several ({notes.example(*ambiguous[0])})",
            "Choose the folder that contains only the images the table refers to, or write the folder before each name "
            "in the table",
            option=ROOT,
        )
    if zeros := _lost_zeros(rows, files):
        written, name = zeros
        return FilesNotFoundError(
            f"{table} names {written}, and the file is {name}: a spreadsheet took names for numbers",
            "Write the names as they are, in a column that the spreadsheet keeps as text",
        )
    remedy = "Choose the folder that contains the images, at any depth, or put the table into it"
    if sum("://" in row.path for row in rows) * 2 > len(rows):
        remedy = (
            "The table has addresses on the web, and Overread downloads nothing: download the images, then choose "
            "their folder"
        )
    shown = ", ".join(row.path[:120] for row in rows[:_SHOWN]) + (", …" if len(rows) > _SHOWN else "")
    return FilesNotFoundError(
        f"The only file that {table} names was not found ({shown})"
        if len(rows) == 1
        else f"None of the {len(rows):,} files that {table} names was found ({shown})",
        remedy,
        option=ROOT,
    )


def _lost_zeros(rows: Sequence[Row], files: Files) -> tuple[str, str] | None:
    """Return what a row names and what its file is called where they are one number (1 or 1.0, and 0001.png)."""
    there = {key: path.name for path in files.images_under(files.root) if (key := _as_number(path.name))}
    known = ((row.path, there.get(key)) for row in rows if (key := _as_number(row.path)))
    return next(((written, name) for written, name in known if name), None)


def _as_number(name: str) -> str:
    found = re.fullmatch(r"0*([0-9]+)(?:\.0+)?(?:\.[A-Za-z]\w*)?", name)
    return found[1] if found else ""


class _Notes:
    """What was not plain about the rows of a table: lists of what to show and which files are concerned."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.noted: dict[_Note, list[tuple[str, tuple[Path, ...]]]] = {note: [] for note in _Note}

    def add(self, note: _Note, written: str, paths: tuple[Path, ...] = ()) -> None:
        """Keep one row or file."""
        self.noted[note].append((written, paths))

    def see(self, row: Row, found: Found) -> None:
        """Keep how the file of a row is called otherwise than in the table."""
        if not found.paths:
            self.add(_Note.FOLDER, row.path)
        elif found.agreed == 1 < found.written:
            self.add(_Note.BY_NAME, row.path, found.paths)
        if found.other_suffix:
            self.add(_Note.OTHER_SUFFIX, row.path, found.paths)
        if found.copies:
            self.add(_Note.COPIES, row.path, found.paths)

    def issues(self) -> list[DataIssue]:
        """Return one data issue for each kind of note."""
        return [self._issue(note, rows) for note, rows in self.noted.items() if rows]

    def _issue(self, note: _Note, rows: Sequence[tuple[str, tuple[Path, ...]]]) -> DataIssue:
        kind, one, many = note.value
        shown = "; ".join(self.example(*row) for row in rows[:_SHOWN]) + ("; …" if len(rows) > _SHOWN else "")
        paths = tuple(path for written, paths in rows for path in paths or (Path(written),))
        message = (one if len(rows) == 1 else many).format(n=f"{len(rows):,}", shown=shown)
        return DataIssue(kind=kind, message=message, paths=paths, serious=note in _SERIOUS)

    def example(self, written: str, paths: tuple[Path, ...]) -> str:
        """Write what the table has, and the files that it was or could be taken for."""
        below = [
            path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else path.name
            for path in paths[:_SHOWN]
        ]
        cut = written if len(written) <= 120 else f"{written[:119]}…"
        more = " or more" if len(paths) > _SHOWN else ""
        return f"{cut}: {' or '.join(below)}{more}" if below and below != [written] else cut
