"""A sentence with numbers, as any page prints it: where its numbers stand in the page's document."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from engine.language import _, number
from engine.report.checklists.records import AnsweredChecklist
from engine.report.printed.records import Basis, Where, pointer

IN_WORDS = "in words"


@dataclass(frozen=True, kw_only=True, slots=True)
class Passage:
    """A sentence, or a few.

    Attributes:
        id: "S3.2"; empty where no number is in it.
        lead: Its first words, which a page prints in bold.
        rest: What follows them.
        basis: Of the numbers in it.
    """

    id: str
    lead: str
    rest: str
    basis: Basis

    @property
    def of_figures(self) -> bool:
        """Whether it says the main figures against a reference standard."""
        return any(re.fullmatch(r"/against/\d+/sentences/\d+", at) for at in self.basis.at)

    @property
    def text(self) -> str:
        """All of it."""
        return self.lead + self.rest


@dataclass(frozen=True, kw_only=True, slots=True)
class Sentence:
    """A sentence before it has an id: the section and name by which a page asks for it."""

    section: int
    name: str
    text: str
    basis: Basis
    lead: str = ""


def with_ids(sentences: Iterable[Sentence]) -> dict[str, Passage]:
    """Return sentences with ids, in their order, by the names by which a page asks for them."""
    count: Counter[int] = Counter()
    found = {}
    for one in sentences:
        numbered = any(letter.isdigit() for letter in one.lead + one.text)
        count[one.section] += numbered
        found[one.name] = Passage(
            id=f"S{one.section}.{count[one.section]}" if numbered else "",
            lead=one.lead,
            rest=one.text,
            basis=one.basis,
        )
    return found


def as_kept(
    section: int, text: str, *at: str | int, cases: Where | None = None, n: int | None = None
) -> Sentence:
    """Return a sentence that report.json has."""
    where = pointer(*at)
    basis = Basis(at=(where,), cases=cases, n=n, method=IN_WORDS)
    return Sentence(section=section, name=where, text=text, basis=basis)


def counted_from(section: int, name: str, text: str, *at: str) -> Sentence:
    """Return a sentence that is put together from numbers of report.json, in the order in which it prints them."""
    return Sentence(section=section, name=name, text=text, basis=Basis(at=at, method="count"))


def of_checklists(section: int, checklists: Sequence[AnsweredChecklist]) -> Iterator[Sentence]:
    """Yield what a page prints of checklists, as the document has them under `checklists`."""
    for place, one in enumerate(checklists):
        of = ("checklists", "answered", place)
        answered = len(one.items) - len(one.open)
        text = _("({count} of {total} answered)").format(count=number(answered), total=number(len(one.items)))
        at = pointer(*of)
        yield counted_from(section, f"{at}/open", text, f"{at}/closed", f"{at}/of")
        for row, each in enumerate(one.items):
            for at_answer, said in enumerate(each.said):
                yield as_kept(section, said.text, *of, "items", row, "answers", at_answer, "text")
            if each.open and not each.last:
                yield as_kept(section, each.left, *of, "items", row, "left")
