"""What a data set holds, what the checks found and what they mean, how it is split: as tables and pieces of HTML."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from engine.data import cases_of, patient_overlap, patients_named
from engine.language import _, counted, isolated, ngettext, number
from engine.records import PARTS, DataIssue, DataIssueKind, Index, Sample, Split
from gui.pages.data.issue_words import kind_titles, meanings
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
    known, wrong = patients_named(index.samples), len(_with_issues(index))
    tiles = [
        (number(len(index.samples)), ngettext("image", "images", len(index.samples))),
        (number(len(index.classes)), _("class") if len(index.classes) == 1 else _("classes")),
        (number(known.patients), ngettext("patient", "patients", known.patients))
        if known.named
        else (_("not named"), _("patients")),
        (number(len(index.samples) - labelled), _("without a label")),
        (number(wrong), ngettext("file with issues", "files with issues", wrong)),
    ]
    counts: dict[str, Counter[str]] = {name: Counter() for name in index.classes}
    for sample in index.samples:
        counts.setdefault(sample.label or _("no label"), Counter())[sample.part or "no part"] += 1
    ordered = {name: {part: parts[part] for part in (*PARTS, "no part")} for name, parts in counts.items()}
    note = "" if known.all else markup.note(_unnamed(known.named, known.images), tone="mild")
    return markup.figures(tiles) + markup.bars(ordered) + note


def _unnamed(named: int, of_all: int) -> str:
    """Say what it means that not every image has a patient."""
    first = (
        _(
            "A patient is named for {n} of {total} images; every other image counts as its own patient."
        ).format(n=number(named), total=number(of_all))
        if named
        else _("No patient names came with this data, so every image counts as its own patient.")
    )
    return f"{first} " + _(
        "If one patient has several images, bring a table with a patient column: otherwise images of one patient "
        "can be in training and in test."
    )


def _with_issues(index: Index) -> set[Path]:
    return {path for issue in index.issues if issue.kind in OF_FILES for path in issue.paths}


def counts_headings() -> list[str]:
    """Return the headings of `counts_table`."""
    return [*split_headings(), _("no part"), _("images"), _("patients")]


def split_headings() -> list[str]:
    """Return the headings of the table of a split."""
    return [_("class"), *(markup.part_title(part) for part in PARTS)]


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
                isolated(name) if name is not None else _("(no label)"),
                *(number(parts[part]) for part in PARTS),
                number(parts[None]),
                number(len(of_class)),
                "–" if patients is None else number(patients),
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
        title = name if name is not None else _("no label")
        parts.append(markup.heading(title, counted(len(of_class), "image")))
        parts.append(markup.pictures(picture(sample) for sample in shown))
    return markup.joined(parts)


def issues(index: Index, picture: Callable[[int, int], markup.Picture]) -> str:
    """Return what the checks found, one box a kind: what it means, equal messages once, and the pictures concerned.

    Args:
        index: The data set.
        picture: Given an issue's number and one of its paths' number, the picture of that file.
    """
    if not index.issues:
        return markup.note(_("No problems found."), tone="good")
    by_kind: dict[DataIssueKind, list[int]] = defaultdict(list)
    for place, issue in enumerate(index.issues):
        by_kind[issue.kind].append(place)
    return markup.joined(_issues_of(kind, numbers, index, picture) for kind, numbers in by_kind.items())


def _issues_of(
    kind: DataIssueKind, numbers: Sequence[int], index: Index, picture: Callable[[int, int], markup.Picture]
) -> str:
    group = [index.issues[number] for number in numbers]
    places = {path: (i, j) for i in reversed(numbers) for j, path in enumerate(index.issues[i].paths)}
    beside = numbers[:SIDE_BY_SIDE] if kind is DataIssueKind.NEAR_DUPLICATE else []
    inner = markup.joined(_side_by_side(number, index, picture) for number in beside)
    inner += markup.joined(
        markup.files(markup.told(text), [path.name for path in paths], listed=LISTED)
        for text, paths in _equal_messages(group[len(beside) :]).items()
    )
    if kind not in NO_PICTURE and not beside:
        inner += markup.pictures(picture(*place) for place in list(places.values())[:THUMBNAILS])
    count = counted(len(places), "file") if places else number(len(group)) if len(group) > 1 else ""
    heading = f"{kind_titles()[kind]}{count and f': {count}'}. {meanings()[kind]}"
    return markup.note(heading, tone="serious" if any(one.serious for one in group) else "mild", inner=inner)


def _side_by_side(at: int, index: Index, picture: Callable[[int, int], markup.Picture]) -> str:
    """Return what is said of images that look like one, and the images beside each other with what is known of each."""
    issue = index.issues[at]
    samples = {sample.path: sample for sample in index.samples if sample.path in issue.paths}
    shown = [
        replace(picture(at, place), caption=_known(path, samples.get(path)))
        for place, path in enumerate(issue.paths[:THUMBNAILS])
    ]
    rest = len(issue.paths) - len(shown)
    more = _("{count} more are not shown").format(count=number(rest))
    message = markup.told(issue.message)
    said = markup.joined([message, f" ({more})." if rest else "."])
    return markup.box("group", [markup.remark(said), markup.pictures(shown, large=True)])


def _known(path: Path, sample: Sample | None) -> str:
    if sample is None:
        return isolated(path.name)
    label = isolated(sample.label) if sample.label is not None else _("no label")
    named = sample.patient_id != sample.image_id
    patient = (
        _("patient {name}").format(name=isolated(sample.patient_id)) if named else _("patient not named")
    )
    part = markup.part_title(sample.part)
    return f"{isolated(path.name)}\n{label}\n{patient}\n{part}"


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
        row = [isolated(name) if name is not None else _("in all")]
        for part in PARTS:
            samples = [s for s in split.part(part) if name is None or s.label == name]
            patients = patients_named(samples).count
            of = "" if patients is None else f" · {counted(patients, 'patient')}"
            row.append(counted(len(samples), "image") + of)
        rows.append(row)
    said = [markup.told(f"{one[:1].upper()}{one[1:]}.") for one in (patient_overlap(split), split.method)]
    return rows, markup.note(markup.Markup(" ").join(said), tone="good" if known.all else "mild")
