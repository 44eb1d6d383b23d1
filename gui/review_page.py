"""The review page: one case fills the screen; a verdict is one key, and on the disk before the next case.

A sitting is a `Reading`: which run, queue and part, who reads, and which case the server handed out last. The
page knows it by a random name and sends, with a verdict, the case that was on the screen; when that is not
the case handed out last the verdict is refused, because it would be on a film that nobody saw. Each handler
takes the desk and what the page sent, and returns what the page draws.
"""

from __future__ import annotations

import functools
import math
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from threading import Lock, RLock
from typing import Any

import gradio as gr

from engine.errors import ReviewError
from engine.records import PARTS, Part, Prediction, Region, Review, Verdict
from engine.store import QUEUES, RunSummary
from gui.errors import answered
from gui.films import explanation, film_url
from gui.session import AppSession
from gui.viewer.viewer import ReviewPane

Answer = dict[str, Any]
MOST_READINGS = 2000
LONGEST_READING = 24 * 3600.0
WHOLE = "all"
UNREAD = "not yet read"
PART_TITLES = {"train": "training", "val": "validation", "test": "test", WHOLE: "all parts"}
NOTHING_TO_READ = (
    "There is nothing to read yet. Choose data on the Data page, then train on the Train page: "
    "the cases of its test part appear here."
)
FINISHED = "All {total} cases of this part have been read. Nothing is left in this queue."


class StaleCaseError(ReviewError):
    """The page speaks of another case than the server handed out last: it must ask again."""


@dataclass(kw_only=True)
class Reading:
    """One sitting of one reader at one queue.

    Attributes:
        run_id: Whose predictions are read.
        queue: A key of `engine.store.QUEUES`.
        part: The side of the split, or None for all.
        reader: Whose verdicts they are.
        held: The case handed out last, or None at a queue's end.
        turn: Held while a verdict or a step is under way, so that each sees the other's outcome.
    """

    run_id: str
    queue: str
    part: Part | None
    reader: str
    held: str | None = None
    turn: RLock = field(default_factory=RLock, repr=False)


class Desk:
    """The sittings that are open on a session, by random names; the longest unused are forgotten."""

    def __init__(self, session: AppSession, run_id: str | None = None) -> None:
        self.session = session
        self.run_id = run_id
        self._readings: OrderedDict[str, Reading] = OrderedDict()
        self._lock = Lock()

    def open(self, reading: Reading) -> str:
        """Take a sitting in and return its name."""
        name = secrets.token_urlsafe(16)
        with self._lock:
            self._readings[name] = reading
            while len(self._readings) > MOST_READINGS:
                self._readings.popitem(last=False)
        return name

    def reading(self, asked: Mapping[str, Any]) -> Reading:
        """Return the sitting that the page names.

        Raises:
            StaleCaseError: There is none: the program was started anew.
        """
        name = _text(asked, "reading")
        with self._lock:
            if name in self._readings:
                self._readings.move_to_end(name)
                return self._readings[name]
        raise StaleCaseError(
            "Overread was started anew since this page was opened, and nothing was stored",
            "Look at the case again and repeat your verdict",
        )


# ------------------------------------------------------------------------------------------------- handlers


def open_reading(desk: Desk, asked: Mapping[str, Any]) -> Answer:
    """Begin or change a sitting, with the wished run, queue, part and reader where they exist."""
    session = desk.session
    runs = session.store.runs()
    reader = (_text(asked, "reader") or session.reader).strip() or session.reader
    if not runs:
        choices: Answer = {"run": [], "queue": _queues(), "part": []}
        empty = {"case": None, "message": NOTHING_TO_READ, "others": [], "place": "", "read": 0, "total": 0}
        return {
            "reading": None,
            "run": "",
            "queue": UNREAD,
            "part": WHOLE,
            "reader": reader,
            "choices": choices,
        } | empty
    run = next(
        (run for wish in (_text(asked, "run"), desk.run_id) for run in runs if run.run_id == wish), runs[0]
    )
    queue = _text(asked, "queue")
    queue = queue if queue in QUEUES else WHOLE if session.read_only else UNREAD
    parts: list[str] = [part for part in PARTS if session.store.count(run.run_id, WHOLE, reader, part)]
    part = _text(asked, "part")
    if part not in (*parts, WHOLE):
        part = "test" if "test" in parts else WHOLE
    reading = Reading(run_id=run.run_id, queue=queue, part=_part(part), reader=reader)
    wished = _text(asked, "case")
    case = _find(desk, reading, wished) if wished else None
    case = case or session.store.resume(reading.run_id, queue, reader, reading.part)
    return {
        "reading": desk.open(reading),
        "run": run.run_id,
        "queue": queue,
        "part": part,
        "reader": reader,
        "choices": {
            "run": [{"value": run.run_id, "title": _run_title(run)} for run in runs],
            "queue": _queues(),
            "part": [{"value": name, "title": PART_TITLES[name]} for name in (*parts, WHOLE)],
        },
    } | _screen(desk, reading, case)


