"""Which data set and which run a page is come to for: the address names either, and each leads to the other."""

from __future__ import annotations

from collections.abc import Sequence

from gui.web import AppSession


def data_meant(session: AppSession, named: str | None, known: Sequence[str]) -> str | None:
    """Return the data set that is named, by its own id or by a run's; the newest where none is.

    Args:
        session: The window.
        named: Id of a data set or run, or nothing.
        known: The data sets there are, newest first.
    """
    if named in known:
        return named
    read = {run.run_id: run.dataset_id for run in session.store.runs()} if named else {}
    of_run = read.get(named or "")
    return of_run if of_run in known else (known[0] if known else None)


def run_meant(session: AppSession, named: str | None, known: Sequence[str]) -> str | None:
    """Return the run that is named, by its own id or as the newest of a data set; the newest where none is.

    Args:
        session: The window.
        named: Id of a run or data set, or nothing.
        known: The runs there are, newest first.
    """
    if named in known:
        return named
    of_data = (run.run_id for run in session.store.runs() if run.dataset_id == named and run.run_id in known)
    return next(of_data, known[0] if known else None)
