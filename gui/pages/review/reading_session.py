"""Reading sessions: who reads which queue of which run, and which case the server handed out last.

The page knows its session by a random name and sends, with a verdict, the case that was on the screen. When
that is not the case handed out last the verdict is refused: it would be on an image that nobody saw.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock, RLock
from types import NoneType
from typing import Any, get_args, get_type_hints

from engine.errors import ReviewError
from engine.language import _
from engine.naming import given_of
from engine.reading import QUEUES, Queue, RunSummary, Sitting
from engine.records import ELSEWHERE, PARTS, Region, Review, Verdict, Whence
from gui.pages.review.sitting import Sittings
from gui.web import AppSession

MOST_READINGS = 2000
LONGEST_READING = 24 * 3600.0  # seconds; a tab left open over night is no reading time


class StaleCaseError(ReviewError):
    """The page speaks of another case than the server handed out last: it must ask again."""


@dataclass(kw_only=True)
class Reading:
    """One reading session: one reader at one queue.

    Attributes:
        run: Whose predictions are read.
        queue: A key of `engine.reading.QUEUES`, or `SEARCH`.
        search: The queue that a search has made; None for the others.
        part: The part of the split, the images from elsewhere, or None for all.
        reader: Whose verdicts they are.
        held: The case handed out last, or None at a queue's end.
        drawn: Whether the queue handed it out ("in order") or the reader went to it ("sought").
        handed_by: The queue that handed it out: this one, but for a case whose answer was taken back.
        last: The number of the reader's answer on that case that was told with it; None where there was none.
        stored: The case answered last and the name of that answer, which a page gives again when it heard nothing.
        page: Of the browser, by a random name that the page made.
        sitting: In which what is on the screen is written down; None where it cannot be, and before the first case.
        read: On how many cases of the part the reader has spoken.
        total: How many cases the part has.
        count: How many cases the queue has.
        numbers: n of "n of N" of the cases handed out so far. Counted on from case to case, because counting
            in the database takes longer the more cases there are.
        validated: How the operating point did on validation data, as a sentence; empty where it is not known.
        turn: Held while a verdict or a step is under way, so that each sees the other's outcome.
    """

    run: RunSummary
    queue: str
    part: Whence | None
    reader: str
    search: Queue | None = None
    held: str | None = None
    drawn: str = "in order"
    handed_by: str = ""
    last: int | None = None
    stored: tuple[str, str] | None = None
    page: str = ""
    sitting: Sitting | None = None
    read: int = 0
    total: int = 0
    count: int = 0
    validated: str = ""
    numbers: dict[str, int] = field(default_factory=dict, repr=False)
    turn: RLock = field(default_factory=RLock, repr=False)

    @property
    def run_id(self) -> str:
        """Of the run."""
        return self.run.run_id

    @property
    def wanted(self) -> str | Queue:
        """The queue as the store takes it."""
        return self.search or self.queue

    @property
    def kind(self) -> Queue:
        """What the queue is."""
        return self.search or QUEUES[self.queue]

    @property
    def in_turn(self) -> str:
        """How a case was drawn that the queue hands out; one of a queue that somebody chose was sought."""
        return "sought" if self.kind.sought else "in order"

    @property
    def again(self) -> bool:
        """Whether the reader has spoken on the case before."""
        return self.last is not None


class Desk:
    """The reading sessions that are open in a window, by random names; the longest unused are forgotten."""

    def __init__(self, session: AppSession, run_id: str | None = None) -> None:
        self.session = session
        self.run_id = run_id
        self.sittings = Sittings(session)
        self._readings: OrderedDict[str, Reading] = OrderedDict()
        self._lock = Lock()

    def open(self, reading: Reading) -> str:
        """Take a reading session in and return its name."""
        name = secrets.token_urlsafe(16)
        with self._lock:
            self._readings[name] = reading
            while len(self._readings) > MOST_READINGS:
                self._readings.popitem(last=False)
        return name

    def reading(self, asked: Mapping[str, Any]) -> Reading:
        """Return the reading session that the page names.

        Raises:
            StaleCaseError: There is none: the program was restarted.
            ReviewError: Its run was deleted since, in another tab: nobody reads on in vain.
        """
        name = text(asked, "reading")
        with self._lock:
            reading = self._readings.get(name)
            if reading is None:
                raise StaleCaseError(
                    _("Overread was restarted after this page was opened, and nothing was stored"),
                    _("Look at the case again and repeat your verdict"),
                )
            self._readings.move_to_end(name)
        if given_of(self.session.workspace.runs / reading.run_id).deleted:
            raise ReviewError(
                _("This run was deleted in the meantime, and nothing was stored"),
                _("Choose another run; what was stored before is kept"),
            )
        return reading


def text(asked: Mapping[str, Any], name: str) -> str:
    """Return a string the page sent, empty where it sent none."""
    value = asked.get(name)
    return value if isinstance(value, str) else ""


def part_named(name: str) -> Whence | None:
    """Return the part of the split of that name, or the images from elsewhere; None for any other word."""
    return ELSEWHERE if name == ELSEWHERE else next((part for part in PARTS if part == name), None)


# The verdict decides the label, the session knows the reader and where the case came from, the store dates and numbers.
NOT_ASKED = {
    "run_id", "image_id", "reader", "verdict", "label", "regions", "seconds", "created", "review_id", "queue", "drawn",
    "label_seen",
}  # fmt: skip
ASKED = {name: kind for name, kind in get_type_hints(Review).items() if name not in NOT_ASKED}
"""Fields of a review that the screen has a control for (`data-field` in verdict.html), and their kinds."""


def answers_of(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the controls of the screen say: text trimmed, a control left empty is no answer.

    Raises:
        ValueError: An answer is not of its field's kind.
    """
    said = {}
    for name, kind in ASKED.items():
        value = asked.get(name)
        if value is None or value == "":
            continue
        if not isinstance(value, str | int | float):
            raise ValueError(f"{name} is no answer")
        kinds = [one for one in get_args(kind) or (kind,) if one is not NoneType]
        said[name] = kinds[0](value.strip() if isinstance(value, str) else value)
    return said


def regions_of(asked: Mapping[str, Any]) -> tuple[Region, ...]:
    """Return the regions that the page sent; whether they can be drawn is asked where they are stored.

    Raises:
        TypeError, ValueError, KeyError: They cannot be read.
    """
    return tuple(
        Region(
            **{side: float(sent[side]) for side in ("x", "y", "width", "height")},
            label=text(sent, "label").strip(),
            shape=text(sent, "shape") or "box",
            points=tuple((float(x), float(y)) for x, y in sent.get("points") or ()),
        )
        for sent in asked.get("regions") or ()
    )


def review_of(reading: Reading, asked: Mapping[str, Any]) -> Review:
    """Make a review of what the page sent.

    Raises:
        ReviewError: It cannot be read as one.
    """
    try:
        verdict = Verdict(text(asked, "verdict"))
        label = {Verdict.AGREE: text(asked, "predicted"), Verdict.OVERRULE: text(asked, "label")}.get(verdict)
        regions = regions_of(asked)
        seconds = min(float(asked.get("seconds") or 0.0), LONGEST_READING)
        answers = answers_of(asked)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ReviewError(
            _("The page sent a verdict that cannot be read"), _("Reload the page and decide again")
        ) from error
    return Review(
        run_id=reading.run_id,
        image_id=text(asked, "shown"),
        reader=reading.reader,
        verdict=verdict,
        label=label,
        regions=regions,
        seconds=seconds,
        queue=reading.handed_by or reading.queue,
        drawn=reading.drawn,
        **answers,
    )
