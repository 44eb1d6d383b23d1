"""What a data set holds, what the checks found and what they mean, how it is divided: as tables and pieces of HTML."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

from engine.data import count_patients, patients_unknown
from engine.records import PARTS, DataIssue, DataIssueKind, Index, Sample, Split
from gui.web import markup

THUMBNAILS = 8
"""Pictures shown of each class and of each finding."""

MEANINGS: Mapping[DataIssueKind, str] = {
    DataIssueKind.UNREADABLE: "These files could not be opened as images. They are left out; the others "
    "are not affected.",
    DataIssueKind.EXACT_DUPLICATE: "The same file, byte for byte, more than once. Each is kept once, so that "
    "no image is counted twice or stands in both training and test.",
    DataIssueKind.NEAR_DUPLICATE: "Images that look almost the same, often one film saved twice. A new "
    "division keeps such images on one side; where the parts came with the data, those in training are left out.",
    DataIssueKind.LABEL_CONFLICT: "One image under two labels. Neither can be trusted, so it is left out: "
    "correct the label in your table or folders and read the data again.",
    DataIssueKind.PATIENT_OVERLAP: "Films of one patient in several of the parts that came with the data. A net "
    "may recognise the patient instead of the finding, so such a patient's films stay in the test part, or validation, "
    "and the others are left out; divide anew to use them all.",
    DataIssueKind.SMALL_CLASS: "Too few cases to learn from or to measure on. Intervals will be wide.",
    DataIssueKind.MISSING_FILE: "The table names files that are not there. These rows are left out.",
    DataIssueKind.DUPLICATE_ROW: "Rows of the table that say the same twice. Each is read once.",
    DataIssueKind.UNLABELLED: "Images without a label. They can be read and labelled under Review, but not "
    "trained on.",
    DataIssueKind.SKIPPED: "Files that are not images, or that cannot be used. They are left out.",
}


def summary(index: Index) -> str:
    """Return the tiles at the top and one bar a class."""
    labelled = sum(sample.label is not None for sample in index.samples)
    patients = count_patients(index.samples)
    tiles = [
        (f"{len(index.samples):,}", "images"),
        (f"{len(index.classes):,}", "classes" if len(index.classes) != 1 else "class"),
        ("not named" if patients is None else f"{patients:,}", "patients"),
        (f"{len(index.samples) - labelled:,}", "without a label"),
        (f"{sum(len(issue.paths) or 1 for issue in index.issues):,}", "files to look at"),
    ]
    counts: dict[str, Counter[str]] = {name: Counter() for name in index.classes}
    for sample in index.samples:
        counts.setdefault(sample.label or "no label", Counter())[sample.part or "no part"] += 1
    ordered = {name: {part: parts[part] for part in (*PARTS, "no part")} for name, parts in counts.items()}
    note = (
        ""
        if patients is not None
        else markup.note(
            "No patient names came with this data, so every image counts as its own patient. If one patient "
            "has several films, bring a table with a patient column: otherwise films of one patient can stand in "
            "training and in test.",
            tone="mild",
        )
    )
    return markup.figures(tiles) + markup.bars(ordered) + note


def counts_table(index: Index) -> list[list[str]]:
    """Return the rows of the table: class, images in each part that came with the data, patients, in all."""
    rows = []
    known = count_patients(index.samples) is not None
    for name in [*index.classes, None]:
        of_class = [sample for sample in index.samples if sample.label == name]
        if not of_class:
            continue
        parts = Counter(sample.part for sample in of_class)
        patients = f"{len({sample.patient_id for sample in of_class}):,}" if known else "–"
        rows.append(
            [
                name if name is not None else "(no label)",
                *(f"{parts[part]:,}" for part in PARTS),
                f"{parts[None]:,}",
                f"{len(of_class):,}",
                patients,
            ]
        )
    return rows


def class_films(index: Index, picture: Callable[[Sample], str]) -> str:
    """Return a row of pictures of each class, spread over the data so that patients differ."""
    parts = []
    for name in [*index.classes, None]:
        of_class = [sample for sample in index.samples if sample.label == name]
        if not of_class:
            continue
        step = max(1, len(of_class) // THUMBNAILS)
        shown = of_class[::step][:THUMBNAILS]
        title = markup.escape(name if name is not None else "no label")
        parts.append(f"<h4>{title} <span class='or-sub'>{len(of_class):,} images</span></h4>")
        parts.append(markup.films(markup.Film(source=picture(s), caption=s.path.name) for s in shown))
    return "".join(parts)


def issues(index: Index, picture: Callable[[Path], str]) -> str:
    """Return what the checks found, grouped by kind, each with what it means and the pictures concerned."""
    if not index.issues:
        return markup.note("The checks found nothing to object to.", tone="good")
    by_kind: dict[DataIssueKind, list[DataIssue]] = defaultdict(list)
    for issue in index.issues:
        by_kind[issue.kind].append(issue)
    boxes = []
    for kind, group in by_kind.items():
        paths = list(dict.fromkeys(path for issue in group for path in issue.paths))
        shown = [markup.Film(source=picture(path), caption=path.name) for path in paths[:THUMBNAILS]]
        readable = [film for film in shown if film.source]
        messages = [issue.message for issue in group[:12]]
        if len(group) > 12:
            messages.append(f"… and {len(group) - 12:,} more like these")
        listed = "".join(f"<li>{markup.escape(message)}</li>" for message in messages)
        inner = f"<details><summary>{len(group):,} in detail</summary><ul>{listed}</ul></details>"
        if readable:
            inner += markup.films(readable)
        serious = any(issue.serious for issue in group)
        number = len(paths) or len(group)
        heading = (
            f"{kind.value.capitalize()}: {number:,} {'file' if number == 1 else 'files'}. {MEANINGS[kind]}"
        )
        boxes.append(markup.note(heading, tone="serious" if serious else "mild", inner=inner))
    return "".join(boxes)


def division(split: Split) -> tuple[list[list[str]], str]:
    """Return the table of a division (images and patients by class and part) and one sentence on it."""
    rows = []
    known = not patients_unknown(split)
    for name in (*split.classes, None):
        row = [name if name is not None else "in all"]
        for part in PARTS:
            samples = [s for s in split.part(part) if name is None or s.label == name]
            patients = f" · {len({s.patient_id for s in samples}):,} patients" if known else ""
            row.append(f"{len(samples):,} images{patients}")
        rows.append(row)
    how = f"{split.method[:1].upper()}{split.method[1:]}"
    if not known:
        return rows, markup.note(
            f"No image stands on two sides; whether a patient does cannot be known. {how}.", tone="mild"
        )
    return rows, markup.note(f"No patient stands on two sides. {how}.", tone="good")
