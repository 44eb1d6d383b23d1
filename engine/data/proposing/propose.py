"""From what is named to a `Proposal`, and from that to the list of images to read.

Only names are looked at, and the tables that stand beside the images: 100,000 files take a second or two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.data.folders import Listed, Survey, from_home, is_image_file, skipped, survey_folder
from engine.data.names import is_missing, is_placeholder, near_equal, order_classes, part_of, parts_of_names
from engine.data.proposing import questions
from engine.data.proposing.levels import Reading, read_levels
from engine.data.sources import (
    MatchedRow,
    is_archive,
    is_table,
    match_files,
    read_columns,
    read_table,
    unpack,
)
from engine.errors import DataError
from engine.records import (
    PARTS,
    Answers,
    DataIssue,
    DataIssueKind,
    NameCount,
    Part,
    Proposal,
    Question,
    TableOffer,
)

MOST_TABLES = 12  # looked into; a folder may hold a table for each image
LEAST_MATCHED = 0.5  # of a table's rows, or of the images, so that it is said to describe them


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A proposal, and all that is needed to read the images as it says."""

    proposal: Proposal
    listed: Sequence[Listed]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Table:
    """A table that stands with the images, read and matched with them."""

    path: Path
    offer: TableOffer
    matched: Sequence[MatchedRow]
    issues: Sequence[DataIssue]


def propose(path: Path, *, answers: Answers | None = None, unpack_into: Path | None = None) -> Proposal:
    """Say how a folder, table or archive would be read, and what is unsure, from names alone.

    Args:
        path: A folder, a table or an archive.
        answers: What a person said of it; it goes before what is found.
        unpack_into: Where an archive is unpacked (once); None means beside it.

    Raises:
        DataError: It is not there, cannot be read or unpacked, or holds no image.
        WorkspaceError: The archive cannot be written out.
    """
    return draft(path, answers or Answers(), unpack_into).proposal


def draft(path: Path, answers: Answers, unpack_into: Path | None = None) -> Draft:
    """Return the proposal, with the images that it is about; see `propose`."""
    path = from_home(Path(path)).absolute()
    if path.is_file() and is_table(path):
        return _of_table(path, _table_alone(path, answers), answers)
    folder = path
    if is_archive(path) and not path.is_dir():
        folder = unpack(path, unpack_into or path.parent)
    elif path.is_file() and is_image_file(path):
        raise DataError(f"{path.name} is one image", "Choose the folder that it is in")
    survey = survey_folder(folder)
    reading = read_levels(Counter(found.names for found in survey.images), answers)
    tables = list(_tables(survey, answers))
    chosen = _chosen(tables, answers, folders_tell=_classes_told(reading) > 1)
    if chosen is not None:
        return _of_table(
            path, chosen, answers, survey=survey, tables=tables, folders_tell=_classes_told(reading) > 1
        )
    return _of_folders(path, survey, reading, tables, answers)


# ---------------------------------------------------------------------------------------------------------- folders


def _of_folders(
    path: Path, survey: Survey, reading: Reading, tables: Sequence[_Table], answers: Answers
) -> Draft:
    said = any(level in answers.levels for level in reading.of_role("patient"))
    placed = {names: reading.place(seen) for names, seen in reading.seen_as.items()}
    listed = [
        Listed(
            path=found.path,
            label=place.label,
            part=place.part,
            patient_id=place.patient if said else None,
            folder_patient=None if said else place.patient,
        )
        for found in survey.images
        if (place := placed[found.names]).beside is None
    ]
    beside = [found for found in survey.images if placed[found.names].beside is not None]
    left_out = [*survey.issues]
    if beside:
        names = ", ".join(sorted({placed[found.names].beside or "" for found in beside}))
        message = f"{len(beside):,} images in {names}, beside the folders of the split, were left out"
        left_out.append(replace(skipped(message, beside), serious=10 * len(beside) >= len(survey.images)))
    asked = [
        *reading.questions,
        *(
            questions.table_beside(
                table.offer.path, table.offer.rows, table.offer.matched, taken=False, folders_tell=True
            )
            for table in tables
            if table.offer.recommended and answers.table is None
        ),
    ]
    left_out += _not_heeded(
        answers,
        labels={place.label for place in placed.values() if place.label is not None},
        parts={name for names in reading.dirs for name in names},
        levels=reading.depth,
        tables=tables,
    )
    proposal = Proposal(
        path=path,
        root=survey.folder,
        images=len(listed),
        levels=reading.levels(),
        tables=tuple(table.offer for table in tables),
        questions=tuple(asked),
        left_out=tuple(left_out),
        answers=answers,
    )
    return _finished(proposal, listed)


