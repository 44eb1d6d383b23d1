"""The list of studies, one study in full, and making one: what the page is told, and what it asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from engine.errors import EngineError, ReviewError
from engine.language import _, isolated, ngettext, number
from engine.reading import Reader
from engine.retelling import retold
from gui.pages.review import may_write, reader_of, text
from gui.pages.studies.changing import CHANGES
from gui.pages.studies.choices import administers, form_choices, listed_readers, runs_with_test_cases
from gui.pages.studies.files import export_address, report_addresses
from gui.pages.studies.form import draft_of, summary_of
from gui.pages.studies.overview import card, may_be_reported, sections, states, to_read
from gui.pages.studies.reporting import REPORTS
from gui.pages.studies.rounds import Rounds

Answer = dict[str, Any]
# ------------------------------------------------------------------------------------------------- handlers


def list_studies(rounds: Rounds, asked: Mapping[str, Any]) -> Answer:
    """Return every study with what the chosen reader can do in it."""
    session = rounds.session
    reader = reader_of(session, text(asked, "reader"))
    studies = session.store.studies.all()
    makes = administers(session) and may_write(session)
    return {
        "reader": reader.name,
        "studies": [card(session, study, reader) for study in reversed(studies)],
        "readers": listed_readers(session),
        "makes": makes,
        "rereads": runs_with_test_cases(session) if makes else [],
    }


def offer_choices(rounds: Rounds, asked: Mapping[str, Any]) -> Answer:
    """Return what the form of a new study offers."""
    return form_choices(rounds.session)


def plan_study(rounds: Rounds, asked: Mapping[str, Any]) -> Answer:
    """Return what is wrong with the form, by field, and what the study would be, in sentences."""
    session, draft = rounds.session, draft_of(rounds.session, _form(asked))
    errors, summary = dict(draft.errors), []
    if draft.protocol is not None and not errors:
        try:
            drawn = session.store.studies.preview(draft.protocol, samples=draft.samples or ())
            summary = summary_of(session, replace(draft.protocol, drawn=drawn), draft.promoted)
        except EngineError as error:
            errors["rule"] = retold(error)
    return {"errors": errors, "summary": summary}


def make_study(rounds: Rounds, asked: Mapping[str, Any]) -> Answer:
    """Make the study that the form describes, or return what is wrong with it.

    Raises:
        ReviewError: The window is read-only.
    """
    session = rounds.session
    if not may_write(session):
        raise ReviewError(_("A study cannot be made in a window that is read-only"), _("Ask the owner"))
    draft = draft_of(session, _form(asked))
    if draft.protocol is None or draft.errors:
        return {"errors": draft.errors}
    if draft.promoted:
        session.store.change_reader(replace(draft.promoted, role="adjudicator"))
    study = session.store.studies.create(draft.protocol, samples=draft.samples or ())
    cases = study.protocol.drawn.n
    return {
        "study": study.study_id,
        "said": ngettext(
            "“{study}” is made, with {count} case. Its protocol is fixed when the first reading begins.",
            "“{study}” is made, with {count} cases. Its protocol is fixed when the first reading begins.",
            cases,
        ).format(study=isolated(study.name), count=number(cases)),
    }


def add_reader(rounds: Rounds, asked: Mapping[str, Any]) -> Answer:
    """Add a reader to the list.

    Raises:
        ReviewError: The window is read-only, or the name is missing, taken or like another.
    """
    session, name = rounds.session, text(asked, "name").strip()
    if not may_write(session):
        raise ReviewError(_("Readers cannot be added in a window that is read-only"), _("Ask the owner"))
    close = session.store.readers_like(name) if name else []
    if close:
        raise ReviewError(
            _("“{close}” is in the list already").format(close=isolated(close[0].name)),
            _("Choose that name, or write the other person's differently"),
        )
    added = session.store.add_reader(Reader(reader_id="", name=name))
    return {"added": added.reader_id, "readers": listed_readers(session)}


def show_study(rounds: Rounds, asked: Mapping[str, Any]) -> Answer:
    """Return one study in full; after its end also what advice was wrong on purpose."""
    session = rounds.session
    study = session.store.studies.get(text(asked, "study"))
    reader = reader_of(session, text(asked, "reader"))
    steps, changes = [], None
    if administers(session) and may_write(session) and study.state != "closed":
        others = [one for one in listed_readers(session) if one["value"] not in study.protocol.readers]
        changes = {"others": others, "fixed": study.state != "draft"}
        steps = [("lock_study", _("Lock the protocol"))] if study.state == "draft" else []
        steps.append(("close_study", _("Close the study")))
    return {
        "name": study.name,
        "state": states()[study.state],
        "read": to_read(session, study, reader),
        "steps": steps,
        "changes": changes,
        "export": export_address(session, study.study_id) if administers(session) else "",
        "reports": report_addresses(session, study.study_id)
        if administers(session) and may_be_reported(session, study)
        else [],
        "sections": sections(session, study, reader),
    }


HANDLERS: tuple[Callable[[Rounds, Mapping[str, Any]], Answer], ...] = (
    list_studies,
    offer_choices,
    plan_study,
    make_study,
    add_reader,
    show_study,
    *REPORTS,
    *CHANGES,
)


# ------------------------------------------------------------------------------------- what the page is told


def _form(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    form = asked.get("form")
    return form if isinstance(form, dict) else {}
