"""Which level of folders is a part, a class, a patient or none of these, by the names alone.

A level is told by all its names together and by how they stand under those of other levels: parts are recognised
words, a class stands under several parts, a patient under one class.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from engine.data.names import (
    is_container,
    is_fold,
    is_grouping,
    is_negative,
    is_placeholder,
    looks_like_id,
    parts_of_names,
    says_patient,
)
from engine.data.proposing import questions
from engine.records import PARTS, Answers, Level, NameCount, Part, Question, Role

Dirs = Mapping[tuple[str, ...], int]
"""How many images stand in each folder, by the names of the folders on the way to it."""
SHOWN = 24  # names of a level
MOST = 0.8  # share of names that tells what a level is
MANY_CLASSES = 20
FEW_IMAGES = 10  # of a class; a patient rarely has more


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """What the folders that an image stands in say of it.

    Attributes:
        label: Its class.
        part: Its part of the split.
        patient: Its patient.
        beside: The folder beside those of the split for which it is left out, if it is.
    """

    label: str | None = None
    part: Part | None = None
    patient: str | None = None
    beside: str | None = None


@dataclass(kw_only=True, slots=True)
class Reading:
    """How the levels of a folder are read.

    Attributes:
        dirs: The folders and their images, without folders that are looked through.
        seen_as: The folders as they are on the disk → as they stand in `dirs`.
        depth: How many levels there are.
        answers: What a person said.
        roles: Role by level, from 1; levels that are not in it are ignored.
        why: The reason of each role.
        parts: Part by name, at the levels that are parts; a name that is none of them is no part.
        beside: Names at levels that are parts which are left out.
        questions: What is unsure.
    """

    dirs: Dirs
    seen_as: Mapping[tuple[str, ...], tuple[str, ...]]
    depth: int
    answers: Answers
    roles: dict[int, Role] = field(default_factory=dict)
    why: dict[int, str] = field(default_factory=dict)
    parts: dict[str, Part | None] = field(default_factory=dict)
    beside: set[str] = field(default_factory=set)
    questions: list[Question] = field(default_factory=list)

    def of_role(self, role: Role) -> list[int]:
        """Return the levels of a role, the outermost first."""
        return [level for level in range(1, self.depth + 1) if self.roles.get(level) == role]

    def place(self, names: tuple[str, ...]) -> Placed:
        """Return what the folders on the way to an image say of it; they are named as in `dirs`."""

        def name_at(role: Role) -> str | None:
            return next((names[level - 1] for level in self.of_role(role) if level <= len(names)), None)

        of_part = [names[level - 1] for level in self.of_role("part") if level <= len(names)]
        beside = next((name for name in of_part if name in self.beside), None)
        if beside is not None:
            return Placed(beside=beside)
        parts: list[Part] = [part for name in of_part if (part := self.parts.get(name)) is not None]
        patient = name_at("patient")
        return Placed(
            label=name_at("class"),
            part=max(parts, key=PARTS.index) if parts else None,  # of two, the one that trains less
            patient=None if patient is None or is_placeholder(patient) else patient,
        )

    def levels(self) -> tuple[Level, ...]:
        """Return the levels as the proposal shows them."""
        shown = []
        for level in range(1, self.depth + 1):
            counts = self.counts(level)
            role = self.roles.get(level, "ignored")
            shown.append(
                Level(
                    number=level,
                    role=role,
                    why=self.why.get(level, "its names do not distinguish any images"),
                    answered=level in self.answers.levels,
                    distinct=len(counts),
                    names=tuple(
                        NameCount(
                            name=name, images=images, part=self.parts.get(name) if role == "part" else None
                        )
                        for name, images in counts.most_common(SHOWN)
                    ),
                )
            )
        return tuple(shown)

    def counts(self, level: int, dirs: Dirs | None = None) -> Counter[str]:
        """Count images by the names at a level."""
        counts: Counter[str] = Counter()
        for names, images in (self.dirs if dirs is None else dirs).items():
            if len(names) >= level:
                counts[names[level - 1]] += images
        return counts

    def give(self, level: int, role: Role, why: str) -> None:
        """Give a level a role, unless a person gave it one."""
        if level not in self.answers.levels:
            self.roles[level], self.why[level] = role, why


def read_levels(dirs: Dirs, answers: Answers) -> Reading:
    """Find out what each level of folders is.

    Args:
        dirs: The folders that hold images.
        answers: What a person said goes before what is found.
    """
    seen_as = _look_through(dirs)
    seen: Counter[tuple[str, ...]] = Counter()
    for names, images in dirs.items():
        seen[seen_as[names]] += images
    reading = Reading(dirs=seen, seen_as=seen_as, depth=max(map(len, seen), default=0), answers=answers)
    for level, role in answers.levels.items():
        reading.roles[level], reading.why[level] = role, "you said so"
    _find_parts(reading)
    kept = {names: images for names, images in seen.items() if reading.place(names).beside is None}
    _find_class_and_patient(reading, kept)
    return reading


# ------------------------------------------------------------------------------------------------------------ parts


def _look_through(dirs: Dirs) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Leave out folders around parts that stand beside other parts: trainval/train beside test, a pack in a pack."""
    seen_as = {names: names for names in dirs}
    for level in range(1, max(map(len, dirs), default=0)):
        inside: dict[str, set[str]] = defaultdict(set)
        for names in seen_as.values():
            if len(names) >= level:
                inside[names[level - 1]] |= set(names[level : level + 1])
        around = {name for name, inner in inside.items() if len(set(parts_of_names(inner).values())) > 1}
        if parts_of_names(inside.keys() - around):
            seen_as = {
                whole: names[: level - 1] + names[level:]
                if names[level - 1 : level] and names[level - 1] in around
                else names
                for whole, names in seen_as.items()
            }
    return seen_as