def _classes_told(reading: Reading) -> int:
    return len({reading.place(names).label for names in reading.dirs} - {None})


# ----------------------------------------------------------------------------------------------------------- tables


def _table_alone(table: Path, answers: Answers) -> _Table:
    root = table.parent if answers.root is None else from_home(answers.root).absolute()
    return _matched(table, table.name, root, answers.columns)


def _matched(table: Path, name: str, root: Path, columns: Mapping[str, str]) -> _Table:
    rows = read_table(table, columns=columns or None)
    matched, issues = match_files(rows, table, root)
    headers, chosen = read_columns(table, columns=columns or None)
    offer = TableOffer(
        path=name,
        rows=len(rows),
        matched=len(matched),
        columns=chosen,
        headers=tuple(headers),
        recommended=False,
    )
    return _Table(path=table, offer=offer, matched=matched, issues=issues)


def _tables(survey: Survey, answers: Answers) -> Iterator[_Table]:
    """Yield the tables in a folder that describe its images, the best first; the others become data issues."""
    read, others = [], []
    outermost = sorted(survey.tables, key=lambda found: (len(found.names), found.path))
    for found in outermost[:MOST_TABLES]:
        name = "/".join((*found.names, found.path.name))
        columns = answers.columns if answers.table in (None, name) else {}
        try:
            table = _matched_anywhere(found.path, name, survey, answers, columns)
        except DataError as error:
            others.append((found, f" ({error.problem})"))
            continue
        matched = table.offer.matched
        describes = matched >= LEAST_MATCHED * min(table.offer.rows, len(survey.images))
        read.append(replace(table, offer=replace(table.offer, recommended=describes)))
    others += [(found, "") for found in outermost[MOST_TABLES:]]
    if others:
        first, why = others[0]
        more = f" and {len(others) - 1:,} more tables stand" if len(others) > 1 else " stands"
        message = (
            f"{first.path.name}{more} beside the images and {'were' if len(others) > 1 else 'was'} not read{why}; "
            "choose the table instead of the folder if it holds labels or patients"
        )
        survey.issues.insert(0, skipped(message, [found for found, _ in others]))
    yield from sorted(read, key=lambda table: -table.offer.matched)


def _matched_anywhere(
    path: Path, name: str, survey: Survey, answers: Answers, columns: Mapping[str, str]
) -> _Table:
    """Match a table with the images from where it stands, or else from the folder that was named."""
    if answers.root is not None:
        return _matched(path, name, from_home(answers.root).absolute(), columns)
    try:
        return _matched(path, name, path.parent, columns)
    except DataError:
        if path.parent == survey.folder:
            raise
        return _matched(path, name, survey.folder, columns)


def _chosen(tables: Sequence[_Table], answers: Answers, *, folders_tell: bool) -> _Table | None:
    if answers.table == "":
        return None
    if answers.table is not None:
        said = next((table for table in tables if table.offer.path == answers.table), None)
        if said is not None:
            return said
    best = next((table for table in tables if table.offer.recommended), None)
    return best if best is not None and not folders_tell else None


def _of_table(
    path: Path,
    table: _Table,
    answers: Answers,
    *,
    survey: Survey | None = None,
    tables: Sequence[_Table] = (),
    folders_tell: bool = False,
) -> Draft:
    listed, asked, left_out = _rows(table.matched, answers)
    left_out += _not_heeded(
        answers,
        labels={entry.label for entry in listed if entry.label is not None},
        parts={found.row.split for found in table.matched},
        tables=tables or (table,),
    )
    if survey is not None and answers.table is None:
        offer = table.offer
        asked.append(
            questions.table_beside(
                offer.path, offer.rows, offer.matched, taken=True, folders_tell=folders_tell
            )
        )
    proposal = Proposal(
        path=path,
        root=table.path.parent if survey is None else survey.folder,
        images=len(listed),
        table=table.path,
        tables=tuple(each.offer for each in tables),
        columns=table.offer.columns,
        headers=table.offer.headers,
        questions=tuple(asked),
        left_out=(*(survey.issues if survey else ()), *table.issues, *left_out),
        answers=answers,
    )
    return _finished(proposal, listed)


