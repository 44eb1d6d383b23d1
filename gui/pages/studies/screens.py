"""What the reading screen of a study is told: the case to draw and what may be on it, or why there is none.

A blind case is the address of its image and the classes, and nothing else: no prediction, no map, no label, no file
name (which may be a label) and nothing of others. What is sent is written down before it is.
"""

from __future__ import annotations

import base64
import statistics
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from engine.language import _, isolated, moment, ngettext, number, short_number
from engine.reading import CERTAINTY, Arm, Protocol, Shown, Study, StudyAnswer, Task
from engine.records import Explanation, class_argued_for, edge_of
from engine.report import probability
from engine.saliency import levels_png
from gui.pages.review import MOST_OTHERS, StaleCaseError, heatmap_of, legend_of, said_of, text, title_of
from gui.pages.studies.files import depth_address, image_address, name_outside
from gui.pages.studies.rounds import SETTLING, Case, Round, Rounds
from gui.web import AppSession

Answer = dict[str, Any]
FAST = 2.0
"""Seconds: faster readings are counted in a session's summary."""


def _titles() -> Mapping[str, str]:
    return {
        "blind": _("Blind: image only"),
        "assisted": _("With the prediction"),
        "annotation": _("Labelling"),
        SETTLING: _("Adjudication"),
    }


def _questions() -> Mapping[str, str]:
    return {
        "blind": _("Your answer"),
        "assisted": _("Your answer with the prediction"),
        "annotation": _("Label"),
        SETTLING: _("Your decision"),
    }


def _scale(name: str) -> Answer | None:
    """Return the least and the most certainty that a reader can be asked for, and what they mean."""
    words = {
        "1-5": _("How certain are you of {answer}? 1 is a guess, 5 is certain."),
        "0-100": _("How certain are you of {answer}? 0 is a guess, 100 is certain."),
    }
    if name not in words:
        return None
    least, most = CERTAINTY[name]
    return {"least": least, "most": most, "words": words[name]}


def now() -> datetime:
    """Return this moment."""
    return datetime.now(UTC)


def next_case(rounds: Rounds, one: Round) -> Answer:
    """Hand out the first case that is not yet read."""
    store = rounds.session.store
    with store.one_state():
        task = store.studies.next(one.study.study_id, one.reader.reader_id, now=now())
        if task is None:
            return _end(rounds, one)
        return _settling(rounds, one, task.image_id) if one.settles else screen(rounds, one, task)


def case_again(rounds: Rounds, one: Round, image_id: str, arm: Arm) -> Answer:
    """Hand out a case that was on the screen before."""
    studies = rounds.session.store.studies
    if arm == SETTLING:
        return _settling(rounds, one, image_id)
    task = studies.task(one.study.study_id, one.reader.reader_id, image_id, arm, now=now())
    return screen(rounds, one, task)


def screen(rounds: Rounds, one: Round, task: Task) -> Answer:
    """Hand out a case, after what will be on the screen was written down."""
    session, advice = rounds.session, task.advice
    heat = _map(session, one.study, task)
    shown = Shown(
        image_id=task.image_id,
        prediction=advice is not None and "prediction" in one.study.protocol.shown,
        map=heat.method if heat else None,
    )
    rounds.sittings.expose(one.sitting, shown)
    one.held = Case(image_id=task.image_id, arm=task.arm, last=task.last)
    described = _case(session, one, task.image_id, task.arm) | _said_before(rounds, one, task)
    if advice is not None:
        described |= _assisted(session, one, task, heat)
    return _place(one, task.number, task.of) | {"case": described, "ahead": _ahead(rounds, one, task)}


def _ahead(rounds: Rounds, one: Round, task: Task) -> list[dict[str, str]]:
    """Return where the images of the next cases are, to be fetched while this one is read: images, and nothing else."""
    coming = rounds.session.store.studies.upcoming(one.study.study_id, one.reader.reader_id, k=3, now=now())
    images = dict.fromkeys(each.image_id for each in coming if each.image_id != task.image_id)
    return [_film(rounds.session, one, each) for each in images]


def _film(session: AppSession, one: Round, image_id: str) -> dict[str, str]:
    """Return where an image is, as a picture and in the depth of its file."""
    place = session, one.study.study_id, image_id
    return {"image": image_address(*place), "depth": depth_address(*place)}


