"""The review page: one case fills the screen; a verdict is one key, and on the disk before the next case.

Each handler takes the desk (`reading_session`: who reads what) and what the page sent, and returns what the page
draws. The scripts in `viewer/` call the handlers as Gradio server functions: no queue, about 15 ms.
"""

from __future__ import annotations

import functools
import math
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import gradio as gr

from engine.errors import AnsweredElsewhere, EngineError, ReviewError
from engine.reading import QUEUES, Given, RunSummary, Shown
from engine.records import PART_NAMES, PARTS, Prediction, Verdict, edge_of
from engine.report import probability
from engine.saliency import colour_tables, map_legend
from gui.pages.review.maps import addresses, explain, heatmap_of, method_choices, stop_explaining
from gui.pages.review.reading_session import ASKED, Desk, Reading, StaleCaseError, part_named, review_of, text
from gui.pages.review.remarks import (
    passes,
    passport_remark,
    remarks_on,
    validated,
    why_none,
    why_predicted,
)
from gui.pages.review.viewer.viewer import ReviewPane
from gui.pages.review.who_reads import reader_choices, reader_of, save_reader
from gui.pages.where_now import look_there
from gui.web import AppSession, answered, sentence

Answer = dict[str, Any]
WHOLE = "all"
UNREAD = "not yet read"
PART_TITLES = {**PART_NAMES, WHOLE: "all parts"}
NOTHING_TO_READ = (
    "There are no cases to read yet. Choose data on the Data page, then train a model on the Train page: "
    "the cases of its test part then appear here."
)


# ------------------------------------------------------------------------------------------------- handlers


def open_reading(desk: Desk, asked: Mapping[str, Any]) -> Answer:
    """Begin or change a reading session, with the wished run, queue, part and reader where they exist."""
    session = desk.session
    runs = session.store.runs()
    reader = reader_of(session, text(asked, "reader")).name
    readers = [] if session.read_only else reader_choices(session.store)
    if not runs:
        choices: Answer = {"run": [], "queue": _queues(), "part": [], "reader": readers}
        empty: Answer = {"case": None, "message": NOTHING_TO_READ, "others": []}
        empty |= {"place": "", "read": 0, "total": 0}
        return {
            "reading": None,
            "run": "",
            "queue": UNREAD,
            "part": WHOLE,
            "reader": reader,
            "choices": choices,
        } | empty
    run = next(
        (run for wish in (text(asked, "run"), desk.run_id) for run in runs if run.run_id == wish), runs[0]
    )
    queue = text(asked, "queue")
    queue = queue if queue in QUEUES else WHOLE if session.read_only else UNREAD
    parts: list[str] = [part for part in PARTS if session.store.count(run.run_id, WHOLE, reader, part)]
    part = text(asked, "part")
    if part not in (*parts, WHOLE):
        part = "test" if "test" in parts else WHOLE
    reading = Reading(
        run=run,
        queue=queue,
        part=part_named(part),
        reader=reader,
        validated=validated(session.workspace.runs / run.run_id),
    )
    reading.page = text(asked, "page") or secrets.token_urlsafe(16)
    _count(desk, reading)
    wished = text(asked, "case")
    case = session.store.resume(reading.run_id, queue, reader, reading.part)
    sought = _find(desk, reading, wished) if wished else None
    if sought is not None and (case is None or sought.image_id != case.image_id):
        case, reading.drawn = sought, "sought"
    return {
        "reading": desk.open(reading),
        "run": run.run_id,
        "queue": queue,
        "part": part,
        "reader": reader,
        "colours": colour_tables(),
        "choices": {
            "run": [{"value": run.run_id, "title": _run_title(run)} for run in runs],
            "queue": _queues(),
            "part": [{"value": name, "title": PART_TITLES[name]} for name in (*parts, WHOLE)],
            "reader": readers,
        },
        "methods": method_choices(session),
    } | _screen(desk, reading, case)


def show_case(desk: Desk, asked: Mapping[str, Any]) -> Answer:
    """Hand out the next or the previous case, or one by its id."""
    reading, store = desk.reading(asked), desk.session.store
    place = (reading.run_id, reading.queue, reading.reader)
    with reading.turn:
        match text(asked, "to"):
            case "next":
                shown, reading.drawn = text(asked, "shown"), "in order"
                return _screen(desk, reading, store.next(*place, shown, reading.part), after=shown)
            case "previous":
                before = store.previous(*place, text(asked, "shown"), reading.part)
                reading.drawn = "sought" if before else reading.drawn
                return _screen(desk, reading, before) if before else {"edge": "This is the first case."}
            case _:
                reading.drawn = "sought"
                return _screen(desk, reading, store.case(reading.run_id, text(asked, "case")))


