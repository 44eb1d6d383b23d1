"""From what is named to a `Proposal`, and from that to the list of images to read.

Only names are looked at, and the tables that stand beside the images: 100,000 files take a few seconds
(`benchmarks/proposal.py`).
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.data.columns.listings import (
    Listed,
    labels_counted,
    listing_of,
    parts_counted,
    patients_named,
    relabelled,
)
from engine.data.folders import Survey, from_home, is_image_file, skipped, survey_folder
from engine.data.names import (
    is_placeholder,
    may_be_no_label,
    near_equal,
    order_classes,
    says_no_label,
)
from engine.data.proposing import questions
from engine.data.proposing.file_names import classes_after_counts, find_patients
from engine.data.proposing.levels import read_levels
from engine.data.proposing.roles import Reading
from engine.data.proposing.tables import (
    TableRead,
    asked_of_columns,
    chosen_table,
    listed_rows,
    table_alone,
    tables_among,
)
from engine.data.sources import (
    is_archive,
    is_table,
    left_out,
    unpack,
)
from engine.errors import DataError
from engine.language import N_, one_line
from engine.records import (
    PARTS,
    Answers,
    DataIssue,
    DataIssueKind,
    NameCount,
    Proposal,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A proposal, and all that is needed to read the images as it says."""

    proposal: Proposal
    listed: Sequence[Listed]


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
    with _no_search_for_cycles:
        return _draft(path, answers, unpack_into)


class _NoSearchForCycles:
    """Pauses Python's search for cycles of objects, which among millions of names takes a third of the time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._was_on = False

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._was_on = gc.isenabled()
                gc.disable()
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside and self._was_on:
                gc.enable()


_no_search_for_cycles = _NoSearchForCycles()


def _draft(path: Path, answers: Answers, unpack_into: Path | None) -> Draft:
    path = from_home(Path(path)).absolute()
    if path.is_file() and is_table(path):
        return _of_table(path, table_alone(path, answers), answers)
    folder = path
    if is_archive(path) and not path.is_dir():
        folder = unpack(path, unpack_into or path.parent)
    elif path.is_file() and is_image_file(path):
        raise DataError(f"{path.name} is one image", "Choose the folder that it is in")
    survey = survey_folder(folder)
    survey.issues += left_out(folder)
    reading = read_levels(survey.images.by_names(), answers)
    tables = list(tables_among(survey, answers))
    chosen = chosen_table(tables, answers, folders_tell=_classes_told(reading) > 1)
    if chosen is not None:
        return _of_table(
            path, chosen, answers, survey=survey, tables=tables, folders_tell=_classes_told(reading) > 1
        )
    return _of_folders(path, survey, reading, tables, answers)


# ---------------------------------------------------------------------------------------------------------- folders


def _of_folders(
    path: Path, survey: Survey, reading: Reading, tables: Sequence[TableRead], answers: Answers
) -> Draft:
    said = any(level in answers.levels for level in reading.of_role("patient"))
    placed = {names: reading.place(seen) for names, seen in reading.seen_as.items()}
    folders = {number: placed[survey.walked.folders[number].names] for number in survey.images.by_folder()}
    out = survey.images.in_folders([number for number, place in folders.items() if place.beside is not None])
    beside = survey.images.kept(out)
    listed = listing_of(
        survey.images.kept(~out).files,
        labels={number: place.label for number, place in folders.items()},
        parts={number: place.part for number, place in folders.items()},
        patients={number: place.patient for number, place in folders.items()},
        said=said,
        masks=survey.masks,
    )
    left_out = [*survey.issues]
    if beside:
        names = ", ".join(sorted({placed[found.names].beside or "" for found in beside}))
        issue = skipped(
            f"1 image in {names}, beside the folders of the split, was left out"
            if len(beside) == 1
            else f"{len(beside):,} images in {names}, beside the folders of the split, were left out",
            beside,
        )
        left_out.append(replace(issue, serious=10 * len(beside) >= len(survey.images)))
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


def _of_table(
    path: Path,
    table: TableRead,
    answers: Answers,
    *,
    survey: Survey | None = None,
    tables: Sequence[TableRead] = (),
    folders_tell: bool = False,
) -> Draft:
    listed, asked, left_out = listed_rows(table.read.matched, table.root, answers)
    asked += asked_of_columns(table.read, answers)
    left_out += _not_heeded(
        answers,
        labels={entry.label for entry in listed if entry.label is not None},
        parts={found.row.split for found in table.read.matched},
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
        findings=table.read.findings,
        questions=tuple(asked),
        left_out=(*(survey.issues if survey else ()), *table.read.issues, *left_out),
        answers=answers,
    )
    return _finished(proposal, listed)


# ------------------------------------------------------------------------------------------------------------- both


def _finished(proposal: Proposal, listed: Sequence[Listed]) -> Draft:
    """Merge classes as a person said, count what there is, and ask about names that are nearly equal."""
    answers = proposal.answers
    # The name of a class stands in every sentence, table and tick of a figure: it is one line from here on.
    lines = {label: one_line(label) for label in labels_counted(listed)}
    if any(name != line for name, line in lines.items()):
        listed = relabelled(listed, lines)
    came = labels_counted(listed)
    labels = set(came)
    counted = classes_after_counts(labels - answers.same.keys())
    unlabelled = sorted(name for name in labels - answers.same.keys() if says_no_label(name))
    same = {**counted, **dict.fromkeys(unlabelled, ""), **answers.same}
    by_name = find_patients(relabelled(listed, {name: _merged(name, same) for name in same}), answers)
    merged = by_name.listed
    counts = labels_counted(merged)
    parts = parts_counted(merged)
    named = set(patients_named(merged))
    open_names = {name: count for name, count in counts.items() if same.get(name) != name}
    asked = [*proposal.questions, *(questions.same_class(names, counts) for names in near_equal(open_names))]
    if unlabelled:
        asked.append(questions.no_label(unlabelled, came, taken=True))
    if unsure := sorted(name for name in open_names if may_be_no_label(name)):
        asked.append(questions.no_label(unsure, counts, taken=False))
    if counted:
        asked.append(questions.classes_after_counts(counted))
    if by_name.question is not None:
        asked.append(by_name.question)
    proposal = replace(
        proposal,
        levels=(*proposal.levels, *filter(None, [by_name.level])),
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
    tables: Sequence[TableRead] = (),
) -> list[DataIssue]:
    """Say which answers fit nothing that is there: a slip of the pen, or data that changed since."""
    names = [table.offer.path for table in tables]
    said = [
        (DataIssueKind.CLASS_UNCLEAR, N_("no class is named “{name}”").format(name=name), labels)
        for name in answers.same
        if name not in labels
    ]
    said += [
        (DataIssueKind.PART_UNCLEAR, N_("no folder or cell is named “{name}”").format(name=name), parts)
        for name in answers.parts
        if name not in parts and "," not in name  # names that were given together
    ]
    if levels is not None and max(answers.levels, default=0) > levels:
        said.append(
            (DataIssueKind.CLASS_UNCLEAR, N_("the number of levels of folders is {n}").format(n=levels), ())
        )
    if answers.table and answers.table not in names:
        said.append(
            (
                DataIssueKind.TABLE_FOUND,
                N_("no table {name} describes the images").format(name=answers.table),
                names,
            )
        )
    return [
        DataIssue(
            kind=kind,
            message=f"These answers do not fit the data: {problem}"
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
