"""One long thing at a time in a window, beside the pages: begun, watched and cancelled by any tab."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from engine.errors import EngineError
from engine.language import _
from gui.web.error_messages import sentence

Progress = Callable[[int, int], None]
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkState(Generic[Result]):
    """How far the work is that was begun last.

    Attributes:
        title: What is being done.
        working: Whether it goes on.
        done: Images done.
        total: Images in all; 0 until they are known.
        result: What came of it; None while it goes on, and where nothing did.
        trouble: Why nothing did; empty where something did.
    """

    title: str
    working: bool = True
    done: int = 0
    total: int = 0
    result: Result | None = None
    trouble: str = ""


class _CancelledError(Exception):
    """A person ended the work."""


class Work(Generic[Result]):
    """Work of one kind in a window."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancel = threading.Event()
        self._state: WorkState[Result] | None = None

    @property
    def state(self) -> WorkState[Result] | None:
        """How far the newest work is; None where none was begun."""
        return self._state

    def begin(self, title: str, what: Callable[[Progress], Result]) -> None:
        """Do something in a thread of its own.

        Args:
            title: What is being done, for people.
            what: Does it, tells how far it is, and returns what came of it.

        Raises:
            EngineError: Another work of the kind goes on.
        """
        with self._lock:
            if self._state is not None and self._state.working:
                raise EngineError(
                    _("Something else is in progress: {title}").format(title=self._state.title),
                    _("Wait for it, or cancel it"),
                )
            self._cancel.clear()
            self._state = WorkState(title=title)
        # in the language of whoever began it
        threading.Thread(target=copy_context().run, args=(self._work, what), daemon=True).start()

    def cancel(self) -> None:
        """Ask the work to end: it does at the next sign of progress, and nothing of it is kept."""
        self._cancel.set()

    def _work(self, what: Callable[[Progress], Result]) -> None:
        try:
            result = what(self._progress)
        except _CancelledError:
            self._say(working=False, trouble=_("This was cancelled; nothing of it was kept."))
        except Exception as error:  # noqa: BLE001  whatever it is, the page must say it
            self._say(working=False, trouble=sentence(error))
        else:
            self._say(working=False, result=result)

    def _progress(self, done: int, total: int) -> None:
        if self._cancel.is_set():
            raise _CancelledError
        self._say(done=done, total=total)

    def _say(self, **known: object) -> None:
        assert self._state is not None
        self._state = replace(self._state, **known)  # type: ignore[arg-type]
