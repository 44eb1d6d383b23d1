"""Which queues a reader may choose, what they give away, and what older runs must be looked up for."""

from __future__ import annotations

from collections.abc import Mapping

from engine.data import load_split
from engine.errors import EngineError
from engine.language import _
from engine.reading import QUEUES, Queue
from engine.records import PARTS
from engine.runs import load_distances
from gui.pages.review.sitting import may_write
from gui.web import AppSession

MAY_SEE_OTHERS = ("adjudicator", "administrator")


def queues_for(session: AppSession, reader: str) -> Mapping[str, Queue]:
    """Return the queues for a reader: where others differ is for those alone whose role it is to know."""
    known = None if session.read_only else session.store.find_reader(reader)
    may = known is not None and known.role in MAY_SEE_OTHERS
    own = {name: queue for name, queue in QUEUES.items() if may or not queue.tells_others}
    if session.read_only:  # guests have no answers, and no labels are shared that they did not ask for
        return {name: queue for name, queue in own.items() if not queue.changes}
    return own


def tells(queue: Queue) -> str:
    """Return what being in a queue gives away of a case, as a sentence; empty where it gives nothing away."""
    if queue.tells_label:
        return _(
            "This queue gives away the label in the data; that you have seen it is kept with your answers."
        )
    if queue.tells_others:
        return _(
            "This queue gives away what others answered; that you have seen it is kept with your answers."
        )
    return ""


def complete_columns(session: AppSession, run_id: str) -> None:
    """Look up, once, what versions before left in a run's folder: distances and the columns that searches look at."""
    store, folder = session.store, session.workspace.runs / run_id
    if not may_write(session) or not store.lacks_columns(run_id):
        return
    try:
        distances = load_distances(folder)
    except EngineError:  # whoever needs this file says what is wrong with it; cases are read all the same
        distances = {}
    try:
        split = load_split(folder / "split.csv")
        metas = {sample.image_id: sample.meta for part in PARTS for sample in split.part(part) if sample.meta}
    except EngineError:
        metas = {}
    store.add_columns(run_id, distances, metas)
