"""One external test at a time in a window, beside the pages: begun, watched and cancelled by any tab."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from engine.errors import ReportError
from engine.language import ENGLISH, _, speaking
from engine.records import ExternalTest
from gui.web import AppSession, Progress, Work, WorkState


@dataclass(frozen=True, slots=True)
class State:
    """The test that was begun last.

    Attributes:
        run_id: The run.
        dataset_name: The images from elsewhere.
        work: How far it is.
    """

    run_id: str
    dataset_name: str
    work: WorkState[ExternalTest]


class ExternalTests:
    """The external tests of a window."""

    def __init__(self, session: AppSession) -> None:
        self._session = session
        self._work: Work[ExternalTest] = Work()
        self._of = ("", "")

    @property
    def state(self) -> State | None:
        """How far the newest test is; None where none was begun."""
        return None if self._work.state is None else State(*self._of, self._work.state)

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
        if self._work.state is not None and self._work.state.working:
            raise ReportError(_("Another external test is in progress"), _("Wait for it, or cancel it"))
        self._work.begin(
            _("the test on {dataset}").format(dataset=name),
            lambda progress: self._test(run_id, dataset_id, dict(same), tuple(leave_out), progress),
        )
        self._of = (run_id, name)

    def cancel(self) -> None:
        """Ask the test to end: it does within a batch, and nothing of it is kept."""
        self._work.cancel()

    def _test(
        self,
        run_id: str,
        dataset_id: str,
        same: Mapping[str, str],
        leave_out: Collection[str],
        progress: Progress,
    ) -> ExternalTest:
        from engine.data import load_index
        from engine.external import keep_external
        from engine.pipeline import validate_run
        from engine.runs import find_run

        session = self._session
        run = find_run(session.workspace, run_id)
        index = load_index(session.workspace, dataset_id)
        with speaking(ENGLISH):  # what is kept is in English, whoever began it
            test = validate_run(
                session.workspace,
                session.store,
                run,
                index,
                same=same,
                leave_out=leave_out,
                progress=progress,
            )
        progress(test.images, test.images)  # a last chance to cancel
        keep_external(run, test)
        return test
