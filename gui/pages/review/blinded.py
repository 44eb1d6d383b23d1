"""Whoever has cases of a run to read blind is shown nothing of it here: opening the page would end the blinding."""

from __future__ import annotations

from engine.errors import ReviewError
from engine.language import _, isolated
from gui.pages.review.reading_session import Desk, Reading


def read_blind_first(desk: Desk, reading: Reading) -> str:
    """Return why a run's predictions are not shown to a reader yet; empty where they may be."""
    if desk.session.read_only:  # a guest is no reader
        return ""
    study = desk.session.store.studies.blind_in(reading.run_id, reading.reader)
    return study and (
        _(
            "{reader} has cases to read blind in the study “{study}”, so the predictions of this run are "
            "not shown here yet. Read the cases under Studies first, or close the study."
        ).format(reader=isolated(reading.reader), study=isolated(study))
    )


def refuse_blinded(desk: Desk, reading: Reading) -> None:
    """Refuse whatever would show something of a run to a reader who is to read it blind.

    Raises:
        ReviewError: There are such cases.
    """
    if read_blind_first(desk, reading):
        raise ReviewError(
            _("{reader} is to read cases of this run blind first").format(reader=isolated(reading.reader)),
            _("Read them under Studies, or close the study"),
        )