def _find_parts(reading: Reading) -> None:
    free = [level for level in range(1, reading.depth + 1) if level not in reading.answers.levels]
    known = {level: _parts_at(reading, level) for level in range(1, reading.depth + 1)}
    whole = {level for level in free if known[level] and len(known[level]) == len(reading.counts(level))}
    for level in free:
        names = reading.counts(level)
        if level in whole or known[level].keys() & reading.answers.parts.keys():
            reading.give(level, "part", "its names are those of parts")
        elif "part" in reading.answers.levels.values():
            continue
        elif all(map(is_fold, names)) and len(names) > 1:
            reading.give(level, "ignored", "its names are those of folds")
            reading.questions.append(questions.folds(level, names))
        elif known[level] and not whole:
            _weigh_parts(reading, level, known[level])
        elif _holds_back(known[level]):  # other levels are the parts, and this one may narrow them
            others = names.keys() - known[level].keys()
            reading.questions.append(questions.class_or_part(level, known[level], others, names, False))
    for level in reading.of_role("part"):
        reading.parts |= dict.fromkeys(reading.counts(level)) | known[level]
    _settle_strangers(reading)
    _question_doubles(reading)


def _holds_back(known: Mapping[str, Part | None]) -> bool:
    return not {"val", "test"}.isdisjoint(known.values())


def _parts_at(reading: Reading, level: int) -> dict[str, Part | None]:
    """Return the parts that names at a level mean; None where a person said that one is no part."""
    names = reading.counts(level)
    said = {name: part for name, part in reading.answers.parts.items() if name in names}
    return {**parts_of_names(names), **said}


def _weigh_parts(reading: Reading, level: int, known: Mapping[str, Part | None]) -> None:
    """Decide on a level where some names mean parts and others do not."""
    names = reading.counts(level)
    others = names.keys() - known.keys()
    parts = set(known.values()) - {None}
    if "train" in parts and len(parts) > 1:  # "test" beside "control" may well be a class; these are not
        reading.give(level, "part", "some of its names are those of parts")
        return
    same_inside = _children(reading.dirs, level, known) & _children(reading.dirs, level, others)
    taken_as_part = bool(same_inside) or all(map(is_fold, others))
    if taken_as_part:
        reading.give(
            level, "part", "some of its names are those of parts, and all hold folders of the same names"
        )
    reading.questions.append(questions.class_or_part(level, known, others, names, taken_as_part))


def _children(dirs: Dirs, level: int, names: Collection[str]) -> set[str]:
    """Return the names just inside the folders of a level that have certain names."""
    return {inner[level] for inner in dirs if len(inner) > level and inner[level - 1] in names}


def _settle_strangers(reading: Reading) -> None:
    """Leave out what stands beside the parts, or ask about it where it holds what the parts hold."""
    for level in reading.of_role("part"):
        names = reading.counts(level)
        strangers = {
            name for name in names if reading.parts[name] is None and name not in reading.answers.parts
        }
        known = {name for name in names if reading.parts[name] is not None}
        if not strangers or not known:
            continue
        inside = _children(reading.dirs, level, known)
        class_above = not inside and any(len(reading.counts(outer)) > 1 for outer in range(1, level))
        kept = {
            name
            for name in strangers
            if class_above or is_fold(name) or _children(reading.dirs, level, {name}) & inside
        }
        reading.beside |= strangers - kept
        if kept and level not in _asked_levels(reading):
            reading.questions.append(questions.no_part(kept, names))


def _asked_levels(reading: Reading) -> Iterable[int]:
    return [
        level
        for question in reading.questions
        for choice in question.choices
        for level in choice.answers.levels
    ]


def _question_doubles(reading: Reading) -> None:
    """Ask where several names would be one part."""
    for level in reading.of_role("part"):
        names = reading.counts(level)
        meaning: dict[Part, list[str]] = defaultdict(list)
        for name in names:
            part = reading.parts[name]
            if part is not None and name not in reading.answers.parts:
                meaning[part].append(name)
        for part, several in meaning.items():
            if len({name.strip().casefold() for name in several}) > 1:
                reading.questions.append(questions.one_part(part, several, names))


# ------------------------------------------------------------------------------------------------ class and patient