def _rows(
    matched: Sequence[MatchedRow], answers: Answers
) -> tuple[list[Listed], list[Question], list[DataIssue]]:
    """Return the images of rows; the known parts stay whatever else stands in the column."""
    values = Counter(found.row.split for found in matched if not _says_nothing(found.row.split))
    parts: dict[str, Part | None] = {**parts_of_names(values), **answers.parts}
    strange = {value: count for value, count in values.items() if value not in parts}
    asked = [questions.no_part(strange, values)] if strange else []
    left_out = []
    listed = []
    without = []
    for found in matched:
        row = found.row
        part = parts.get(row.split)
        if _says_nothing(row.split):
            without.append(found.path)
        listed.append(
            Listed(
                path=found.path,
                label=None if is_missing(row.label) else row.label,
                part=part,
                patient_id=row.patient_id or None,
                mask_path=found.mask_path,
                meta={**row.meta, "split": row.split} if row.split and part is None else dict(row.meta),
            )
        )
    if without and {parts.get(value) for value in values} - {None}:
        message = (
            f"{questions.images(len(without))} name no part of the split: they are in none of training, validation "
            "and test"
        )
        left_out.append(DataIssue(kind=DataIssueKind.PART_UNCLEAR, message=message, paths=tuple(without)))
    return listed, asked, left_out


def _says_nothing(split: str) -> bool:
    return is_missing(split) or (is_placeholder(split) and part_of(split) is None and not split.isdecimal())


# ------------------------------------------------------------------------------------------------------------- both


def _finished(proposal: Proposal, listed: Sequence[Listed]) -> Draft:
    """Merge classes as a person said, count what there is, and ask about names that are nearly equal."""
    same = proposal.answers.same
    merged = [
        replace(entry, label=_merged(entry.label, same))
        if entry.label is not None and entry.label in same
        else entry
        for entry in listed
    ]
    counts = Counter(entry.label for entry in merged if entry.label is not None)
    parts = Counter(entry.part for entry in merged)
    named = {name for entry in merged if (name := entry.patient_id or entry.folder_patient)}
    open_names = {name: count for name, count in counts.items() if same.get(name) != name}
    asked = [*proposal.questions, *(questions.same_class(names, counts) for names in near_equal(open_names))]
    proposal = replace(
        proposal,
        classes=tuple(NameCount(name=name, images=counts[name]) for name in order_classes(set(counts))),
        unlabelled=len(merged) - counts.total(),
        parts={part: number for part in PARTS if (number := parts[part])},
        no_part=parts[None],
        patients=len({name for name in named if not is_placeholder(name)}),
        questions=tuple(sorted(asked, key=lambda question: not question.issue.serious)),
    )
    return Draft(proposal=proposal, listed=merged)


def _not_heeded(
    answers: Answers,
    *,
    labels: Collection[str],
    parts: Collection[str],
    levels: int | None = None,
    tables: Sequence[_Table] = (),
) -> list[DataIssue]:
    """Say which answers fit nothing that is there: a slip of the pen, or data that changed since."""
    names = [table.offer.path for table in tables]
    said = [
        (DataIssueKind.CLASS_UNCLEAR, f"no class is called “{name}”", labels)
        for name in answers.same
        if name not in labels
    ]
    said += [
        (DataIssueKind.PART_UNCLEAR, f"no folder or cell is called “{name}”", parts)
        for name in answers.parts
        if name not in parts and "," not in name  # names that were given together
    ]
    if levels is not None and max(answers.levels, default=0) > levels:
        said.append((DataIssueKind.CLASS_UNCLEAR, f"there are {levels} levels of folders", ()))
    if answers.table and answers.table not in names:
        said.append((DataIssueKind.TABLE_FOUND, f"no table {answers.table} describes the images", names))
    return [
        DataIssue(
            kind=kind,
            message=f"What was said does not fit: {problem}"
            + (f"; there are {questions.listed(sorted(there))}" if there else ""),
            serious=True,
        )
        for kind, problem, there in said
    ]


def _merged(label: str, same: Mapping[str, str]) -> str:
    seen = {label}
    while (following := same.get(label, label)) not in seen:
        seen.add(following)
        label = following
    return label
