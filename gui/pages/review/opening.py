"""A reading session begins or changes: which run, queue, part and reader there are, and which are taken."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from engine.errors import ReviewError
from engine.language import _, language, moment
from engine.naming import given_of
from engine.reading import SEARCH, Queue, RunSummary
from engine.records import ELSEWHERE, PARTS, Prediction
from engine.retelling import retold
from engine.saliency import colour_tables
from gui.pages.keeping import in_a_field, named_in_a_field
from gui.pages.review.hand.finding import complete_columns, queues_for, tells
from gui.pages.review.maps import method_choices
from gui.pages.review.reading_session import Desk, Reading, part_named, text
from gui.pages.review.remarks import validated
from gui.pages.review.screen import UNREAD, Answer, count_again, screen
from gui.pages.review.who_reads import reader_choices, reader_of
from gui.web import AppSession, markup

WHOLE = "all"


def open_reading(desk: Desk, asked: Mapping[str, Any]) -> Answer:
    """Begin or change a reading session, with the wished run, queue, part and reader where they exist."""
    session = desk.session
    wishes = (text(asked, "run"), desk.run_id)
    runs = [run for run in session.store.runs() if is_offered(session, run, wishes)]
    reader = reader_of(session, text(asked, "reader")).name
    readers = [] if session.read_only else reader_choices(session)
    run = next((run for wish in wishes for run in runs if wish in (run.run_id, run.dataset_id)), None)
    if not runs:
        choices: Answer = {
            "run": [],
            "queue": _choices(queues_for(session, reader)),
            "part": [],
            "reader": readers,
        }
        empty: Answer = {
            "case": None,
            "message": _(
                "There are no cases to read yet. Choose data on the Data page, then train a model on the Train page: "
                "the cases of its test part then appear here."
            ),
            "others": [],
        }
        empty |= {"place": "", "read": 0, "total": 0}
        return {
            "reading": None,
            "run": "",
            "data": "",
            "queue": UNREAD,
            "part": WHOLE,
            "reader": reader,
            "choices": choices,
        } | empty
    run = run or runs[0]
    complete_columns(session, run.run_id)
    queues = queues_for(session, reader)
    queue, words = text(asked, "queue"), text(asked, "search").strip()
    found = session.store.searched(run.run_id, words) if queue == SEARCH and words else None
    if found is None and queue not in queues:
        queue = WHOLE if session.read_only else UNREAD
    held = (*PARTS, ELSEWHERE)
    parts: list[str] = [part for part in held if session.store.count(run.run_id, WHOLE, reader, part)]
    part = text(asked, "part")
    if part not in (*parts, WHOLE):
        part = "test" if "test" in parts else WHOLE
    reading = Reading(
        run=run,
        queue=queue,
        part=part_named(part),
        reader=reader,
        search=found,
        validated=validated(session.workspace.runs / run.run_id, language()),
    )
    reading.page = text(asked, "page") or secrets.token_urlsafe(16)
    count_again(desk, reading)
    wished = text(asked, "case")
    reading.drawn = reading.in_turn
    case = session.store.resume(reading.run_id, reading.wanted, reader, reading.part)
    sought = _find(desk, reading, wished) if wished else None
    if sought is not None and (case is None or sought.image_id != case.image_id):
        case, reading.drawn = sought, "sought"
    return {
        "reading": desk.open(reading),
        "run": run.run_id,
        "data": run.dataset_id,
        "queue": queue,
        "search": words if found else "",
        "part": part,
        "reader": reader,
        "colours": colour_tables(),
        "choices": {
            "run": [{"value": one.run_id, "title": _run_title(session, one)} for one in runs],
            "queue": _choices({**queues, SEARCH: found} if found else queues),
            "part": [{"value": name, "title": _part_title(name)} for name in (*parts, WHOLE)],
            "reader": readers,
        },
        "methods": method_choices(session, run.run_id),
    } | screen(desk, reading, case)


def _part_title(name: str) -> str:
    beyond = {ELSEWHERE: _("images from elsewhere"), WHOLE: _("all parts")}
    return beyond.get(name) or markup.part_title(name)


def _choices(queues: Mapping[str, Queue]) -> list[Answer]:
    return [
        {
            "value": name,
            "title": _("{queue} (gives the label away)").format(queue=retold(queue.title or name))
            if queue.tells_label
            else retold(queue.title or name),
            "says": " ".join(filter(None, (f"{retold(queue.description)}.", tells(queue)))),
        }
        for name, queue in queues.items()
    ]


def is_offered(session: AppSession, run: RunSummary, wishes: Sequence[str | None]) -> bool:
    """Return whether a run can be chosen to be read: one that is archived only where it is named, none that is gone."""
    given = given_of(session.workspace.runs / run.run_id)
    return not given.deleted and (not given.archived or run.run_id in wishes)


def _run_title(session: AppSession, run: RunSummary) -> str:
    title = named_in_a_field(session.workspace.runs / run.run_id, run.recipe_name)
    return f"{in_a_field(run.dataset_name)} · {title} · {moment(run.created.astimezone(), '%d %b %H:%M')}"


def _find(desk: Desk, reading: Reading, image_id: str) -> Prediction | None:
    """Return the case a reload wishes for, if the run still has it in this part."""
    try:
        case = desk.session.store.case(reading.run_id, image_id)
    except ReviewError:
        return None
    return case if reading.part in (None, case.part or ELSEWHERE) else None
