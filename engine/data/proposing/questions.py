"""What names leave open, as questions: what it is, what was done for now, and how to settle it.

Every question can be settled by a button (`Choice.answers`) and by an option (`Choice.option`).
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from engine.language import count_of
from engine.records import Answers, Choice, DataIssue, DataIssueKind, Part, Question, Role

MOST_FINDINGS = 40
_WORDS: dict[Part, str] = {"train": "training", "val": "validation", "test": "test"}


def listed(names: Iterable[str], most: int = 4) -> str:
    """Write names in quotation marks, so that blanks at their ends are seen."""
    return _joined([f"“{name}”" for name in names], most)


def counted(counts: Mapping[str, int], names: Iterable[str], most: int = 4) -> str:
    """Write names with their numbers of images."""
    return _joined([f"“{name}” ({count_of(counts[name], 'image')})" for name in names], most)


def _joined(shown: Sequence[str], most: int) -> str:
    if len(shown) > most:
        return f"{', '.join(shown[:most])} and {len(shown) - most:,} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def class_or_part(
    level: int,
    known: Mapping[str, Part | None],
    others: Collection[str],
    counts: Mapping[str, int],
    as_part: bool,
) -> Question:
    """Ask what a level is where some names mean parts: train beside images, test beside control."""
    taken = (
        f"they were taken as parts, and the images in {listed(sorted(others))} are in none of training, validation "
        "and test"
        if as_part
        else "all were taken as classes"
    )
    message = (
        f"{counted(counts, sorted(known))} {'is' if len(known) == 1 else 'are'} named like a part of the split, and "
        f"{listed(sorted(others))} beside {'it' if len(known) == 1 else 'them'} "
        f"{'is' if len(others) == 1 else 'are'} not; {taken}. Say whether level {level} is the part or the class"
    )
    return _question(
        DataIssueKind.PART_UNCLEAR,
        message,
        [
            _level(level, "part", "They are parts"),
            _level(level, "class", "They are classes"),
            *(_as_parts(sorted(others)) if as_part else ()),
        ],
    )


def no_part(strangers: Collection[str], counts: Mapping[str, int]) -> Question:
    """Ask for the part of folders, or values of a column, that stand beside those of the split."""
    names = sorted(strangers)
    message = (
        f"{counted(counts, names)} {'names' if len(names) == 1 else 'name'} no part of the split: "
        "these images are in none of training, validation and test until you say which"
    )
    return _question(DataIssueKind.PART_UNCLEAR, message, _as_parts(names))


def parts_of_folders(counts: Mapping[Part, int]) -> Question:
    """Say that a table names no parts, and that those of the folders were taken."""
    held = ", ".join(
        f"{count_of(counts[part], 'image')} in {words}" for part, words in _WORDS.items() if counts.get(part)
    )
    return _question(
        DataIssueKind.PART_UNCLEAR,
        f"The table names no parts of a split, so those that the folders name were taken: {held}",
        [Choice(words="Take no parts", option="--column split=", answers=Answers(columns={"split": ""}))],
        serious=False,
    )


def one_part(part: Part, names: Collection[str], counts: Mapping[str, int]) -> Question:
    """Ask whether several names are one part: holdout beside test."""
    ordered = sorted(names)
    message = (
        f"{counted(counts, ordered)} were all taken as the {_WORDS[part]} part; say if one is another part"
    )
    choices = [
        _parts(dict.fromkeys(ordered, part), f"All are {_WORDS[part]}"),
        *(
            _parts({name: other}, f"“{name}” is {_WORDS[other]}")
            for name in ordered
            for other in _WORDS
            if other != part
        ),
        *(_parts({name: None}, f"Leave “{name}” out") for name in ordered),
    ]
    return _question(DataIssueKind.PART_UNCLEAR, message, choices)


def folds(level: int, counts: Mapping[str, int]) -> Question:
    """Ask which folds are which part."""
    names = sorted(counts)
    message = (
        f"Level {level} holds folds ({listed(names)}), which are not named as parts: a new split is made "
        "unless you say which folds are training, validation and test"
    )
    first, *middle, last = names
    chosen: dict[str, Part | None] = {first: "train", **dict.fromkeys(middle, "train"), last: "test"}
    return _question(
        DataIssueKind.PART_UNCLEAR,
        message,
        [
            _parts(chosen, f"“{last}” is the test part, the others are training"),
            _level(level, "ignored", "Make a new split"),
        ],
    )


def folds_of_column(counts: Mapping[str, int]) -> Question:
    """Ask which folds of a table's column are which part."""
    *others, last = sorted(counts, key=lambda name: (len(name), name))
    chosen: dict[str, Part | None] = {**dict.fromkeys(others, "train"), last: "test"}
    return _question(
        DataIssueKind.PART_UNCLEAR,
        f"The table counts folds ({listed((*others, last))}), which are not named as parts: a new split is made unless "
        "you say which folds are training, validation and test",
        [
            _parts(chosen, f"“{last}” is the test part, the others are training"),
            Choice(
                words="Make a new split", option="--column split=", answers=Answers(columns={"split": ""})
            ),
        ],
    )


