"""The report of a study in the pages, once it can lead nobody, and what is written to its checklists."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.errors import ReviewError
from engine.language import ENGLISH, _, isolated, listed, speaking
from gui.pages.review import may_write, text
from gui.pages.studies.choices import administers
from gui.pages.studies.overview import may_be_reported
from gui.pages.studies.rounds import Rounds
from gui.web import markup

Answer = dict[str, Any]


def show_report(rounds: Rounds, asked: Mapping[str, Any]) -> Answer:
    """Return the report of a study as one HTML page, and its checklists to be written to, for who makes studies.

    Raises:
        ReviewError: Who asks makes no studies, there is no such study, or it is still being read.
    """
    from engine.report import report_study, study_answered_again, study_page

    session = rounds.session
    if not administers(session):
        raise ReviewError(_("The report of a study is for whoever makes studies"), _("Ask them for it"))
    study = session.store.studies.get(text(asked, "study"))
    if not may_be_reported(session, study):
        raise ReviewError(
            _("The study is still being read, and its report would tell readers what others said"),
            _("Come back when all is read, or close the study"),
        )
    with speaking(ENGLISH):  # what is kept of a report is English, and said again
        report = report_study(session.workspace, session.store, study.study_id)
    written = study_page(report)
    return {
        "page": written,
        "checklists": markup.checklists(
            study_answered_again(report).checklists, may_write=may_write(session)
        ),
    }


def write_study_item(rounds: Rounds, asked: Mapping[str, Any]) -> Answer:
    """Keep what somebody wrote to an item of a checklist of a study's report.

    Raises:
        ReviewError: The window is read-only.
        ReportError: There is no such item.
    """
    from engine.report import item_of, keep_answer, sharing, study_folder

    session = rounds.session
    if not may_write(session):
        raise ReviewError(_("A study cannot be changed in a window that is read-only"), _("Ask the owner"))
    study = session.store.studies.get(text(asked, "study"))
    item = item_of(text(asked, "checklist"), text(asked, "item"))
    folder = study_folder(session.workspace, study.study_id)
    kept = keep_answer(folder, item.key, text(asked, "text"), text(asked, "reader") or session.reader)
    told = _("Kept for {items}, by {name}.") if kept.text else _("Taken back for {items}, by {name}.")
    return {"said": told.format(items=listed(sharing(item.key)), name=isolated(kept.by))}


REPORTS: tuple[Callable[[Rounds, Mapping[str, Any]], Answer], ...] = (show_report, write_study_item)