def beside(rounds: Rounds, asked: Mapping[str, Any]) -> Answer:
    """Return the other images of the patient, where the protocol shows them; images, and nothing else of them.

    Raises:
        StaleCaseError: Another case was handed out since.
        ReviewError: The protocol does not show them.
    """
    one, session = rounds.of(asked), rounds.session
    with one.turn:
        held, asked_for = one.held, (text(asked, "shown"), text(asked, "arm"))
        if held is None or (name_outside(session, held.image_id), held.arm) != asked_for:
            raise StaleCaseError(_("The screen shows a different case by now"), _("Ask again"))
        found = session.store.studies.of_patient(one.study.study_id, held.image_id)
        others = found.others[:MOST_OTHERS]
        for other in others:  # written down before it is sent
            rounds.sittings.expose(one.sitting, Shown(image_id=other.image_id, prediction=False))
        titles = (title_of(other, number) for number, other in enumerate(others, start=1))
        films = [_film(session, one, other.image_id) for other in others]
        listed = [film | {"title": title} for film, title in zip(films, titles, strict=True)]
        return {"all": listed, "said": said_of(found, len(others))}


def _case(session: AppSession, one: Round, image_id: str, arm: Arm) -> Answer:
    protocol = one.study.protocol
    return {
        "id": name_outside(session, image_id),
        "arm": arm,
        **_film(session, one, image_id),
        "classes": list(protocol.classes),
        "certainty": _scale(protocol.certainty or ""),
        "question": _questions()[arm],
    } | ({"beside": ["patient"]} if protocol.same_patient else {})


def _said_before(rounds: Rounds, one: Round, task: Task) -> Answer:
    """Return what the reader said of this case: in this arm, and blind where it is read again with the prediction."""
    mine = rounds.session.store.studies.own(one.study.study_id, one.reader.reader_id, task.image_id)
    remarks, told = [], {}
    blind = next((each for each in mine if each.arm == "blind"), None)
    if task.arm == "assisted" and blind is not None:
        remarks.append(_("Your blind answer: {answer}").format(answer=words_of(blind)))
    here = next((each for each in mine if each.arm == task.arm), None)
    if here is not None:
        told_here = _("You have answered this case: {answer}. Another answer is added to it.")
        remarks.append(told_here.format(answer=words_of(here)))
        told = {"before": {"comment": here.comment, "regions": [asdict(each) for each in here.regions]}}
    return told | {"remark": " ".join(remarks), "read": here is not None, "name": ""}


def _assisted(session: AppSession, one: Round, task: Task, heat: Explanation | None) -> Answer:
    protocol, advice = one.study.protocol, task.advice
    assert advice is not None
    told: Answer = {"advice": None, "heat": None, "legend": None, "passport": "", "map_off": ""}
    if "prediction" in protocol.shown:
        told["advice"] = {
            "predicted": advice.predicted,
            "probabilities": list(advice.probabilities),
            "operating": _operating(session, protocol, task.image_id),
        }
    if heat is not None:
        levels = base64.b64encode(levels_png(heat.heatmap, scale=heat.scale)).decode()
        told["heat"] = f"data:image/png;base64,{levels}"
        told["legend"] = legend_of(heat)
        if told["advice"]:
            told["advice"]["method"] = _("Heatmap: {method}, for {target}").format(
                method=isolated(heat.method), target=isolated(heat.target)
            )
    return told


def _operating(session: AppSession, protocol: Protocol, image_id: str) -> str:
    """Return from which probability the finding is predicted; it is the same whether the advice is wrong or not."""
    if protocol.run_id is None:
        return ""
    run = session.store.run(protocol.run_id)
    edge = edge_of(session.store.case(run.run_id, image_id), run.classes, run.positive)
    if edge is None:
        return ""
    told = _("{finding} is predicted at a probability of {edge} or above")
    return told.format(finding=isolated(run.positive or ""), edge=probability(edge))


def _map(session: AppSession, study: Study, task: Task) -> Explanation | None:
    """Return the run's heatmap of a case, if it argues for what the screen says: another would tell wrong advice."""
    protocol, advice = study.protocol, task.advice
    if protocol.run_id is None or advice is None or not advice.map:
        return None
    found = heatmap_of(session, protocol.run_id, task.image_id)[0]
    argued = class_argued_for(protocol.classes, protocol.positive, advice.predicted)
    return found if found is not None and found.target == argued else None