def which_class(chosen: int, levels: Mapping[int, Mapping[str, int]], *, sure: bool) -> Question:
    """Ask which of several levels is the class."""
    described = "; ".join(
        f"level {level} ({listed(sorted(names, key=lambda name: -names[name]), 3)})"
        for level, names in levels.items()
    )
    message = f"Several levels of folders may be the class: {described}. Level {chosen} was taken"
    choices = [_level(level, "class", f"Level {level} is the class") for level in levels]
    return _question(DataIssueKind.CLASS_UNCLEAR, message, choices, serious=not sure)


def class_or_patient(level: int, counts: Mapping[str, int], *, taken: Role) -> Question:
    """Ask whether folders whose names look like ids are classes or patients."""
    done = (
        "they were taken as patients, and no image has a class"
        if taken == "patient"
        else "they were taken as classes"
    )
    message = (
        f"The {len(counts):,} names at level {level} of the folders ({listed(sorted(counts), 3)}) may be patients or "
        f"classes: {done}"
    )
    return _question(
        DataIssueKind.CLASS_UNCLEAR,
        message,
        [_level(level, "patient", "They are patients"), _level(level, "class", "They are classes")],
    )


def patient_level(level: int, counts: Mapping[str, int], *, taken: bool, sure: bool) -> Question:
    """Say that a level was, or may be, taken as the patient."""
    done = "were taken as patients" if taken else "may be patients, and were not taken as such"
    message = (
        f"The {len(counts):,} names at level {level} of the folders ({listed(sorted(counts), 3)}) {done}"
    )
    return _question(
        DataIssueKind.PATIENT_UNCLEAR,
        message,
        [_level(level, "patient", "They are patients"), _level(level, "ignored", "They are no patients")],
        serious=not sure,
    )


def patients_in_names(patients: Mapping[str, int], example: tuple[str, Path], *, taken: bool) -> Question:
    """Say that patients were, or may be, taken from the names of files."""
    patient, path = example
    done = (
        "they were taken as patients"
        if taken
        else "they were not taken as patients, so each image counts as one"
    )
    images = count_of(sum(patients.values()), "image")
    message = (
        f"File names {'say' if taken else 'may say'} whose images they are: “{path.name}” of “{patient}”. That makes "
        f"{count_of(len(patients), 'patient')} in {images}; {done}"
    )
    return _question(
        DataIssueKind.PATIENT_UNCLEAR,
        message,
        [
            Choice(
                words="They are patients",
                option="--level names=patient",
                answers=Answers(levels={0: "patient"}),
            ),
            Choice(
                words="They are no patients",
                option="--level names=ignored",
                answers=Answers(levels={0: "ignored"}),
            ),
        ],
        serious=not taken,
    )


def classes_after_counts(classes: Mapping[str, str]) -> Question:
    """Say that classes were taken from what stands behind a count: study1_positive, study2_positive."""
    of_class = sorted(set(classes.values()))
    message = (
        f"{listed(sorted(classes), 3)} count the images of a patient before they name a class: "
        f"{listed(of_class)} were taken as the classes"
    )
    merged = " ".join(shlex.join(["--same", f"{name}={known}"]) for name, known in sorted(classes.items()))
    apart = " ".join(shlex.join(["--same", f"{name}={name}"]) for name in sorted(classes))
    return _question(
        DataIssueKind.CLASS_UNCLEAR,
        message,
        [
            Choice(words=f"The classes are {listed(of_class)}", option=merged, answers=Answers(same=classes)),
            Choice(
                words="Each name is a class",
                option=apart,
                answers=Answers(same={name: name for name in classes}),
            ),
        ],
        serious=False,
    )


def no_label(names: Collection[str], counts: Mapping[str, int], *, taken: bool) -> Question:
    """Say that a name was taken for the absence of a label, or ask whether it is."""
    one = len(names) == 1
    shown = counted(counts, names)
    if taken:
        message = (
            f"{shown} says that there is no label, and was taken as no label"
            if one
            else f"{shown} say that there is no label, and were taken as no label"
        )
    else:
        message = (
            f"{shown} may say that there is no label, and was taken as a class"
            if one
            else f"{shown} may say that there is no label, and were taken as classes"
        )
    option = " ".join(shlex.join(["--same", f"{name}="]) for name in names)
    keep = " ".join(shlex.join(["--same", f"{name}={name}"]) for name in names)
    return _question(
        DataIssueKind.CLASS_UNCLEAR,
        message,
        [
            Choice(
                words="These images have no label",
                option=option,
                answers=Answers(same=dict.fromkeys(names, "")),
            ),
            Choice(
                words="It is a class" if one else "They are classes",
                option=keep,
                answers=Answers(same={name: name for name in names}),
            ),
        ],
        serious=False,
    )


