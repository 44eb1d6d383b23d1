"""What a report says before its figures: its first lines, and who is in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class Heading:
    """The first lines of a report.

    Attributes:
        line: The design in a line.
        banner: What must be read before anything else; empty for none.
        endpoint: The primary endpoint, as a sentence.
        final: Whether endpoint and operating point were fixed before.
        why: Why it is final or not, as a sentence.
    """

    line: str
    endpoint: str
    final: bool
    why: str
    banner: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One step of the flow of images: so many entered, some were left out, the rest went on.

    Attributes:
        name: What entered.
        entered: How many.
        left: Why some were left out → how many.
        remaining: What went on.
        result: How many: `entered` less all that were left out.
        patients: Of what went on; None where not all are named.
    """

    name: str
    entered: int
    left: Mapping[str, int]
    remaining: str
    result: int
    patients: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Characteristic:
    """One line of table 1.

    Attributes:
        name: "patients", "images", "class", or a column of the data's table.
        kind: "count", or "median" with its quartiles.
        by_part: Part → the count, or median and first and third quartile; empty where that is not known.
        value: Of the column; empty where the line is of the whole column.
    """

    name: str
    kind: Literal["count", "median"]
    by_part: Mapping[str, tuple[float, ...]]
    value: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Participants:
    """Who is in a report.

    Attributes:
        files: From files to the parts of the split; empty where the data set is not there any more.
        cases: From the report's part to what each reference standard gives a class.
        table_one: See `engine.report.participants.table_one`.
        not_summarised: Columns of the data's table that are not in it.
    """

    files: tuple[Stage, ...] = ()
    cases: tuple[Stage, ...] = ()
    table_one: tuple[Characteristic, ...] = ()
    not_summarised: tuple[str, ...] = ()
