"""What the Share page can be asked for: whose cases or study, which cases, for whom; and the link that comes of it."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import ShareError
from engine.language import _, counted, moment
from gui.pages.keeping import in_a_field, named_in_a_field, offered, told_apart
from gui.sharing import USUAL_CASES, Access, Share, chosen_cases, invite, share
from gui.web import AppSession


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the panel asks for.

    Attributes:
        kind: A key of `KINDS`.
        run_id: Whose cases are looked at.
        choosing: A key of `CHOICES`: how those cases are chosen.
        cases: How many, where they are drawn at random or come from a queue.
        seed: Of a draw.
        queue: Name of one.
        named: Cases written down, one a line.
        labels: Whether guests see the labels that came with the data.
        study: The id of the study that somebody is invited to.
        reader: The name of whom.
        minutes: How long the link lives.
        way: A key of `WAYS`.
        server: Of one's own.
        address: That guests open.
        consent: Whether it was given.
    """

    kind: str = "look"
    run_id: str | None = None
    choosing: str = "random"
    cases: float = USUAL_CASES
    seed: float | None = 0
    queue: str = ""
    named: str = ""
    labels: bool = False
    study: str | None = None
    reader: str | None = None
    minutes: float = 60
    way: str = "gradio"
    server: str = ""
    address: str = ""
    consent: bool = False


def run_choices(session: AppSession) -> list[tuple[str, str]]:
    """Return (words, run id) of every run that has cases."""
    return [
        (
            f"{in_a_field(run.dataset_name)} · "
            f"{named_in_a_field(session.workspace.runs / run.run_id, run.recipe_name)} · "
            f"{moment(run.created, '%d %b %Y')} · {counted(run.cases, 'case')}",
            run.run_id,
        )
        for run in session.store.runs()
        if run.cases and offered(session.workspace.runs / run.run_id)
    ]


def study_choices(session: AppSession) -> list[tuple[str, str]]:
    """Return (words, study id) of every study that is not closed, the newest first."""
    studies = [study for study in reversed(session.store.studies.all()) if study.state != "closed"]
    return [
        (
            f"{name} · {_design(study.protocol.design)} · {counted(study.protocol.drawn.n, 'case')}",
            study.study_id,
        )
        for (name, _whole), study in zip(told_apart([study.name for study in studies]), studies, strict=True)
    ]


def _design(name: str) -> str:
    return {
        "blind": _("blind"),
        "blind then assisted": _("blind then assisted"),
        "wash-out": _("wash-out"),
        "assisted": _("assisted"),
        "concurrent against second reader": _("concurrent against second reader"),
        "annotation": _("annotation"),
    }[name]


def reader_choices(session: AppSession, study_id: str | None) -> list[str]:
    """Return the names of a study's readers, and of its adjudicator."""
    if not study_id:
        return []
    protocol = session.store.studies.get(study_id).protocol
    people = {one.reader_id: one.name for one in session.store.people()}
    return [people[one] for one in (*protocol.readers, protocol.adjudicator) if one in people]


def opened_for(session: AppSession, wish: Wish, access: Access) -> Share:
    """Open the link that is wished for.

    Raises:
        ShareError: It is not said of what, or none can be had.
    """
    return (_invitation if wish.kind == "read" else _look)(session, wish, access)


def _look(session: AppSession, wish: Wish, access: Access) -> Share:
    if not wish.run_id:
        raise ShareError(_("There is no run to share"), _("Train a model, then open this page again"))
    if wish.choosing == "named" and not wish.named.strip():
        raise ShareError(_("No case is written down"), _("Write file names or ids, each on a line"))
    chosen = chosen_cases(
        session.store,
        wish.run_id,
        queue=wish.queue if wish.choosing == "queue" else "",
        reader=session.signed_in() or session.reader,
        named=wish.named if wish.choosing == "named" else "",
        cases=int(wish.cases),
    )
    return share(
        session.workspace,
        session.store,
        wish.run_id,
        chosen,
        cases=int(wish.cases),
        seed=int(wish.seed or 0),
        labels=wish.labels,
        access=access,
    )


def _invitation(session: AppSession, wish: Wish, access: Access) -> Share:
    if not wish.study or not wish.reader:
        raise ShareError(
            _("It is not said who is invited to which study"),
            _("Choose both; studies are made on the Studies page"),
        )
    return invite(session.workspace, session.store, wish.study, wish.reader, access=access)
