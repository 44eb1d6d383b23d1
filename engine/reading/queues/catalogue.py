"""Which queues there are. To add one, add a line to `QUEUES`; when it sorts by a new column, a migration adds its two
indexes (with and without the part).
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.records import Verdict


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

    @property
    def random(self) -> bool:
        """Whether its cases come in an order that has nothing to do with what they show or what was said of them."""
        return self.order_by == ("position",) and not (self.wrong or self.verdicts)


SAMPLE = 100  # a share seen on so many has a 95% interval of ± .1 at most


QUEUES: dict[str, Queue] = {
    "not yet read": Queue(description="Cases you have not read yet, in random order", unread=True),
    "random sample": Queue(
        title=f"random sample of {SAMPLE}",
        description=f"{SAMPLE} cases drawn at random, by the run's id: what is found in them holds for all cases",
        first=SAMPLE,
    ),
    "errors": Queue(
        title="errors by the data's label",
        description="Cases whose prediction differs from their label, most confident errors first",
        order_by=("confidence", "position"),
        descending=True,
        wrong=True,
    ),
    "most uncertain": Queue(
        description="All cases, those first whose prediction is nearest to the operating point or to another class",
        order_by=("margin", "position"),
    ),
    "likely mislabelled": Queue(
        description="Cases whose label is doubted by a model that was not trained on them, the most doubtful first; "
        "which of them these are is asked on the Report page. It gives the label away",
        order_by=("suspicion", "position"),
        descending=True,
        suspected=True,
    ),
    "unsure": Queue(
        title="unsure or not diagnostic",
        description="Cases you marked unsure or not diagnostic",
        verdicts=(Verdict.UNSURE, Verdict.NOT_DIAGNOSTIC),
    ),
    "overruled": Queue(description="Cases whose prediction you overruled", verdicts=(Verdict.OVERRULE,)),
    "all": Queue(description="All cases, in random order"),
}
