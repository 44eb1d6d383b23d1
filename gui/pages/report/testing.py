"""One external test at a time in a window, beside the pages: begun, watched and cancelled by any tab."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from engine.errors import ReportError
from engine.records import ExternalTest
from gui.web import AppSession, sentence


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """How far the test is that was begun last.

    Attributes:
        run_id: The run.
        dataset_name: The images from elsewhere.
        working: Whether it goes on.
        done: Images predicted.
        total: Images in all; 0 until they are known.
        test: What came of it.
        trouble: Why nothing did; empty where something did.
    """

    run_id: str
    dataset_name: str
    working: bool = True
    done: int = 0
    total: int = 0
    test: ExternalTest | None = None
    trouble: str = ""


class _CancelledError(Exception):
    """A person ended the test."""


class ExternalTests:
    """The external tests of a window."""

    def __init__(self, session: AppSession) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._cancel = threading.Event()
        self._state: State | None = None

    @property
    def state(self) -> State | None:
        """How far the newest test is; None where none was begun."""
        return self._state

    def begin(
        self, run_id: str, dataset_id: str, *, same: Mapping[str, str], leave_out: Collection[str]
    ) -> None:
        """Test a run on a data set, in a thread of its own.

        Args:
            run_id: The run.
            dataset_id: The images from elsewhere.
            same: Class of the run by a name of theirs.
            leave_out: Names of theirs that are none of the classes.

        Raises:
            ReportError: Another test goes on.
            DataError: The data set cannot be read.
        """
        from engine.data import load_index

        name = load_index(self._session.workspace, dataset_id).name
        with self._lock:
            if self._state is not None and self._state.working:
                raise ReportError("Another external test is in progress", "Wait for it, or cancel it")
            self._cancel.clear()
            self._state = State(run_id=run_id, dataset_name=name)
        work = threading.Thread(
            target=self._work, args=(run_id, dataset_id, dict(same), tuple(leave_out)), daemon=True
        )
        work.start()

    def cancel(self) -> None:
        """Ask the test to end: it does within a batch, and nothing of it is kept."""
        self._cancel.set()

    def _work(
        self, run_id: str, dataset_id: str, same: Mapping[str, str], leave_out: Collection[str]
    ) -> None:
        try:
            test = self._test(run_id, dataset_id, same, leave_out)
        except _CancelledError:
            self._say(working=False, trouble="The test was cancelled; nothing of it was kept.")
        except Exception as error:  # noqa: BLE001  whatever it is, the page must say it
            self._say(working=False, trouble=sentence(error))
        else:
            self._say(working=False, test=test)

    def _test(
        self, run_id: str, dataset_id: str, same: Mapping[str, str], leave_out: Collection[str]
    ) -> ExternalTest:
        from engine.data import load_index
        from engine.external import keep_external
        from engine.pipeline import validate_run
        from engine.runs import find_run

        session = self._session
        run = find_run(session.workspace, run_id)
        index = load_index(session.workspace, dataset_id)
        test = validate_run(
            session.workspace,
            session.store,
            run,
            index,
            same=same,
            leave_out=leave_out,
            progress=self._progress,
        )
        self._progress(test.images, test.images)  # a last chance to cancel
        keep_external(run, test)
        return test

    def _progress(self, done: int, total: int) -> None:
        if self._cancel.is_set():
            raise _CancelledError
        self._say(done=done, total=total)

    def _say(self, **known: object) -> None:
        assert self._state is not None
        self._state = replace(self._state, **known)  # type: ignore[arg-type]