def decide(desk: Desk, asked: Mapping[str, Any]) -> Answer:
    """Store a verdict on the case that was on the screen, then hand out the next.

    Raises:
        StaleCaseError: The verdict is on another case than the one handed out last.
        ReviewError: The window is read-only, or the verdict contradicts itself.
        StoreError: It cannot be stored; nothing was.
    """
    if desk.session.read_only:
        raise ReviewError(
            "Guests can look at cases but cannot store verdicts",
            "Ask the owner to let you read as a reader",
        )
    reading, store = desk.reading(asked), desk.session.store
    with reading.turn:
        shown = text(asked, "shown")
        if not shown or shown != reading.held:
            raise StaleCaseError(
                "The verdict was for a different case from the one on the screen, so it was not stored",
                "Look at the case on the screen and decide again",
            )
        review = review_of(reading, asked)
        given = Given(
            shown=text(asked, "predicted") or None,
            sitting=reading.sitting,
            last=reading.last,
            name=text(asked, "name") or None,
        )
        try:
            store.add_review(review, given)
        except AnsweredElsewhere as error:
            raise StaleCaseError(error.problem, error.remedy) from error
        spoken = review.verdict.value + (f" to {review.label}" if review.verdict is Verdict.OVERRULE else "")
        stored = f"Stored: {spoken} (case {shown[:8]})"
        try:
            if QUEUES[reading.queue].verdicts:  # the verdict may have taken the case out of the queue
                _count(desk, reading)
            elif not reading.again:
                reading.read += 1
            following = store.next(reading.run_id, reading.queue, reading.reader, shown, reading.part)
            reading.drawn = "in order"
            return {"stored": stored} | _screen(desk, reading, following, after=shown)
        except EngineError as error:  # the verdict is kept; saying that it failed would ask for a second one
            return {"stored": stored, "trouble": sentence(error)}


def reveal_label(desk: Desk, asked: Mapping[str, Any]) -> Answer:
    """Tell the label that came with the data; it is not sent before somebody asks."""
    reading, shown = desk.reading(asked), text(asked, "shown")
    label = desk.session.store.case(reading.run_id, shown).label
    heat, _ = heatmap_of(desk.session, reading.run_id, shown)
    exposed = Shown(image_id=shown, map=heat.method if heat else None, label=True)
    desk.sittings.expose(reading.sitting, exposed)
    return {"shown": shown, "label": label}


def leave(desk: Desk, asked: Mapping[str, Any]) -> Answer:
    """Write down that the page was left."""
    desk.sittings.end(desk.reading(asked).page)
    return {}


def remember(desk: Desk, asked: Mapping[str, Any]) -> Answer:
    """Put the reader's bookmark on the case that is shown, so that a later session continues from it."""
    reading, shown = desk.reading(asked), text(asked, "shown")
    store = desk.session.store
    if not (desk.session.read_only or store.read_only) and shown == reading.held:
        store.bookmark(reading.run_id, reading.queue, reading.reader, shown)
    return {}


def find_images(desk: Desk, asked: Mapping[str, Any]) -> Answer:
    """Look for the run's images in the folder that the reader names, and keep where they are.

    Raises:
        EngineError: The window is read-only, or there is no such folder.
    """
    session, reading = desk.session, desk.reading(asked)
    done = look_there(session, reading.run_id, text(asked, "folder"))
    return {"said": " ".join(done.sentences()), "found": done.found}


HANDLERS: tuple[Callable[[Desk, Mapping[str, Any]], Answer], ...] = (
    open_reading,
    show_case,
    decide,
    reveal_label,
    save_reader,
    leave,
    remember,
    find_images,
    explain,
    stop_explaining,
)


# ------------------------------------------------------------------------------------- what the page is told


def _screen(desk: Desk, reading: Reading, case: Prediction | None, *, after: str = "") -> Answer:
    """Hand out a case: what the page draws, how far the reader is, and what to fetch ahead."""
    if case is None:
        return _end(desk, reading)
    session = desk.session
    described = _describe(desk, reading, case)
    reading.sitting = desk.sittings.of(reading.page, reading.run_id, reading.reader)
    desk.sittings.expose(reading.sitting, Shown(image_id=case.image_id, map=described["map"]))
    reading.held = case.image_id
    number = _number(desk, reading, case, after)
    place = f"{number} of {reading.total if reading.queue == UNREAD else reading.count}"
    if reading.queue == UNREAD and reading.again:
        place = f"read before · {reading.read} of {reading.total} read"
    coming = session.store.upcoming(
        reading.run_id, reading.queue, reading.reader, case.image_id, reading.part
    )
    return {
        "case": described,
        "place": place,
        "read": reading.read,
        "total": reading.total,
        "upcoming": [addresses(session, reading.run_id, one.image_id) for one in coming],
    }


