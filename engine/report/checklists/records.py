"""What a checklist asks, and how a report answers it, as records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One row of a checklist.

    Attributes:
        number: As the checklist has it, such as "10a".
        part: Of the paper.
        asks: In our words.
        by: What of a report answers it: names of subjects, all of which must have something to say.
        left: What only a person can add; empty where the report can answer it whole.
        key: Under which what a person wrote is kept: items that ask the same share one.
        kind: What the checklist says of the row itself, such as "new"; mostly empty.
    """

    number: str
    part: str
    asks: str
    by: tuple[str, ...] = ()
    left: str = ""
    key: str
    kind: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Checklist:
    """A checklist as it was published.

    Attributes:
        name: For the command line.
        title: Short.
        about: What it is for, and how many items it has.
        cited: Authors and journal.
        doi: Of the publication.
        sure: Where our words for its items come from.
        items: In its order.
    """

    name: str
    title: str
    about: str
    cited: str
    doi: str
    sure: str
    items: tuple[Item, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What a report says to an item, and the part of its page where it stands; empty where the text is all there is."""

    text: str
    anchor: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """What a person wrote to an item; an empty text takes back what was there before.

    Attributes:
        key: Of the item.
        text: As it was typed.
        by: Who wrote it.
        at: When.
    """

    key: str
    text: str
    by: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class AnsweredItem:
    """An item with its answers.

    Attributes:
        item: What is asked.
        said: By the report.
        left: What is left for a person; empty where nothing is.
        written: By people, the earliest first; the last one counts.
    """

    item: Item
    said: tuple[Said, ...]
    left: str
    written: tuple[Written, ...]

    @property
    def last(self) -> Written | None:
        """What a person wrote and did not take back; None where nothing was."""
        return self.written[-1] if self.written and self.written[-1].text else None

    @property
    def open(self) -> bool:
        """Whether something is left that nobody has written."""
        return bool(self.left) and self.last is None


@dataclass(frozen=True, kw_only=True, slots=True)
class AnsweredChecklist:
    """A checklist with the answers of one report."""

    checklist: Checklist
    items: tuple[AnsweredItem, ...]

    @property
    def open(self) -> tuple[AnsweredItem, ...]:
        """Items that nothing answers yet."""
        return tuple(item for item in self.items if item.open)
