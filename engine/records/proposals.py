"""How a folder or table is read: what the names in it propose, what is unsure, and what a person says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.records.data import Answers, DataIssue, Part, Role


@dataclass(frozen=True, kw_only=True, slots=True)
class NameCount:
    """A name and how many images have it.

    Attributes:
        name: Of a folder, or in a cell.
        images: How many images stand in such folders or rows.
        part: The part that it means, where its level or column gives the part.
    """

    name: str
    images: int
    part: Part | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """One level of folders, or the names of the files, and what it is taken for.

    Attributes:
        number: 1 for the folders just inside the one that was named; 0 for the names of the files.
        role: What their names are taken for.
        why: The reason, as a clause.
        answered: Whether a person said so.
        distinct: How many names there are.
        names: Up to 24 of them, those with the most images first.
    """

    number: int
    role: Role
    why: str
    answered: bool
    distinct: int
    names: tuple[NameCount, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class TableOffer:
    """A table that stands in the folder, and how well it describes the images there.

    Attributes:
        path: Relative to the folder that was named.
        rows: How many it has.
        matched: How many rows name a file that is there.
        columns: Column by what it holds, as recognised.
        headers: All its columns.
        recommended: Whether it should be read rather than the folders.
    """

    path: str
    rows: int
    matched: int
    columns: Mapping[str, str]
    headers: tuple[str, ...]
    recommended: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """One way to settle a question.

    Attributes:
        words: For a button.
        option: What to type on the command line.
        answers: What it adds to the person's answers.
    """

    words: str
    option: str
    answers: Answers


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """Something that the names leave open.

    Attributes:
        issue: What is open, and what was done for now.
        choices: Ways to settle it; the one that was taken for now is not always among them.
    """

    issue: DataIssue
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """How a folder or table will be read, from names alone.

    Attributes:
        path: What was named: a folder, a table or an archive.
        root: The folder that levels are counted from; a table's or an archive's folder.
        images: Files that should hold an image; what is in them is not known yet.
        levels: Of folders; none where a table is read.
        table: The table that is read; None where the folders are.
        tables: Tables that stand in the folder, the best first.
        columns: Column by what it holds, of the table that is read.
        headers: All columns of the table that is read.
        findings: Findings in the table that is read, of which one can be chosen to be told from its absence.
        classes: Images by class, after classes were merged.
        unlabelled: Images without a class.
        parts: Images by part.
        no_part: Images without a part.
        patients: Distinct patients that are named; DICOM files may name more.
        questions: What is unsure, the serious first.
        left_out: What is not read as a case, and why.
        answers: What a person said.
    """

    path: Path
    root: Path
    images: int
    levels: tuple[Level, ...] = ()
    table: Path | None = None
    tables: tuple[TableOffer, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    headers: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    classes: tuple[NameCount, ...] = ()
    unlabelled: int = 0
    parts: Mapping[Part, int] = field(default_factory=dict)
    no_part: int = 0
    patients: int = 0
    questions: tuple[Question, ...] = ()
    left_out: tuple[DataIssue, ...] = ()
    answers: Answers = field(default_factory=Answers)
