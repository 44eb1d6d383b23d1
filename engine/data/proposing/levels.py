"""Which level of folders is a part, a class, a patient or none of these, by the names alone.

A level is told by all its names together and by how they stand under those of other levels: parts are recognised
words, a class stands under several parts, a patient under one class.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from engine.data.names import (
    has_long_number,
    is_container,
    is_grouping,
    is_negative,
    looks_like_id,
    says_patient,
)
from engine.data.proposing import questions
from engine.data.proposing.parts import find_parts, look_through
from engine.data.proposing.roles import Dirs, Reading, mostly
from engine.records import Answers, Part

MANY_CLASSES = 20
FEW_IMAGES = 10  # of a class; a patient rarely has more


def read_levels(dirs: Dirs, answers: Answers) -> Reading:
    """Find out what each level of folders is.

    Args:
        dirs: The folders that hold images.
        answers: What a person said goes before what is found.
    """
    seen_as = look_through(dirs)
    seen: Counter[tuple[str, ...]] = Counter()
    for names, images in dirs.items():
        seen[seen_as[names]] += images
    reading = Reading(dirs=seen, seen_as=seen_as, depth=max(map(len, seen), default=0), answers=answers)
    for level, role in answers.levels.items():
        reading.roles[level], reading.why[level] = role, "you said so"
    find_parts(reading)
    kept = {names: images for names, images in seen.items() if reading.place(names).beside is None}
    _find_class_and_patient(reading, kept)
    return reading


# ------------------------------------------------------------------------------------------------ class and patient


def _find_class_and_patient(reading: Reading, dirs: Dirs) -> None:
    free = [
        level
        for level in range(1, reading.depth + 1)
        if level not in reading.roles and reading.counts(level, dirs)
    ]
    telling = _telling(reading, dirs, free)
    patients = [level for level in telling if mostly(reading.counts(level, dirs), says_patient)]
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
    plain = [level for level in telling if not mostly(reading.counts(level, dirs), is_grouping)]
    plain = plain or ([] if patients else telling)
    named = [level for level in plain if not mostly(reading.counts(level, dirs), looks_like_id)]
    if named:
        _choose_class(reading, dirs, named)
    elif len(plain) == 1:
        _class_or_patient(reading, dirs, plain[0])
    elif plain:
        outer, inner = plain[0], plain[1]
        crossed = _reused(dirs, inner, under=outer) >= 0.5
        names = reading.counts(inner, dirs)
        fewer = len(names) < len(reading.counts(outer, dirs))
        if crossed and fewer and not mostly(names, has_long_number):
            reading.give(inner, "class", f"its names come again under those of level {outer}")
        else:
            _class_or_patient(reading, dirs, outer)
    elif not patients:
        alone = [level for level in free if not all(map(is_container, reading.counts(level, dirs)))]
        alone = [level for level in alone if not mostly(reading.counts(level, dirs), says_patient)]
        if alone:
            reading.give(alone[-1], "class", "it is the innermost folder that has a name of its own")


def _class_or_patient(reading: Reading, dirs: Dirs, level: int) -> None:
    """Decide on a level that tells images apart by names like ids; ask unless they are short counts."""
    counts = reading.counts(level, dirs)
    visits = [
        inner
        for inner in range(level + 1, reading.depth + 1)
        if mostly(reading.counts(inner, dirs), is_grouping)
    ]
    if len(counts) > MANY_CLASSES and counts.total() < FEW_IMAGES * len(counts):
        reading.give(level, "patient", "it has many names with few images each")
    elif visits and mostly(counts, has_long_number):
        reading.give(level, "patient", "its names look like ids, and visits or series are inside")
    else:
        reading.give(level, "class", "it is the outermost level whose names distinguish images")
        if not mostly(counts, has_long_number):
            return
    reading.questions.append(questions.class_or_patient(level, counts, taken=reading.roles[level]))


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
    if len(levels) > 1:
        counts = {level: reading.counts(level, dirs) for level in levels}
        sure = len(negative) == 1 or len(rivals) == 1
        reading.questions.append(questions.which_class(chosen, counts, sure=sure))


def _find_patient(reading: Reading, dirs: Dirs, telling: list[int], named: list[int]) -> None:
    classes = reading.of_role("class")
    for level in telling:
        counts = reading.counts(level, dirs)
        surely = level in named
        if not surely and not (
            classes and mostly(counts, looks_like_id) and not mostly(counts, is_grouping) and len(counts) > 2
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


def _reused(dirs: Dirs, level: int, *, under: int) -> float:
    """Return the share of names at a level that stand under more than one name of another level."""
    above: dict[str, set[str]] = defaultdict(set)
    for names in dirs:
        if len(names) >= max(level, under):
            above[names[level - 1]].add(names[under - 1])
    return sum(len(outer) > 1 for outer in above.values()) / len(above) if above else 0.0
