"""The one mechanism that answers checklists: what a report says by subject, and what people wrote."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from engine.errors import ReportError
from engine.language import N_, _
from engine.report.checklists.items import checklist_of
from engine.report.checklists.records import AnsweredChecklist, AnsweredItem, Item, Said, Written
from engine.report.formatting import without_paths

Source = TypeVar("Source")
STATE = N_("State it.")


@dataclass(frozen=True, slots=True)
class Subject(Generic[Source]):
    """Something that checklists ask for and a report may say.

    Attributes:
        anchor: The part of the report's page where it stands; empty where the sentence is all there is.
        says: Of a report: what it says, in a sentence or two; empty where that part of it is not there.
        otherwise: What a person is asked to do where it says nothing; empty where what the item asks says it.
    """

    anchor: str
    says: Callable[[Source], str]
    otherwise: str = ""


def answer_checklists(
    source: Source,
    subjects: Mapping[str, Subject[Source]],
    names: Sequence[str],
    written: Sequence[Written],
) -> tuple[AnsweredChecklist, ...]:
    """Answer checklists in the language that is spoken.

    Args:
        source: A report.
        subjects: What it can say, by name; one that is not there is one of which such a report says nothing.
        names: Of the checklists.
        written: What people wrote, the earliest first.

    Raises:
        ReportError: There is no such checklist.
    """
    said = {name: without_paths(one.says(source)) for name, one in subjects.items()}

    def answered(item: Item) -> AnsweredItem:
        known = [name for name in item.by if said.get(name)]
        missing = [
            _(subjects[name].otherwise) if name in subjects else "" for name in item.by if name not in known
        ]
        left = " ".join(dict.fromkeys(filter(None, [*missing, _(item.left)])))
        return AnsweredItem(
            item=item,
            said=tuple(Said(text=said[name], anchor=subjects[name].anchor) for name in known),
            left=left or (_(STATE) if missing else ""),
            written=tuple(one for one in written if one.key == item.key),
        )

    return tuple(
        AnsweredChecklist(checklist=one, items=tuple(answered(item) for item in one.items))
        for one in map(checklist_of, dict.fromkeys(names))
    )


def unread(error: ReportError) -> str:
    """Say that what people wrote is not in the answers, as a limitation."""
    told = _("What was written to the checklists cannot be read. {problem}.")
    return told.format(problem=without_paths(str(error)))


def written_to(checklists: Sequence[AnsweredChecklist]) -> tuple[Written, ...]:
    """Return what people wrote to checklists that were answered, so that they can be answered in another language."""
    return tuple(dict.fromkeys(one for each in checklists for item in each.items for one in item.written))