def same_class(names: Collection[str], counts: Mapping[str, int]) -> Question:
    """Ask whether names that are spelled differently are one class; the first is the one to keep."""
    kept, *others = names
    message = (
        f"The classes {counted(counts, names)} differ in spelling alone and were kept apart; "
        "they are probably one class"
    )
    merged = dict.fromkeys(others, kept)
    option = " ".join(shlex.join(["--same", f"{name}={kept}"]) for name in others)
    apart = " ".join(shlex.join(["--same", f"{name}={name}"]) for name in names)
    return _question(
        DataIssueKind.CLASS_UNCLEAR,
        message,
        [
            Choice(words=f"All are “{kept}”", option=option, answers=Answers(same=merged)),
            Choice(
                words="They are different classes",
                option=apart,
                answers=Answers(same={name: name for name in names}),
            ),
        ],
    )


def which_finding(several: str, findings: Sequence[str], *, settled: bool) -> Question:
    """Ask which of several findings in a row is to be told from its absence."""
    choices = [
        Choice(
            words=f"Tell “{finding}” from its absence",
            option=shlex.join(["--finding", finding]),
            answers=Answers(finding=finding),
        )
        for finding in findings[:MOST_FINDINGS]
    ]
    alone = Choice(
        words="Use the rows with one finding alone", option="--finding none", answers=Answers(finding="")
    )
    return _question(DataIssueKind.SEVERAL_FINDINGS, several, [*choices, alone], serious=not settled)


def which_label(taken: str, others: Sequence[str]) -> Question:
    """Say which of several columns was taken for the label."""
    message = f"The label was taken from the column {taken}; {listed(others)} may be meant as well"
    return _question(DataIssueKind.CLASS_UNCLEAR, message, _label_columns((taken, *others)), serious=False)


def label_unsaid(message: str, taken: str, others: Sequence[str]) -> Question:
    """Ask for the label where no column is named as one of labels, with what stands in those there are."""
    none = Choice(words="There is no label", option="--column label=", answers=Answers(columns={"label": ""}))
    columns = _label_columns(filter(None, (taken, *others)))
    return _question(DataIssueKind.CLASS_UNCLEAR, message, [*columns, none], serious=not taken)


def _label_columns(columns: Iterable[str]) -> list[Choice]:
    return [
        Choice(
            words=f"The label is in “{column}”",
            option=shlex.join(["--column", f"label={column}"]),
            answers=Answers(columns={"label": column}),
        )
        for column in columns
    ]


def table_beside(table: str, rows: int, matched: int, *, taken: bool, folders_tell: bool) -> Question:
    """Offer a table that stands beside the images."""
    found = "each row" if matched == rows else f"{matched:,} of the rows"
    message = (
        f"{table} names images here, by {found}; it was read, and the folders were not"
        if taken
        else f"{table} names images here, by {found}; the folders were read instead, so labels or patients in it may "
        "be missed"
    )
    use = Choice(
        words=f"Use the table {table}", option=shlex.join(["--table", table]), answers=Answers(table=table)
    )
    folders = Choice(words="Use the folders", option="--table none", answers=Answers(table=""))
    return _question(
        DataIssueKind.TABLE_FOUND,
        message,
        [use, folders] if not taken or folders_tell else [folders],
        serious=False,
    )


def _question(
    kind: DataIssueKind, message: str, choices: Iterable[Choice], *, serious: bool = True
) -> Question:
    choices = tuple(choices)
    options = tuple(choice.option for choice in choices)
    return Question(
        issue=DataIssue(kind=kind, message=message, serious=serious, options=options), choices=choices
    )


def _level(level: int, role: Role, words: str) -> Choice:
    return Choice(words=words, option=f"--level {level}={role}", answers=Answers(levels={level: role}))


def _as_parts(names: Collection[str]) -> list[Choice]:
    name, several = next(iter(names)), len(names) > 1
    return [
        *(
            _parts(dict.fromkeys(names, part), f"They are {words}" if several else f"“{name}” is {words}")
            for part, words in _WORDS.items()
        ),
        _parts(dict.fromkeys(names), "They are no part" if several else f"“{name}” is no part"),
    ]


def _parts(parts: Mapping[str, Part | None], words: str) -> Choice:
    by_part: dict[Part | None, list[str]] = {}
    for name, part in parts.items():
        by_part.setdefault(part, []).append(name)
    option = " ".join(
        shlex.join(["--part-names", f"{part or 'none'}={','.join(names)}"]) for part, names in by_part.items()
    )
    return Choice(words=words, option=option, answers=Answers(parts=dict(parts)))
