"""What a data set holds, what the checks found and what they mean, how it is split: as tables and pieces of HTML."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from engine.data import cases_of, patient_overlap, patients_named
from engine.records import PARTS, DataIssue, DataIssueKind, Index, Sample, Split
from engine.report import counted, images
from gui.web import markup

THUMBNAILS = 8
"""Pictures shown of each class and of each kind of issue."""
SIDE_BY_SIDE = 30
"""Groups of images that look like one, each shown with its images; those after them are listed."""
LISTED = 1_000
"""Names of files listed behind one message."""
NO_PICTURE = frozenset(
    {
        DataIssueKind.UNREADABLE,
        DataIssueKind.MISSING_FILE,
        DataIssueKind.SKIPPED,
        DataIssueKind.MASK_UNREADABLE,
    }
)
"""Kinds of issue whose files are no images that could be shown."""

MEANINGS: Mapping[DataIssueKind, str] = {
    DataIssueKind.UNREADABLE: "Files that could not be opened as images. They are left out; the others "
    "are not affected.",
    DataIssueKind.EXACT_DUPLICATE: "The same file, byte for byte, more than once. Each is kept once, so that "
    "no image is counted twice or is in both training and test.",
    DataIssueKind.NEAR_DUPLICATE: "One image several times, saved again, mirrored, turned, cropped or shifted, or, "
    "rarely, one patient twice under two names. A new split keeps such images in one part; where the parts came with "
    "the data, those in training are left out.",
    DataIssueKind.ENLARGED: "Changed copies of images on this scale were probably made to enlarge the data. In "
    "training and in test at once they would make every figure better than the truth; a new split keeps them together.",
    DataIssueKind.LABEL_CONFLICT: "One image under two labels. Neither can be trusted, so it is left out: "
    "correct the label in your table or folders and read the data again.",
    DataIssueKind.PATIENT_OVERLAP: "Images of one patient in several of the parts that came with the data. A model "
    "may recognise the patient instead of the finding, so such images stay in the test part, or validation, "
    "and the others are left out; make a new split to use them all.",
    DataIssueKind.SMALL_CLASS: "Too few cases to learn from or to measure on. Intervals will be wide.",
    DataIssueKind.MISSING_FILE: "The table names files that are not there. These rows are left out.",
    DataIssueKind.TABLE_READ: "How the columns of the table were understood. Correct it where it is wrong.",
    DataIssueKind.SEVERAL_FINDINGS: "A model learns to distinguish classes that exclude each other. With several "
    "findings per image every combination would be a class, so choose the one finding it should learn.",
    DataIssueKind.AMBIGUOUS_FILE: "The table names files that exist several times, or one file in several rows. "
    "Nothing is guessed: these rows are left out.",
    DataIssueKind.FOUND_OTHERWISE: "Files whose names differ from the table, matched to the only row "
    "they can belong to.",
    DataIssueKind.UNLISTED: "Images that no row of the table names. They are left out.",
    DataIssueKind.DUPLICATE_ROW: "Duplicate rows of the table. Each is read once.",
    DataIssueKind.UNLABELLED: "Images without a label. They can be labelled under Studies (Label these images, "
    "beside the data set) and cannot be trained on before that.",
    DataIssueKind.PART_UNCLEAR: "Names do not tell whether these are training, validation or test images. They are "
    "in no part until you say which.",
    DataIssueKind.CLASS_UNCLEAR: "Names do not make the classes clear.",
    DataIssueKind.PATIENT_UNCLEAR: "The patient is not known for all images. Images of an unnamed patient can be "
    "in both training and test.",
    DataIssueKind.TABLE_FOUND: "A table that describes the images is in the same folder.",
    DataIssueKind.NO_CONTRAST: "Images of one grey level: nothing can be learnt from them.",
    DataIssueKind.NEARLY_BLACK: "Images that are black nearly everywhere, as when exposure or window failed.",
    DataIssueKind.NEARLY_WHITE: "Images that are white nearly everywhere, as when exposure or window failed.",
    DataIssueKind.BLANK_TAIL: "Images whose lower part is blank, as when a file was cut short.",
    DataIssueKind.ODD_HEADER: "The file says something odd of its pixels. They are shown as well as can be.",
    DataIssueKind.SMALL_IMAGE: "Images with far fewer pixels than the others: enlarged, they lack detail.",
    DataIssueKind.MASK_UNREADABLE: "Masks that cannot be opened. Their images are used without a mask.",
    DataIssueKind.MASK_SIZE: "Masks that do not fit their images, which are used without a mask.",
    DataIssueKind.MASK_SCALED: "Masks with fewer or more pixels than their images. They are scaled to them.",
    DataIssueKind.MASK_EMPTY: "Masks on which nothing is marked, although the class says that there is a finding.",
    DataIssueKind.SKIPPED: "Files that are not images, or that cannot be used. They are left out.",
    DataIssueKind.END_MISSING: "Files that end too early. No part of the image is missing, so they are used.",
}
OF_FILES = frozenset(
    {
        DataIssueKind.UNREADABLE,
        DataIssueKind.EXACT_DUPLICATE,
        DataIssueKind.NEAR_DUPLICATE,
        DataIssueKind.ENLARGED,
        DataIssueKind.LABEL_CONFLICT,
        DataIssueKind.PATIENT_OVERLAP,
        DataIssueKind.MISSING_FILE,
        DataIssueKind.AMBIGUOUS_FILE,
        DataIssueKind.NO_CONTRAST,
        DataIssueKind.NEARLY_BLACK,
        DataIssueKind.NEARLY_WHITE,
        DataIssueKind.BLANK_TAIL,
        DataIssueKind.ODD_HEADER,
        DataIssueKind.END_MISSING,
        DataIssueKind.SMALL_IMAGE,
        DataIssueKind.MASK_UNREADABLE,
        DataIssueKind.MASK_SIZE,
        DataIssueKind.MASK_SCALED,
        DataIssueKind.MASK_EMPTY,
    }
)
"""Kinds that are about single files; the others say how the data were read, or count what is rightly there."""


def summary(index: Index) -> str:
    """Return the tiles at the top and one bar a class."""
    labelled = sum(sample.label is not None for sample in index.samples)
    known = patients_named(index.samples)
    tiles = [
        markup.tile(len(index.samples), "image"),
        markup.tile(len(index.classes), "class", "classes"),
        markup.tile(known.patients, "patient") if known.named else ("not named", "patients"),
        (f"{len(index.samples) - labelled:,}", "without a label"),
        markup.tile(len(_with_issues(index)), "file with issues", "files with issues"),
    ]
    counts: dict[str, Counter[str]] = {name: Counter() for name in index.classes}
    for sample in index.samples:
        counts.setdefault(sample.label or "no label", Counter())[sample.part or "no part"] += 1
    ordered = {name: {part: parts[part] for part in (*PARTS, "no part")} for name, parts in counts.items()}
    note = (
        ""
        if known.all
        else markup.note(
            (
                f"A patient is named for {known.named:,} of {known.images:,} images; every other image"
                if known.named
                else "No patient names came with this data, so every image"
            )
            + " counts as its own patient. If one patient has several images, bring a table with a patient column: "
            "otherwise images of one patient can be in training and in test.",
            tone="mild",
        )
    )
    return markup.figures(tiles) + markup.bars(ordered) + note


def _with_issues(index: Index) -> set[Path]:
    return {path for issue in index.issues if issue.kind in OF_FILES for path in issue.paths}


def counts_table(index: Index) -> list[list[str]]:
    """Return the rows of the table: class, images in each part that came with the data, patients, in all."""
    rows = []
    for name in [*index.classes, None]:
        of_class = [sample for sample in index.samples if sample.label == name]
        if not of_class:
            continue
        parts = Counter(sample.part for sample in of_class)
        patients = patients_named(of_class).count
        rows.append(
            [
                name if name is not None else "(no label)",
                *(f"{parts[part]:,}" for part in PARTS),
                f"{parts[None]:,}",
                f"{len(of_class):,}",
                "–" if patients is None else f"{patients:,}",
            ]
        )
    return rows


def class_pictures(index: Index, picture: Callable[[Sample], markup.Picture]) -> str:
    """Return a row of pictures of each class, spread over the data so that patients differ."""
    parts = []
    for name in [*index.classes, None]:
        of_class = [sample for sample in index.samples if sample.label == name]
        if not of_class:
            continue
        step = max(1, len(of_class) // THUMBNAILS)
        shown = of_class[::step][:THUMBNAILS]
        title = name if name is not None else "no label"
        parts.append(markup.heading(title, images(len(of_class))))
        parts.append(markup.pictures(picture(sample) for sample in shown))
    return markup.joined(parts)


def issues(index: Index, picture: Callable[[int, int], markup.Picture]) -> str:
    """Return what the checks found, one box a kind: what it means, equal messages once, and the pictures concerned.

    Args:
        index: The data set.
        picture: Given an issue's number and one of its paths' number, the picture of that file.
    """
    if not index.issues:
        return markup.note("No problems found.", tone="good")
    by_kind: dict[DataIssueKind, list[int]] = defaultdict(list)
    for number, issue in enumerate(index.issues):
        by_kind[issue.kind].append(number)
    return markup.joined(_issues_of(kind, numbers, index, picture) for kind, numbers in by_kind.items())


def _issues_of(
    kind: DataIssueKind, numbers: Sequence[int], index: Index, picture: Callable[[int, int], markup.Picture]
) -> str:
    group = [index.issues[number] for number in numbers]
    places = {path: (i, j) for i in reversed(numbers) for j, path in enumerate(index.issues[i].paths)}
    beside = numbers[:SIDE_BY_SIDE] if kind is DataIssueKind.NEAR_DUPLICATE else []
    inner = markup.joined(_side_by_side(number, index, picture) for number in beside)
    inner += markup.joined(
        markup.files(text, [path.name for path in paths], listed=LISTED)
        for text, paths in _equal_messages(group[len(beside) :]).items()
    )
    if kind not in NO_PICTURE and not beside:
        inner += markup.pictures(picture(*place) for place in list(places.values())[:THUMBNAILS])
    count = f": {counted(len(places), 'file')}" if places else f": {len(group):,}" if len(group) > 1 else ""
    heading = f"{kind.value.capitalize()}{count}. {MEANINGS[kind]}"
    return markup.note(heading, tone="serious" if any(one.serious for one in group) else "mild", inner=inner)


def _side_by_side(number: int, index: Index, picture: Callable[[int, int], markup.Picture]) -> str:
    """Return what is said of images that look like one, and the images beside each other with what is known of each."""
    issue = index.issues[number]
    samples = {sample.path: sample for sample in index.samples if sample.path in issue.paths}
    shown = [
        replace(picture(number, place), caption=_known(path, samples.get(path)))
        for place, path in enumerate(issue.paths[:THUMBNAILS])
    ]
    rest = len(issue.paths) - len(shown)
    more = f" ({rest:,} more are not shown)" if rest else ""
    return markup.box("group", [markup.remark(f"{issue.message}{more}."), markup.pictures(shown, large=True)])


def _known(path: Path, sample: Sample | None) -> str:
    if sample is None:
        return path.name
    label = sample.label if sample.label is not None else "no label"
    patient = f"patient {sample.patient_id}" if sample.patient_id != sample.image_id else "patient not named"
    part = markup.PART_TITLES[sample.part or "no part"]
    return f"{path.name}\n{label}\n{patient}\n{part}"


def _equal_messages(group: Sequence[DataIssue]) -> dict[str, list[Path]]:
    """Return messages that differ in nothing but the file's name as one, with the files of all of them."""
    equal: dict[str, list[Path]] = defaultdict(list)
    alone: dict[str, str] = {}
    for issue in group:
        text = issue.message
        if len(issue.paths) == 1:
            text = text.replace(issue.paths[0].name, "…")
            alone.setdefault(text, issue.message)
        equal[text].extend(issue.paths)
    # a message that is the only one of its kind keeps its file's name
    return {alone.get(text, text) if len(paths) == 1 else text: paths for text, paths in equal.items()}


def split_overview(split: Split) -> tuple[list[list[str]], str]:
    """Return the table of a split (images and patients by class and part) and one sentence on it."""
    rows = []
    known = patients_named(cases_of(split))
    for name in (*split.classes, None):
        row = [name if name is not None else "in all"]
        for part in PARTS:
            samples = [s for s in split.part(part) if name is None or s.label == name]
            patients = patients_named(samples).count
            row.append(
                images(len(samples)) + ("" if patients is None else f" · {counted(patients, 'patient')}")
            )
        rows.append(row)
    overlap, how = patient_overlap(split), split.method
    said = f"{overlap[:1].upper()}{overlap[1:]}. {how[:1].upper()}{how[1:]}."
    return rows, markup.note(said, tone="good" if known.all else "mild")