def _find_class_and_patient(reading: Reading, dirs: Dirs) -> None:
    free = [
        level
        for level in range(1, reading.depth + 1)
        if level not in reading.roles and reading.counts(level, dirs)
    ]
    telling = _telling(reading, dirs, free)
    patients = [level for level in telling if _mostly(reading.counts(level, dirs), says_patient)]
    if not reading.of_role("class"):
        _find_class(reading, dirs, free, [level for level in telling if level not in patients], patients)
    if not reading.of_role("patient"):
        _find_patient(reading, dirs, [level for level in telling if level not in reading.roles], patients)


def _telling(reading: Reading, dirs: Dirs, levels: Iterable[int]) -> list[int]:
    """Return the levels whose names tell images apart: several names within a part, that say more than "images"."""
    several = [
        level
        for level in levels
        if len(names := reading.counts(level, dirs)) > 1 and not all(map(is_container, names))
    ]
    within = [level for level in several if _varies_within_parts(reading, dirs, level)]
    for level in set(several) - set(within) if within else ():
        reading.give(level, "ignored", "its names follow from those of the parts")
    return within or several


def _varies_within_parts(reading: Reading, dirs: Dirs, level: int) -> bool:
    inside: dict[Part | None, set[str]] = defaultdict(set)
    for names in dirs:
        if len(names) >= level:
            inside[reading.place(names).part].add(names[level - 1])
    return any(len(names) > 1 for names in inside.values())


def _find_class(
    reading: Reading, dirs: Dirs, free: list[int], telling: list[int], patients: list[int]
) -> None:
    plain = [level for level in telling if not _mostly(reading.counts(level, dirs), is_grouping)]
    plain = plain or ([] if patients else telling)
    named = [level for level in plain if not _mostly(reading.counts(level, dirs), looks_like_id)]
    if named:
        _choose_class(reading, dirs, named)
    elif len(plain) == 1:
        counts = reading.counts(plain[0], dirs)
        if len(counts) > MANY_CLASSES and counts.total() < FEW_IMAGES * len(counts):
            reading.give(plain[0], "patient", "it has many names with few images each")
            reading.questions.append(questions.class_or_patient(plain[0], counts))
        else:
            reading.give(plain[0], "class", "it is the only level whose names distinguish images")
    elif plain:
        outer, inner = plain[0], plain[1]
        crossed = _reused(dirs, inner, under=outer) >= 0.5
        fewer = len(reading.counts(inner, dirs)) < len(reading.counts(outer, dirs))
        if crossed and fewer:
            reading.give(inner, "class", f"its names come again under those of level {outer}")
        else:
            reading.give(outer, "class", "it is the outermost level whose names distinguish images")
    elif not patients:
        alone = [level for level in free if not all(map(is_container, reading.counts(level, dirs)))]
        alone = [level for level in alone if not _mostly(reading.counts(level, dirs), says_patient)]
        if alone:
            reading.give(alone[-1], "class", "it is the innermost folder that has a name of its own")


def _choose_class(reading: Reading, dirs: Dirs, levels: list[int]) -> None:
    """Choose the class among levels with names that are no ids: the outermost, unless another has a "normal"."""
    first = levels[0]
    rivals = [first, *(level for level in levels[1:] if _reused(dirs, level, under=first) >= 0.5)]
    negative = [level for level in rivals if any(map(is_negative, reading.counts(level, dirs)))]
    chosen = negative[0] if len(negative) == 1 else first
    why = (
        "it is the outermost level whose names distinguish images"
        if len(negative) != 1 or len(rivals) == 1
        else "one of its names stands for the absence of a finding"
    )
    reading.give(chosen, "class", why)
    if len(rivals) > 1:
        counts = {level: reading.counts(level, dirs) for level in rivals}
        reading.questions.append(questions.which_class(chosen, counts, sure=len(negative) == 1))


def _find_patient(reading: Reading, dirs: Dirs, telling: list[int], named: list[int]) -> None:
    classes = reading.of_role("class")
    for level in telling:
        counts = reading.counts(level, dirs)
        surely = level in named
        if not surely and not (
            classes
            and _mostly(counts, looks_like_id)
            and not _mostly(counts, is_grouping)
            and len(counts) > 2
        ):
            continue
        torn = _reused(dirs, level, under=classes[0]) if classes and classes[0] < level else 0.0
        taken = surely or torn <= 0.5
        if taken:
            reading.give(
                level, "patient", "its names are those of patients" if surely else "its names look like ids"
            )
        reading.questions.append(questions.patient_level(level, counts, taken=taken, sure=surely))
        return


def _mostly(names: Collection[str], test: Callable[[str], bool]) -> bool:
    return sum(map(test, names)) >= MOST * len(names)


def _reused(dirs: Dirs, level: int, *, under: int) -> float:
    """Return the share of names at a level that stand under more than one name of another level."""
    above: dict[str, set[str]] = defaultdict(set)
    for names in dirs:
        if len(names) >= max(level, under):
            above[names[level - 1]].add(names[under - 1])
    return sum(len(outer) > 1 for outer in above.values()) / len(above) if above else 0.0