def _end(desk: Desk, reading: Reading) -> Answer:
    """Say that the queue has no further case, and which queues have."""
    _count(desk, reading)
    reading.held = None
    others = [
        queue
        for queue in QUEUES
        if queue != reading.queue
        and desk.session.store.count(reading.run_id, queue, reading.reader, reading.part)
    ]
    done = reading.queue == UNREAD and reading.total
    return {
        "case": None,
        "message": why_none(reading, done=bool(done)),
        "others": others,
        "place": f"{reading.read} of {reading.total} read",
        "read": reading.read,
        "total": reading.total,
        "upcoming": [],
    }


def _count(desk: Desk, reading: Reading) -> None:
    """Count in the database how far the reader is."""
    store = desk.session.store
    reading.read, reading.total = store.progress(reading.run_id, reading.reader, reading.part)
    reading.count = store.count(reading.run_id, reading.queue, reading.reader, reading.part)
    reading.numbers.clear()


def _number(desk: Desk, reading: Reading, case: Prediction, after: str) -> int:
    """Return n of "n of N"; of "not yet read", those that were read count as the first."""
    number = reading.numbers.get(case.image_id) or (after in reading.numbers and reading.numbers[after] + 1)
    if not number or number > reading.total:
        number = desk.session.store.place(
            reading.run_id, reading.queue, reading.reader, case.image_id, reading.part
        )
        number += reading.read if reading.queue == UNREAD else 0
    reading.numbers[case.image_id] = number
    return number


def _describe(desk: Desk, reading: Reading, case: Prediction) -> Answer:
    session, run = desk.session, reading.run
    heat, trouble = heatmap_of(session, reading.run_id, case.image_id)
    part = f" · {PART_NAMES[case.part]}" if case.part else ""
    # the id stands for the patient where the data names none
    patient = f" · patient {case.patient_id}" if case.patient_id != case.image_id else ""
    dropout = case.uncertainty
    two = len(run.classes) == 2 and math.isfinite(run.threshold)
    edge = edge_of(case, run.classes, run.positive) if two else None
    return {
        "id": case.image_id,
        "name": f"{case.path.name}{patient}{part}",
        "classes": list(run.classes),
        "probabilities": list(case.probabilities),
        "predicted": case.predicted,
        "positive": run.positive,
        "threshold": edge,
        "operating": why_predicted(run.classes, case) or ""
        if edge is None
        else f"Operating point (mark): {run.positive} predicted at a probability of {probability(edge)} or above",
        "validated": reading.validated if two else "",
        "entropy": case.entropy,
        "most_entropy": math.log(max(2, len(run.classes))),
        "distance": None
        if case.margin is None
        else f"{case.margin:.2f} in log-odds from the {'operating point' if two else 'next class'}",
        "dropout": passes(dropout) if dropout else None,
        "conformal": ", ".join(case.conformal_set) or None,
        "map": heat.method if heat else None,
        "method": f"{heat.method}, for {heat.target}" if heat else trouble,
        "remark": remarks_on(session.workspace.runs / reading.run_id, case),
        "legend": asdict(map_legend(heat)) if heat else None,
        "before": _before(desk, reading, case),
        **passport_remark(
            session.workspace.runs / reading.run_id, heat.method if heat else None, guest=session.read_only
        ),
    } | addresses(session, reading.run_id, case.image_id)


def _before(desk: Desk, reading: Reading, case: Prediction) -> Answer | None:
    """Return this reader's newest verdict on the case."""
    reading.last = None
    if desk.session.read_only:
        return None
    found = desk.session.store.reviews(
        reading.run_id, reader=reading.reader, image_id=case.image_id, latest=True
    )
    if not found:
        return None
    review = found[-1]
    reading.last = review.review_id
    to = f" to {review.label}" if review.verdict is Verdict.OVERRULE else ""
    when = f", {review.created.astimezone():%d %b %Y %H:%M}" if review.created else ""
    return {
        "sentence": f"Your previous verdict: {review.verdict.value}{to}{when}",
        "answers": {name: getattr(review, name) for name in ASKED},
        "regions": [asdict(region) for region in review.regions],
    }


def _queues() -> list[Answer]:
    return [
        {"value": name, "title": queue.title or name, "says": queue.description}
        for name, queue in QUEUES.items()
    ]


def _run_title(run: RunSummary) -> str:
    return f"{run.dataset_name} · {run.recipe_name} · {run.created.astimezone():%d %b %H:%M}"


def _find(desk: Desk, reading: Reading, image_id: str) -> Prediction | None:
    """Return the case a reload wishes for, if the run still has it in this part."""
    try:
        case = desk.session.store.case(reading.run_id, image_id)
    except ReviewError:
        return None
    return case if reading.part in (None, case.part) else None


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
