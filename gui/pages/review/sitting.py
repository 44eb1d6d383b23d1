"""Sittings: what was on a reader's screen of which case, written down before it is sent."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from threading import RLock

from engine.errors import EngineError
from engine.reading import Shown, Sitting, write_anchor
from gui.web import AppSession

MOST_SITTINGS = 2000


def may_write(session: AppSession) -> bool:
    """Return whether what happens in this window can be written down."""
    return not (session.read_only or session.store.read_only)


class Sittings:
    """The sittings that are open in a window: one a page of a browser, a reader and a run."""

    def __init__(self, session: AppSession) -> None:
        self._session = session
        self._open: OrderedDict[str, tuple[str, str, Sitting]] = OrderedDict()
        self._shown: dict[str, Shown] = {}
        self._lock = RLock()
        session.endings.append(self.end_all)

    def of(self, page: str, run_id: str, reader: str, *, study_id: str = "") -> Sitting | None:
        """Return the sitting of a page, before a study or a run; whatever else comes to it ends it.

        Returns:
            None where nothing can be written down.
        """
        if not may_write(self._session):
            return None
        with self._lock:
            known, what = self._open.get(page), study_id or run_id
            if known is not None and known[:2] == (what, reader):
                return known[2]
            store = self._session.store
            begun = store.studies.begin(study_id, reader) if study_id else store.begin_sitting(run_id, reader)
            if known is not None:
                self.end(page)
            self._open[page] = (what, reader, begun)
            while len(self._open) > MOST_SITTINGS:
                self.end(next(iter(self._open)))
            return begun

    def expose(
        self,
        sitting: Sitting | None,
        shown: Shown,
        *,
        write: Callable[[Shown | None], object] | None = None,
    ) -> None:
        """Write down what is about to be sent, unless it is on the screen already.

        Args:
            sitting: In which; None where nothing can be written down.
            shown: What it is.
            write: Writes it down together with something else, which it writes alone where it is given None.
        """
        if sitting is None or self._shown.get(sitting.session_id) == shown:
            if write is not None:
                write(None)
            return
        if write is None:
            self._session.store.expose(sitting, shown)
        else:
            write(shown)
        self._shown[sitting.session_id] = shown

    def end(self, page: str) -> None:
        """Write down that a page was left, and what the newest row of the chain is then."""
        with self._lock:
            known = self._open.pop(page, None)
        if known is None:
            return
        self._shown.pop(known[2].session_id, None)
        store = self._session.store
        with suppress(EngineError):  # a workspace that is gone: nobody is there who could be told
            store.end_sitting(known[2])
            write_anchor(self._session.workspace.anchors, store.head(), "a session ended")

    def end_all(self) -> None:
        """End every sitting: the window closes."""
        for page in list(self._open):
            self.end(page)
