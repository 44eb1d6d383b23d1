"""From pairs of copies to data issues: one for each group that is one image, and one where somebody made them all."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.data.copies.changes import Change, in_words
from engine.data.patients import patients_named
from engine.language import N_
from engine.records import DataIssue, DataIssueKind, Sample

MANY = 0.1
"""Share of the images that are changed copies from which they were probably made on purpose."""
_FEWEST = 10  # images
_SAID_BY_NAMES = re.compile(r"aug|rot(at)?|flip|mirror|crop|shift|zoom|invert|copy|\(\d+\)", re.IGNORECASE)

Pair = tuple[int, int, Change]

_ALIKE = (
    (
        N_("{n} files look like one image"),
        N_("{n} files with different labels ({classes}) look like one image"),
    ),
    (
        N_("{n} files of different patients look like one image"),
        N_("{n} files of different patients with different labels ({classes}) look like one image"),
    ),
)
"""Said of images whose patients are not known, and are; whose labels do not differ, and do."""
_CHANGED = (N_("one of them is {words}"), N_("some of them are {words}"))
_PARTS = (
    N_("a new split keeps them in one part"),
    N_("they are in different parts of the split that came with the data: take one out or make a new split"),
)


def issues_of(samples: Sequence[Sample], pairs: Sequence[Pair]) -> list[DataIssue]:
    """Return one issue a group, those with two labels first, and one of the data set where many are changed copies.

    Args:
        samples: All that were compared.
        pairs: Rows of two that are one image, and what was done.
    """
    from scipy.cluster.hierarchy import DisjointSet  # here, because it takes a quarter of a second

    linked = DisjointSet({row for first, second, _ in pairs for row in (first, second)})
    done: dict[int, list[Change]] = {}
    for first, second, change in pairs:
        if linked.merge(first, second):
            done.setdefault(second, []).append(change)
    groups = []
    for rows in linked.subsets():
        if len(rows) > 1:
            changes = [change for row in sorted(rows) for change in done.get(row, ())]
            groups.append((sorted((samples[row] for row in rows), key=lambda one: str(one.path)), changes))
    groups.sort(key=lambda group: (-len(_labels(group[0])), [str(sample.path) for sample in group[0]]))
    return [*_made_before(samples, groups), *(_near_duplicate(*group) for group in groups)]


def _labels(group: Sequence[Sample]) -> list[str]:
    return sorted({sample.label for sample in group if sample.label is not None})


def _near_duplicate(group: Sequence[Sample], changes: Sequence[Change]) -> DataIssue:
    parts = {sample.part for sample in group} - {None}
    labels = _labels(group)
    head = _ALIKE[patients_named(group).all][len(labels) > 1]
    said = [head.format(n=len(group), classes=", ".join(labels))]
    if words := in_words(changes):
        said.append(_CHANGED[len(group) > 2].format(words=", ".join(words)))
    said.append(_PARTS[len(parts) > 1])
    return DataIssue(
        kind=DataIssueKind.NEAR_DUPLICATE,
        message="; ".join(said),
        paths=tuple(sample.path for sample in group),
        serious=len(parts) > 1 or len(labels) > 1,
    )


def _made_before(
    samples: Sequence[Sample], groups: Sequence[tuple[Sequence[Sample], Sequence[Change]]]
) -> list[DataIssue]:
    """Say where so many images are changed copies that the data were enlarged before they were split."""
    made = [(group, changes) for group, changes in groups if any(change.made for change in changes)]
    copies = [sample for group, _ in made for sample in group]
    if len(copies) < max(_FEWEST, MANY * len(samples)):
        return []
    words = ", ".join(in_words([change for _, changes in made for change in changes]))
    named = [sample.path.name for sample in copies if _SAID_BY_NAMES.search(sample.path.stem)]
    message = (
        f"{len(copies):,} of {len(samples):,} images ({len(copies) / len(samples):.0%}) show what another one "
        f"shows ({words}), as when a data set is enlarged before it is split"
    )
    if len(named) >= len(copies) / 4:
        message += f"; names such as {named[0]} say so too"
    message += (
        f". In truth their number is {len(made):,}, and intervals that count each file are too narrow: "
        "bring the originals alone, since Overread changes training images itself, after the split"
    )
    return [
        DataIssue(
            kind=DataIssueKind.ENLARGED,
            message=message,
            paths=tuple(sample.path for sample in copies),
            serious=True,
        )
    ]