def _settling(rounds: Rounds, one: Round, image_id: str) -> Answer:
    """Hand out a case to the adjudicator; that the readings were shown is written down before they are sent."""
    found = rounds.session.store.studies.dispute(one.sitting, image_id)
    last = found.settled.seq if found.settled else None
    one.held = Case(image_id=found.image_id, arm=SETTLING, last=last)
    readings = [
        {
            "who": who,
            "said": words_of(said),
            "comment": said.comment,
            "regions": [asdict(region) for region in said.regions],
        }
        for who, said in found.readings.items()
    ]
    settled = found.settled
    before = (
        {"comment": settled.comment, "regions": [asdict(each) for each in settled.regions]}
        if settled
        else None
    )
    described = _case(rounds.session, one, found.image_id, SETTLING) | {
        "readings": readings,
        "before": before,
        "remark": _("You have settled this case: {answer}.").format(answer=words_of(settled))
        if settled
        else "",
        "read": settled is not None,
        "name": "",
    }
    every = [each.image_id for each in rounds.session.store.studies.disagreements(one.study.study_id)]
    return _place(one, every.index(found.image_id) + 1, len(every)) | {"case": described}


def words_of(said: StudyAnswer) -> str:
    """Return what was answered to a case."""
    verdicts = {"unsure": _("unsure"), "not diagnostic": _("not diagnostic")}
    answer = isolated(said.label) if said.label else verdicts.get(said.verdict, said.verdict)
    if said.certainty is None:
        return answer
    told = _("{answer}, certainty {certainty}")
    return told.format(answer=answer, certainty=short_number(said.certainty))


def _place(one: Round, place: int, of: int) -> Answer:
    arm = _titles()[one.held.arm] if one.held else ""
    told = _("{number} of {total}").format(number=short_number(place), total=short_number(of))
    return {"arm": arm, "place": told, "read": one.read, "of": one.of}


def _end(rounds: Rounds, one: Round) -> Answer:
    """Say why there is no further case, and what this session was."""
    one.held = None
    count_again(rounds, one)
    lines = [_why_none(rounds, one), *_session(one)]
    return {"case": None, "message": lines, "arm": "", "read": one.read, "of": one.of} | {
        "place": _("{read} of {total} read").format(read=short_number(one.read), total=short_number(one.of))
    }


def _why_none(rounds: Rounds, one: Round) -> str:
    studies = rounds.session.store.studies
    study = studies.get(one.study.study_id)
    if study.state == "closed":
        return _("“{study}” is closed; nothing more is read in it.").format(study=isolated(study.name))
    if one.settles:
        waiting = any(each.read < each.of for each in studies.progress(study.study_id))
        return (
            _("There is nothing to settle at the moment. Cases come here once every reader has read them.")
            if waiting
            else _("Everything on which the readers did not agree is settled.")
        )
    opens = studies.waits_until(study.study_id, one.reader.reader_id, now=now())
    if opens is not None and one.read < one.of:
        told = _("You have read all cases blind. They open again, with the prediction, on {day} at {time}.")
        return told.format(
            day=moment(opens.astimezone(), "%d %B %Y"), time=moment(opens.astimezone(), "%H:%M")
        )
    return _("You have read all cases of “{study}”. Thank you.").format(study=isolated(study.name))


def _session(one: Round) -> list[str]:
    """Return the summary of what was read at this page."""
    seconds = [each[2] for each in one.trail]
    if not seconds:
        return []
    fast = sum(each < FAST for each in seconds)
    told = [
        ngettext(
            "This session: {count} answer, median {seconds} s.",
            "This session: {count} answers, median {seconds} s.",
            len(seconds),
        ).format(count=number(len(seconds)), seconds=number(statistics.median(seconds), 1))
    ]
    if fast:
        told.append(
            _(
                "{count} of them took less than {limit} s. If one was a slip of the hand, go to its case by number."
            ).format(count=number(fast), limit=short_number(FAST))
        )
    return told


def count_again(rounds: Rounds, one: Round) -> None:
    """Count in the database how far the reader is."""
    studies = rounds.session.store.studies
    if one.settles:
        found = studies.disagreements(one.study.study_id)
        one.read, one.of = sum(each.settled is not None for each in found), len(found)
        return
    own = [each for each in studies.progress(one.study.study_id) if each.reader == one.reader.reader_id]
    one.read, one.of = sum(each.read for each in own), sum(each.of for each in own)
