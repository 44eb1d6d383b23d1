"""What could make the figures of a study wrong, found before anything trains.

    settle_duplicates       one image twice, or under two labels
    find_patient_overlap    one patient in two parts of the split that came with the data
    find_small_classes      too few cases to learn from or to measure on
    find_odd_images         decoded, and yet hardly what was meant: black, flat, half blank

The same image, changed, under two patients is found by `engine.data.copies.near`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.data.columns.samples import Samples, in_columns
from engine.data.patients import patients_named, patients_words
from engine.images import Remark
from engine.language import count_of
from engine.records import PARTS, DataIssue, DataIssueKind, Sample

SMALL = 10  # cases; fewer give an interval so wide that the figure says little
MIN_PATIENTS = 3  # one for each part of a split


def settle_duplicates(samples: Sequence[Sample]) -> tuple[Samples, list[DataIssue]]:
    """Keep each image once, and none that has two labels.

    Of byte-identical copies in several parts of a given split the one in the test part is kept, then
    validation, so that training never sees what it is measured on. A labelled copy goes before all others.

    Args:
        samples: In their stable order; an image_id may occur several times.

    Returns:
        Samples, each image_id once, in the order given; a finding for each image that came more than once.
    """
    columns = in_columns(samples)
    repeated = columns.repeated()
    copies: dict[str, dict[int, Sample]] = defaultdict(dict)
    for row, sample in zip(repeated.tolist(), columns.take(repeated), strict=True):
        copies[sample.image_id][row] = sample
    stays = np.ones(len(columns), bool)
    stays[repeated] = False
    issues = []
    for group in copies.values():
        labels = sorted({sample.label for sample in group.values() if sample.label is not None})
        if len(labels) > 1:
            issues.append(_label_conflict([*group.values()], labels))
            continue
        kept = min(group, key=lambda row: _claim(group[row]))  # min takes the first of equals
        stays[kept] = True
        issues.append(_exact_duplicate([*group.values()], group[kept]))
    return columns.take(np.flatnonzero(stays)), issues


def _claim(sample: Sample) -> tuple[bool, int, bool]:
    order = {"test": 0, "val": 1, "train": 2}
    part = 3 if sample.part is None else order[sample.part]
    return sample.label is None, part, sample.patient_id == sample.image_id


def _label_conflict(group: Sequence[Sample], labels: Sequence[str]) -> DataIssue:
    return DataIssue(
        kind=DataIssueKind.LABEL_CONFLICT,
        message=f"One image has {len(labels)} labels ({', '.join(labels)}); "
        + (
            "it is set aside"
            if len({sample.path for sample in group}) == 1
            else "all its copies are set aside"
        ),
        paths=_paths(group),
        serious=True,
    )


def _exact_duplicate(group: Sequence[Sample], kept: Sample) -> DataIssue:
    parts = {sample.part for sample in group}
    patients = {sample.patient_id for sample in group if sample.patient_id != sample.image_id}
    files = len({sample.path for sample in group})
    message = f"{files} files hold the same image, byte for byte; {kept.path.name} is kept"
    if files == 1:
        message = f"{len(group)} rows name {kept.path.name}, which is kept once"
    if len(parts) > 1:
        message += f" in {kept.part or 'no part'}, so that training does not see what is measured"
    if len(patients) > 1:
        message += "; they are filed under different patients, so check which is right"
    return DataIssue(
        kind=DataIssueKind.EXACT_DUPLICATE,
        message=message,
        paths=(kept.path, *(sample.path for sample in group if sample is not kept)),
        serious=len(patients) > 1,
    )


def find_patient_overlap(samples: Sequence[Sample]) -> list[DataIssue]:
    """Find patients with images in more than one part of the split that came with the data."""
    columns = in_columns(samples)
    patients = columns.patient_numbers()
    held = {part: np.zeros(len(columns), bool) for part in PARTS}  # by patient
    for part in PARTS:
        held[part][patients[columns.parts.rows_of(part)]] = True
    torn = np.flatnonzero(np.sum([*held.values()], axis=0) > 1)
    if not len(torn):
        return []
    torn_parts = [part for part in PARTS if held[part][torn].any()]
    concerned = np.isin(patients, torn)
    concerned[columns.parts.rows_of(None)] = False
    return [
        DataIssue(
            kind=DataIssueKind.PATIENT_OVERLAP,
            message=f"{count_of(len(torn), 'patient is', 'patients are')} in more than one part of the "
            f"split that came with the data ({', '.join(torn_parts)}); make a new split, or training leaves "
            "them out",
            paths=columns.paths(np.flatnonzero(concerned)),
            serious=True,
        )
    ]


def find_small_classes(samples: Sequence[Sample], classes: Sequence[str]) -> list[DataIssue]:
    """Find classes that cannot be in every part of a split, that can hardly be measured, or that are
    alone."""
    columns = in_columns(samples)
    numbers = columns.patient_numbers()
    issues = []
    if len(classes) == 1:
        issues.append(
            DataIssue(
                kind=DataIssueKind.SMALL_CLASS,
                message=f"There is only one class, {classes[0]}; add images of at least one other class",
                serious=True,
            )
        )
    for name in classes:
        rows = columns.labels.rows_of(name)
        held_by = np.zeros(len(columns), bool)
        held_by[numbers[rows]] = True
        cases, patients = len(rows), int(np.count_nonzero(held_by))
        if cases >= SMALL and patients >= MIN_PATIENTS:
            continue
        of_class = columns.take(rows)
        known = patients_named(of_class)
        unit = "patients" if known.named else "cases"
        held = count_of(cases, "case")
        if known.named:
            held += f" ({patients_words(known)})"
        impossible = patients < MIN_PATIENTS
        issues.append(
            DataIssue(
                kind=DataIssueKind.SMALL_CLASS,
                message=f"Class {name} has {held}; "
                + (
                    f"it needs {MIN_PATIENTS} {unit} to be trained and tested on: add cases or leave it out"
                    if impossible
                    else "results on so few cases are imprecise: add cases if you can"
                ),
                paths=_paths(of_class),
                serious=impossible,
            )
        )
    return issues


def find_odd_images(remarks: Iterable[tuple[Path, Remark]]) -> list[DataIssue]:
    """Say what was noticed of images while they were read, one data issue for each thing noticed."""
    odd: dict[Remark, list[Path]] = defaultdict(list)
    for path, remark in remarks:
        odd[remark].append(path)
    issues = []
    for remark, paths in odd.items():
        first = paths[0].name
        message = (
            f"In {len(paths):,} images, {first} among them, {remark.message}"
            if len(paths) > 1
            else f"In the image {first}, {remark.message}"
        )
        issues.append(DataIssue(kind=remark.kind, message=message, paths=tuple(paths)))
    return issues


def find_unlabelled(samples: Sequence[Sample]) -> list[DataIssue]:
    """Count the images that no label came with."""
    columns = in_columns(samples)
    without = columns.labels.rows_of(None)
    if not len(without):
        return []
    return [
        DataIssue(
            kind=DataIssueKind.UNLABELLED,
            message="1 image has no label; it can be predicted or labelled on the review page, and takes no part in "
            "training"
            if len(without) == 1
            else f"{len(without):,} images have no label; they can be predicted or labelled on the review page, and "
            "take no part in training",
            paths=columns.paths(without),
        )
    ]


def group_equal(
    issues: Iterable[DataIssue], *, apart: Collection[DataIssueKind] = (DataIssueKind.NEAR_DUPLICATE,)
) -> tuple[DataIssue, ...]:
    """Make one data issue of those that say the same of different files, with all their files; the serious first.

    Args:
        issues: In any order.
        apart: Kinds that are left as they are. Each issue of near duplicates is a group of images that a split keeps
            together, so these are made one for the eye alone.
    """
    groups: dict[tuple[DataIssueKind, bool, str], list[DataIssue]] = defaultdict(list)
    for number, issue in enumerate(issues):
        template = issue.message
        for path in issue.paths[:2]:
            template = template.replace(str(path), "…").replace(path.name, "…")
        template = re.sub(r"\d+", "#", template)
        if issue.kind in apart or issue.options:
            template = f"{number} {template}"
        groups[issue.kind, issue.serious, template].append(issue)
    return tuple(sorted(map(_as_one, groups.values()), key=lambda issue: not issue.serious))


def _as_one(equal: Sequence[DataIssue]) -> DataIssue:
    first = equal[0]
    if len(equal) == 1:
        return first
    return replace(
        first,
        message=f"{first.message} (and the same {count_of(len(equal) - 1, 'time')} more, all listed)",
        paths=tuple(dict.fromkeys(path for issue in equal for path in issue.paths)),
    )


def _paths(samples: Iterable[Sample]) -> tuple[Path, ...]:
    return tuple(sample.path for sample in samples)
