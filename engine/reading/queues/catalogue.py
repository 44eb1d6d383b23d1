"""Which queues there are. To add one, add a line to `QUEUES`; when it sorts by a new column, a migration adds its two
indexes (with and without the part).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from engine.errors import StoreError
from engine.language import N_
from engine.reading.queues.search import Term, terms_of
from engine.records import UNLIKE_FROM, Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class Queue:
    """Which cases, in which order.

    Attributes:
        title: For people; empty where its name says it all.
        description: For people, in a sentence.
        order_by: Columns of the cases, the last one unique; "position" is a random order that stays the same.
        descending: All of them from the largest down.
        wrong: Only cases that are predicted otherwise than the label that came with the data.
        suspected: Only cases whose label is suspected to be wrong, as far as that was asked.
        unread: Only cases on which this reader has not spoken.
        verdicts: Only cases whose newest verdict by this reader is one of these; empty means any or none.
        first: Only so many, by the random order; 0 means all.
        above: Only cases whose value in a column is above a bound.
        kept_in: Only cases that are in a table beside the answers: "flagged" by this reader, or where readers differ.
        terms: Only cases that fit all of them: a search.
        one_label: Whether a search by a column of the data found cases of one label alone: see `Walking.searched`.
    """

    description: str
    title: str = ""
    order_by: tuple[str, ...] = ("position",)
    descending: bool = False
    wrong: bool = False
    suspected: bool = False
    unread: bool = False
    verdicts: tuple[Verdict, ...] = ()
    first: int = 0
    above: tuple[str, float] | None = None
    kept_in: Literal["", "flagged", "differences"] = ""
    terms: tuple[Term, ...] = ()
    one_label: bool = False

    @property
    def random(self) -> bool:
        """Whether its cases come in an order that has nothing to do with what they show or what was said of them."""
        chosen = self.wrong or self.verdicts or self.above or self.sought
        return self.order_by == ("position",) and not chosen

    @property
    def sought(self) -> bool:
        """Whether somebody chose its cases, by a flag, a search or a suspicion: their predictions do not tell which."""
        return bool(self.kept_in or self.terms or self.suspected)

    @property
    def changes(self) -> bool:
        """Whether an answer or a flag may take a case out of it or put one into it."""
        return bool(self.verdicts or self.kept_in)

    @property
    def tells_label(self) -> bool:
        """Whether it gives away the label that came with the data: a case that is in it says something of that."""
        looked_at = any(term.column == "label" for term in self.terms)
        return self.wrong or self.suspected or self.one_label or looked_at

    @property
    def tells_others(self) -> bool:
        """Whether it gives away what others answered."""
        return self.kept_in == "differences"


SAMPLE = 100  # a share seen on so many has a 95% interval of ± .1 at most


QUEUES: dict[str, Queue] = {
    N_("not yet read"): Queue(description=N_("Cases you have not read yet, in random order"), unread=True),
    "random sample": Queue(
        title=N_("random sample of {count}").format(count=SAMPLE),
        description=N_(
            "{count} cases drawn at random, by the run's id: what is found in them holds for all cases"
        ).format(count=SAMPLE),
        first=SAMPLE,
    ),
    "errors": Queue(
        title=N_("errors by the data's label"),
        description=N_("Cases whose prediction differs from their label, most confident errors first"),
        order_by=("confidence", "position"),
        descending=True,
        wrong=True,
    ),
    "most uncertain": Queue(  # by this name in answers of all versions
        title=N_("near the operating point"),
        description=N_(
            "All cases, those first whose prediction is nearest to the operating point or to another class"
        ),
        order_by=("margin", "position"),
    ),
    N_("likely mislabelled"): Queue(
        description=N_(
            "Cases whose label is doubted by a model that was not trained on them, the most doubtful first; "
            "which of them these are is asked on the Report page. It gives the label away"
        ),
        order_by=("suspicion", "position"),
        descending=True,
        suspected=True,
    ),
    N_("uncertain"): Queue(
        description=N_("All cases, those first whose probabilities have the highest entropy"),
        order_by=("entropy", "position"),
        descending=True,
    ),
    "unlike training": Queue(
        title=N_("unlike the training images"),
        description=N_("Cases that differ from the images of training, the most distant first"),
        order_by=("distance", "position"),
        descending=True,
        above=("distance", UNLIKE_FROM),
    ),
    N_("flagged"): Queue(description=N_("Cases you flagged, in random order"), kept_in="flagged"),
    N_("readers differ"): Queue(
        description=N_("Cases whose readers' last answers differ, in random order"),
        kept_in="differences",
    ),
    "unsure": Queue(
        title=N_("unsure or not diagnostic"),
        description=N_("Cases you marked unsure or not diagnostic"),
        verdicts=(Verdict.UNSURE, Verdict.NOT_DIAGNOSTIC),
    ),
    N_("overruled"): Queue(
        description=N_("Cases whose prediction you overruled"), verdicts=(Verdict.OVERRULE,)
    ),
    N_("all"): Queue(description=N_("All cases, in random order")),
}

SEARCH = "search"
"""The name that a search has among queues."""


def search(typed: str) -> Queue:
    """Return the queue of the cases that fit what was typed: see `engine.reading.queues.search`.

    Raises:
        ReviewError: Nothing was typed, or too much.
    """
    found = Queue(
        title=N_("search: {words}").format(words=typed.strip()), description="", terms=terms_of(typed)
    )
    said = N_("Cases that fit all of it, in random order")
    seen = N_("Cases that fit all of it, in random order; it looks at their labels")
    return replace(found, description=seen if found.tells_label else said)


def queue_of(queue: str | Queue) -> Queue:
    """Return the queue of a name.

    Raises:
        StoreError: There is none.
    """
    if isinstance(queue, Queue):
        return queue
    if queue not in QUEUES:
        raise StoreError(f"There is no queue named {queue!r}", f"Choose one of: {', '.join(QUEUES)}")
    return QUEUES[queue]


def name_of(queue: str | Queue) -> str:
    """Return the name under which a queue is kept with answers and bookmarks."""
    return queue if isinstance(queue, str) else SEARCH
