"""Which levels of folders are the parts of a split, by names that mean parts and those beside them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from engine.data.names import is_fold, parts_of_names
from engine.data.proposing import questions
from engine.data.proposing.roles import Dirs, Reading
from engine.records import Part


def look_through(dirs: Dirs) -> dict[tuple[str, ...], tuple[str, ...]]:
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


def find_parts(reading: Reading) -> None:
    """Give levels the role of parts, and say what their names mean."""
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
