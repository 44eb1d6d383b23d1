"""How the levels of a folder are read: the role of each, and what an image's folders say of it then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from engine.data.names import is_container, is_grouping, is_placeholder
from engine.records import PARTS, Answers, Level, NameCount, Part, Question, Role

Dirs = Mapping[tuple[str, ...], int]
"""How many images stand in each folder, by the names of the folders on the way to it."""
SHOWN = 24  # names of a level
MOST = 0.8  # share of names that tells what a level is


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
                    why=self.why.get(level) or _why_ignored(counts),
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


def _why_ignored(names: Collection[str]) -> str:
    if len(names) == 1:
        return "its names do not distinguish any images"
    if all(map(is_container, names)):
        return "its names say only that images are inside"
    if mostly(names, is_grouping):
        return "its names count visits, sites or dates"
    return "nothing says what its names are"


def mostly(names: Collection[str], test: Callable[[str], bool]) -> bool:
    """Tell whether so many names pass a test that the others are exceptions."""
    return sum(map(test, names)) >= MOST * len(names)