def show_case(desk: Desk, asked: Mapping[str, Any]) -> Answer:
    """Hand out the next or the previous case, or one by its id."""
    reading, store = desk.reading(asked), desk.session.store
    place = (reading.run_id, reading.queue, reading.reader)
    with reading.turn:
        match _text(asked, "to"):
            case "next":
                return _screen(desk, reading, store.next(*place, _text(asked, "shown"), reading.part))
            case "previous":
                before = store.previous(*place, _text(asked, "shown"), reading.part)
                return _screen(desk, reading, before) if before else {"edge": "This is the first case."}
            case _:
                return _screen(desk, reading, store.case(reading.run_id, _text(asked, "case")))


def decide(desk: Desk, asked: Mapping[str, Any]) -> Answer:
    """Store a verdict on the case that was on the screen, then hand out the next.

    Raises:
        StaleCaseError: The verdict is on another case than the one handed out last.
        ReviewError: The window is read-only, or the verdict contradicts itself.
        StoreError: It cannot be stored; nothing was.
    """
    if desk.session.read_only:
        raise ReviewError(
            "This is a guest's window: it shows, and stores nothing",
            "Ask its owner to let you read as a reader",
        )
    reading, store = desk.reading(asked), desk.session.store
    with reading.turn:
        shown = _text(asked, "shown")
        if not shown or shown != reading.held:
            raise StaleCaseError(
                "The verdict was given on another case than the one now on the screen, and was not stored",
                "Look at the case that is shown and decide again",
            )
        review = _review(reading, asked)
        store.add_review(review, shown=_text(asked, "predicted") or None)
        spoken = review.verdict.value + (f" to {review.label}" if review.verdict is Verdict.OVERRULE else "")
        stored = f"Stored: {spoken} (case {shown[:8]})"
        following = store.next(reading.run_id, reading.queue, reading.reader, shown, reading.part)
        return {"stored": stored} | _screen(desk, reading, following)


def reveal_label(desk: Desk, asked: Mapping[str, Any]) -> Answer:
    """Tell the label that came with the data; it is not sent before somebody asks."""
    reading, shown = desk.reading(asked), _text(asked, "shown")
    return {"shown": shown, "label": desk.session.store.case(reading.run_id, shown).label}


def remember(desk: Desk, asked: Mapping[str, Any]) -> Answer:
    """Put the reader's bookmark on the case that is shown, so that a later sitting goes on from it."""
    reading, shown = desk.reading(asked), _text(asked, "shown")
    if not desk.session.read_only and shown == reading.held:
        desk.session.store.bookmark(reading.run_id, reading.queue, reading.reader, shown)
    return {}


HANDLERS: tuple[Callable[[Desk, Mapping[str, Any]], Answer], ...] = (
    open_reading,
    show_case,
    decide,
    reveal_label,
    remember,
)


# ------------------------------------------------------------------------------------- what the page is told


def _screen(desk: Desk, reading: Reading, case: Prediction | None) -> Answer:
    """Hand out a case: what the page draws, how far the reader is, and what to fetch ahead."""
    store = desk.session.store
    place = (reading.run_id, reading.queue, reading.reader)
    read, total = store.progress(reading.run_id, reading.reader, reading.part)
    count = store.count(*place, reading.part)
    told: Answer = {"read": read, "total": total, "upcoming": []}
    if case is None:
        message = (
            FINISHED.format(total=total)
            if reading.queue == UNREAD and total
            else "This queue is empty or at its end."
        )
        others = [
            queue
            for queue in QUEUES
            if queue != reading.queue and store.count(reading.run_id, queue, reading.reader, reading.part)
        ]
        reading.held = None
        return told | {"case": None, "message": message, "others": others, "place": f"{read} of {total} read"}
    number = store.place(*place, case.image_id, reading.part)
    described = _describe(desk, reading, case)
    coming = store.upcoming(*place, case.image_id, reading.part)
    told["upcoming"] = [_addresses(desk.session, reading.run_id, one.image_id) for one in coming]
    if reading.queue == UNREAD:
        counted = (
            f"read before · {read} of {total} read" if described["before"] else f"{read + number} of {total}"
        )
    else:
        counted = f"{number} of {count}"
    reading.held = case.image_id
    return told | {"case": described, "place": counted}


def _addresses(session: AppSession, run_id: str, image_id: str) -> Answer:
    heat = explanation(session, run_id, image_id)
    return {
        "film": film_url(session, run_id, image_id),
        "heat": film_url(session, run_id, image_id, "heatmap") if heat is not None else None,
    }


