"""The tables among images: what each says of which, and which of them is to be read."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from engine.data.columns.listings import Listed
from engine.data.folders import Survey, from_home, skipped
from engine.data.names import is_fold, is_missing, is_placeholder, part_of, parts_of_names, says_patient
from engine.data.proposing import questions
from engine.data.proposing.levels import read_levels
from engine.data.sources import Files, MatchedRow, MatchedTable, match_table
from engine.errors import DataError
from engine.records import Answers, DataIssue, DataIssueKind, Part, Question, TableOffer

MOST_TABLES = 12  # looked into; a folder may hold a table for each image
LEAST_MATCHED = 0.5  # of a table's rows, or of the images, so that it is said to describe them


@dataclass(frozen=True, kw_only=True, slots=True)
class TableRead:
    """A table that stands with the images, read and matched with them."""

    path: Path
    root: Path
    offer: TableOffer
    read: MatchedTable


def table_alone(table: Path, answers: Answers) -> TableRead:
    """Read a table that was named itself."""
    root = table.parent if answers.root is None else from_home(answers.root).absolute()
    return _matched(table, table.name, Files(root), answers)


def _matched(table: Path, name: str, files: Files, answers: Answers) -> TableRead:
    read = match_table(table, files, columns=answers.columns, finding=answers.finding or "")
    offer = TableOffer(
        path=name,
        rows=read.rows,
        matched=len({found.row.number for found in read.matched})
        + sum(found.again for found in read.matched),
        columns=read.columns,
        headers=read.header,
        recommended=False,
    )
    return TableRead(path=table, root=files.root, offer=offer, read=read)


def tables_among(survey: Survey, answers: Answers) -> Iterator[TableRead]:
    """Yield the tables in a folder that describe its images, the best first; the others become data issues."""
    read, others = [], []
    walked = {survey.folder: Files(survey.folder, survey.walked)}
    outermost = sorted(survey.tables, key=lambda found: (len(found.names), found.path))
    for found in outermost[:MOST_TABLES]:
        name = "/".join((*found.names, found.path.name))
        for_it = answers if answers.table in (None, name) else replace(answers, columns={}, finding=None)
        try:
            table = _matched_anywhere(found.path, name, survey.folder, for_it, walked)
        except DataError as error:
            if name == answers.table:
                raise
            others.append((found, error.problem))
            continue
        matched = table.offer.matched
        describes = matched >= LEAST_MATCHED * min(table.offer.rows, len(survey.images))
        read.append(replace(table, offer=replace(table.offer, recommended=describes)))
    others += [(found, "") for found in outermost[MOST_TABLES:]]
    if others:
        (found, why), more = others[0], len(others) - 1
        first = found.path.name
        message = (
            (
                f"{first} and {more:,} more tables beside the images were not read"
                if more
                else f"{first} is beside the images and was not read"
            )
            + (f" ({why})" if why else "")
            + "; choose the table instead of the folder if it contains labels or patients"
        )
        survey.issues.insert(0, skipped(message, [found for found, _ in others]))
    yield from sorted(read, key=lambda table: -table.offer.matched)


def _matched_anywhere(
    path: Path, name: str, folder: Path, answers: Answers, walked: dict[Path, Files]
) -> TableRead:
    """Match a table with the images under where it stands, or under the folder that was named if more are there."""
    roots = [path.parent, folder] if answers.root is None else [from_home(answers.root).absolute()]
    best: TableRead | None = None
    for root in dict.fromkeys(roots):
        try:
            table = _matched(path, name, walked.setdefault(root, Files(root)), answers)
        except DataError:
            if best is None and root == roots[-1]:
                raise
            continue
        if best is None or table.offer.matched > best.offer.matched:
            best = table
        if best.offer.matched == best.offer.rows:
            break
    assert best is not None  # the last root either found something or raised
    return best


def chosen_table(tables: Sequence[TableRead], answers: Answers, *, folders_tell: bool) -> TableRead | None:
    """Return the table to read rather than the folders, if any."""
    if answers.table == "":
        return None
    if answers.table is not None:
        said = next((table for table in tables if table.offer.path == answers.table), None)
        if said is not None:
            return said
    best = next((table for table in tables if table.offer.recommended), None)
    return best if best is not None and not folders_tell else None


def asked_of_columns(read: MatchedTable, answers: Answers) -> list[Question]:
    """Return what the columns of a table leave open."""
    asked = []
    if read.several:
        asked.append(
            questions.which_finding(read.several, read.findings, settled=answers.finding is not None)
        )
    if read.unsaid:
        asked.append(questions.label_unsaid(read.unsaid, read.columns.get("label", ""), read.other_labels))
    elif read.other_labels and "label" not in answers.columns:
        asked.append(questions.which_label(read.columns["label"], read.other_labels))
    return asked


def listed_rows(
    matched: Sequence[MatchedRow], root: Path, answers: Answers
) -> tuple[list[Listed], list[Question], list[DataIssue]]:
    """Return the images of rows; the known parts stay whatever else stands in the column."""
    values = Counter(found.row.split for found in matched if not _says_nothing(found.row.split))
    parts: dict[str, Part | None] = {**parts_of_names(values), **answers.parts}
    strange = {value: count for value, count in values.items() if value not in parts}
    asked = []
    if len(strange) > 1 and strange == values and all(name.isdecimal() or is_fold(name) for name in strange):
        asked.append(questions.folds_of_column(values))
    elif strange:
        asked.append(questions.no_part(strange, values))
    in_folder = [folder_of(found.path) for found in matched]
    folders = _Folders(Counter(in_folder), root)
    if not values and answers.columns.get("split") != "":
        asked += folders.find_parts(answers)
    left_out = []
    listed = []
    without = []
    for found, folder in zip(matched, in_folder, strict=True):
        row = found.row
        part = parts.get(row.split) if values else folders.parts.get(folder)
        if _says_nothing(row.split):
            without.append(found.path)
        listed.append(
            Listed(
                path=found.path,
                label=None if is_missing(row.label) else row.label,
                part=part,
                patient_id=row.patient_id or None,
                folder_patient=folders.patients.get(folder),
                mask_path=found.mask_path,
                meta={**row.meta, "split": row.split} if row.split and part is None else dict(row.meta),
            )
        )
    if without and {parts.get(value) for value in values} - {None}:
        message = (
            "1 image names no part of the split: it is in none of training, validation and test"
            if len(without) == 1
            else f"{len(without):,} images name no part of the split: they are in none of training, validation and test"
        )
        left_out.append(DataIssue(kind=DataIssueKind.PART_UNCLEAR, message=message, paths=tuple(without)))
    return listed, asked, left_out


def folder_of(path: Path) -> str:
    """Return the folder that a file is in."""
    return os.path.dirname(path)  # noqa: PTH120  a hundred thousand parents as paths take a second


class _Folders:
    """What the folders of a table's images say where the table says nothing.

    Attributes:
        patients: Patient by folder.
        parts: Part by folder, once `find_parts` found them.
    """

    def __init__(self, images: Mapping[str, int], root: Path) -> None:
        self._images = images
        self._names = {
            folder: Path(folder).relative_to(root).parts
            for folder in self._images
            if Path(folder).is_relative_to(root)
        }
        # the innermost folder that says that it is a patient's: CheXpert names them nowhere else
        self.patients = {
            folder: next(filter(says_patient, reversed(names)), None) for folder, names in self._names.items()
        }
        self.parts: dict[str, Part | None] = {}

    def find_parts(self, answers: Answers) -> list[Question]:
        """Find the parts that the folders name, and return what is to be said and asked of them."""
        reading = read_levels({inner: self._images[folder] for folder, inner in self._names.items()}, answers)
        self.parts = {
            folder: reading.place(reading.seen_as[inner]).part for folder, inner in self._names.items()
        }
        images: Counter[Part] = Counter()
        for folder, part in self.parts.items():
            if part is not None:
                images[part] += self._images[folder]
        if not images:
            return []
        unclear = [
            question for question in reading.questions if question.issue.kind is DataIssueKind.PART_UNCLEAR
        ]
        return [questions.parts_of_folders(images), *unclear]


@lru_cache(maxsize=65_536)
def _says_nothing(split: str) -> bool:
    return is_missing(split) or (is_placeholder(split) and part_of(split) is None and not split.isdecimal())