def _describe(desk: Desk, reading: Reading, case: Prediction) -> Answer:
    session = desk.session
    run = session.store.run(reading.run_id)
    heat = explanation(session, reading.run_id, case.image_id)
    part = f" · {PART_TITLES[case.part]}" if case.part else ""
    # the id stands for the patient where the data names none
    patient = f" · patient {case.patient_id}" if case.patient_id != case.image_id else ""
    dropout = case.uncertainty
    two = len(run.classes) == 2 and math.isfinite(run.threshold)
    return {
        "id": case.image_id,
        "name": f"{case.path.name}{patient}{part}",
        "classes": list(run.classes),
        "probabilities": list(case.probabilities),
        "predicted": case.predicted,
        "positive": run.positive,
        "threshold": run.threshold if two else None,
        "entropy": case.entropy,
        "most_entropy": math.log(max(2, len(run.classes))),
        "variance": f"variance {dropout.variance:.3g} over {dropout.passes} passes" if dropout else None,
        "conformal": ", ".join(case.conformal_set) or None,
        "method": f"{heat.method}, for {heat.target}" if heat else None,
        "before": _before(desk, reading, case),
    } | _addresses(session, reading.run_id, case.image_id)


def _before(desk: Desk, reading: Reading, case: Prediction) -> Answer | None:
    """Return this reader's newest verdict on the case."""
    if desk.session.read_only:
        return None
    found = desk.session.store.reviews(
        reading.run_id, reader=reading.reader, image_id=case.image_id, latest=True
    )
    if not found:
        return None
    review = found[-1]
    to = f" to {review.label}" if review.verdict is Verdict.OVERRULE else ""
    when = f", {review.created.astimezone():%d %b %Y %H:%M}" if review.created else ""
    return {
        "sentence": f"Your previous verdict: {review.verdict.value}{to}{when}",
        "comment": review.comment,
        "regions": [asdict(region) for region in review.regions],
    }


def _queues() -> list[Answer]:
    return [{"value": name, "title": name} for name in QUEUES]


def _run_title(run: RunSummary) -> str:
    return f"{run.dataset_name} · {run.recipe_name} · {run.created.astimezone():%d %b %H:%M}"


# ------------------------------------------------------------------------------------- what the page may send


def _text(asked: Mapping[str, Any], name: str) -> str:
    value = asked.get(name)
    return value if isinstance(value, str) else ""


def _part(name: str) -> Part | None:
    return next((part for part in PARTS if part == name), None)


def _find(desk: Desk, reading: Reading, image_id: str) -> Prediction | None:
    """Return the case a reload wishes for, if the run still has it in this part."""
    try:
        case = desk.session.store.case(reading.run_id, image_id)
    except ReviewError:
        return None
    return case if reading.part in (None, case.part) else None


def _review(reading: Reading, asked: Mapping[str, Any]) -> Review:
    """Make a review of what the page sent.

    Raises:
        ReviewError: It cannot be read as one.
    """
    try:
        verdict = Verdict(_text(asked, "verdict"))
        label = {Verdict.AGREE: _text(asked, "predicted"), Verdict.OVERRULE: _text(asked, "label")}.get(
            verdict
        )
        regions = tuple(
            Region(
                x=float(box["x"]), y=float(box["y"]), width=float(box["width"]), height=float(box["height"])
            )
            for box in asked.get("regions") or ()
        )
        seconds = min(float(asked.get("seconds") or 0.0), LONGEST_READING)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ReviewError(
            "The page sent a verdict that cannot be read", "Reload the page and decide again"
        ) from error
    return Review(
        run_id=reading.run_id,
        image_id=_text(asked, "shown"),
        reader=reading.reader,
        verdict=verdict,
        label=label,
        comment=_text(asked, "comment").strip(),
        regions=regions,
        seconds=seconds,
    )


# ------------------------------------------------------------------------------------------------- the page


def build(session: AppSession, run_id: str | None = None) -> gr.HTML:
    """Place the reading screen.

    Args:
        session: The open window.
        run_id: The run to begin with; None means the newest.
    """
    desk = Desk(session, run_id)
    return ReviewPane(
        read_only=session.read_only,
        server_functions=[_server_function(handler, desk) for handler in HANDLERS],
        elem_id="reading",
    )


def _server_function(
    handler: Callable[[Desk, Mapping[str, Any]], Answer], desk: Desk
) -> Callable[[Any], Answer]:
    def call(asked: Any = None) -> Answer:
        return answered(functools.partial(handler, desk))(asked if isinstance(asked, dict) else {})

    call.__name__ = handler.__name__
    return call
