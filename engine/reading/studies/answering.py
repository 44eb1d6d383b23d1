"""Answers of a study: how one is added or taken back, and how they are read back with what was seen before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from engine.errors import AnsweredElsewhere, ReviewError
from engine.language import _, isolated, listed, moment
from engine.reading import row_mapping as rows
from engine.reading.answers import NOT_SAID, regions_of
from engine.reading.beside.seen import first_seen
from engine.reading.ledger.chain import append
from engine.reading.migrations.schema import ANSWERS, REGIONS, TASKS
from engine.reading.people import People
from engine.reading.row_mapping import TAKEN_BACK
from engine.reading.sittings import Sitting, of_case
from engine.reading.studies.certificates import answered_images, certificate
from engine.reading.studies.planning.designs import Arm
from engine.reading.studies.planning.protocol import CERTAINTY, Protocol
from engine.reading.studies.planning.records import (
    AGREE,
    NOT_DIAGNOSTIC,
    OVERRULE,
    READ,
    UNSURE,
    Certificate,
    Study,
    StudyAnswer,
)
from engine.reading.studies.planning.registry import may_settle, person_of, refuse_closed
from engine.reading.studies.reading_order import advice, require_blind_first, task_row, waits_until
from engine.reading.validation import checked
from engine.records import Review, Verdict

EVER = 2**62  # after everything that was ever shown


def add(
    connection: Connection,
    people: People,
    study: Study,
    answer: StudyAnswer,
    sitting: Sitting,
    *,
    name: str | None,
    last: int | None,
    now: datetime,
) -> int:
    """Add an answer inside a write transaction, and return its number: see `Studies.answer`."""
    if name is not None and (known := _number_of(connection, name)) is not None:
        return known
    person = _who(people, study, answer.reader, sitting)
    ids = people.ids(person)
    standing = _stack(connection, study, ids, answer.image_id, answer.arm)
    before = standing[-1].seq if standing else None
    shown = None
    if answer.arm == "adjudication":
        _require_reason(study, people, person, answer)
    else:
        row = task_row(connection, study, ids, answer.image_id, answer.arm)
        if answer.arm == "assisted":
            require_blind_first(connection, study, ids, answer.image_id)
            _require_open(connection, study, ids, now)
            shown = advice(study, row)
    if last != NOT_SAID and before != last:
        raise AnsweredElsewhere(
            f"{people.name(person)} has answered this case in another window since it was shown here, "
            "so this answer was not stored",
            "The answer given there stands; go back to the case if it is to be another one",
        )
    told = _checked(study.protocol, answer, shown.predicted if shown else None, people.name(person))
    confidence = None
    if shown:
        confidence = shown.probabilities[study.protocol.classes.index(shown.predicted)]
    stored = _row(told, sitting, person) | {"confidence": confidence, "supersedes": before}
    (number,) = append(
        connection, ANSWERS, [stored], author=person, at=rows.iso(now), ids=None if name is None else [name]
    )
    drawn = [rows.region_row(region, number) for region in told.regions]
    if drawn:
        append(connection, REGIONS, drawn, author=person, at=rows.iso(now))
    _now_stands(connection, study, ids, answer.image_id, answer.arm, number)
    return number


def take_back(
    connection: Connection,
    people: People,
    study: Study,
    sitting: Sitting,
    image_id: str,
    arm: Arm,
    *,
    name: str | None,
    now: datetime,
) -> int:
    """Take a reader's last answer back by a new row, so that the one before it stands: see `Studies.undo`."""
    if name is not None and (known := _number_of(connection, name)) is not None:
        return known
    person = _who(people, study, "", sitting)
    ids = people.ids(person)
    standing = _stack(connection, study, ids, image_id, arm)
    if not standing:
        raise ReviewError(_("There is no answer to take back"), _("Answer the case"))
    last = standing[-1]
    seen = first_seen(connection, people, [image_id]).get((image_id, person))
    then, now_seen = (certificate(seen, seq, study.protocol, arm) for seq in (last.seq, EVER))
    if now_seen.contaminated and not then.contaminated:
        raise ReviewError(
            _(
                "More than the {arm} arm shows has been on your screen since this answer, so that it stands"
            ).format(arm=arm),
            _("Say what you would change in the next arm, or in a comment"),
        )
    back = StudyAnswer(study_id=study.study_id, image_id=image_id, arm=arm, verdict=TAKEN_BACK)
    told = _row(back, sitting, person) | {"confidence": None, "supersedes": last.seq}
    ids_of_rows = None if name is None else [name]
    (number,) = append(connection, ANSWERS, [told], author=person, at=rows.iso(now), ids=ids_of_rows)
    stands = standing[-2].seq if len(standing) > 1 else None
    _now_stands(connection, study, ids, image_id, arm, stands)
    return number


def _number_of(connection: Connection, name: str) -> int | None:
    found = connection.scalar(select(ANSWERS.c.seq).where(ANSWERS.c.id == name))
    return None if found is None else int(found)


def _who(people: People, study: Study, reader: str, sitting: Sitting) -> str:
    """Return whose answer it is: of the sitting, in this study, which goes on."""
    refuse_closed(study)
    person = people.same[sitting.reader_id]
    if sitting.study_id != study.study_id or (reader and person_of(people, reader) != person):
        raise ReviewError(
            _("The answer belongs to another reading session, so that it was not stored"),
            _("Reload the page, and answer again"),
        )
    return person


def _require_reason(study: Study, people: People, person: str, answer: StudyAnswer) -> None:
    if not may_settle(study, people, person):
        raise ReviewError(
            _("{person} is not the adjudicator of “{study}”").format(
                person=isolated(people.name(person)), study=isolated(study.name)
            ),
            _("Leave what the readers disagree on to the adjudicator"),
        )
    if not answer.comment.strip():
        raise ReviewError(_("An adjudication needs a reason"), _("Say in the comment why it is so"))


def _require_open(connection: Connection, study: Study, ids: Sequence[str], now: datetime) -> None:
    opens = waits_until(connection, study, ids, now)
    if opens is not None:
        raise ReviewError(
            _("The wash-out lasts until {opens} UTC").format(opens=moment(opens, "%d %B %Y, %H:%M")),
            _("Come back then; nothing is lost until then"),
        )


def _checked(protocol: Protocol, answer: StudyAnswer, predicted: str | None, name: str) -> StudyAnswer:
    """Return an answer as it may be stored.

    Raises:
        ReviewError: It contradicts itself or the protocol, or something is out of bounds.
    """
    verdicts = (
        (READ, UNSURE, NOT_DIAGNOSTIC)
        if predicted is None
        else (READ, AGREE, OVERRULE, UNSURE, NOT_DIAGNOSTIC)
    )
    if answer.verdict not in verdicts:
        raise ReviewError(
            _("“{verdict}” is no answer in the {arm} arm").format(
                verdict=isolated(answer.verdict), arm=answer.arm
            ),
            _("Answer one of: {verdicts}").format(verdicts=listed(verdicts)),
        )
    named = answer.verdict not in (UNSURE, NOT_DIAGNOSTIC)
    if named and answer.label not in protocol.classes:
        raise ReviewError(
            _("“{label}” is not a class of this study").format(label=isolated(answer.label))
            if answer.label
            else _("The answer names no class"),
            _("Choose one of: {names}").format(names=listed(protocol.classes)),
        )
    if not named and answer.label is not None:
        raise ReviewError(
            _("The answer is “{verdict}” but names the class “{label}”").format(
                verdict=isolated(answer.verdict), label=isolated(answer.label)
            ),
            _("Leave the class out, or answer with it alone"),
        )
    if predicted is not None and named:
        says = AGREE if answer.label == predicted else OVERRULE
        if answer.verdict not in (READ, says):
            raise ReviewError(
                _(
                    "The answer is “{verdict}”, but the screen showed “{predicted}” and it names “{label}”"
                ).format(
                    verdict=isolated(answer.verdict),
                    predicted=isolated(predicted),
                    label=isolated(answer.label or ""),
                ),
                _("Reload the case, and answer again"),
            )
        answer = replace(answer, verdict=says)
    _check_certainty(protocol, answer, named)
    # Bounds, characters and regions are those of every answer.
    plain = Review(
        run_id="",
        image_id=answer.image_id,
        reader=name,
        verdict=Verdict.UNSURE,
        label=None,
        comment=answer.comment,
        regions=answer.regions,
        seconds=answer.seconds,
    )
    within = checked(plain, predicted="", classes=())
    return replace(answer, regions=within.regions, predicted=predicted)


def _check_certainty(protocol: Protocol, answer: StudyAnswer, named: bool) -> None:
    if protocol.certainty is None or not named:
        if answer.certainty is not None:
            raise ReviewError(
                _("How sure the reader is was not asked here, but is answered"), _("Leave the certainty out")
            )
        return
    least, most = CERTAINTY[protocol.certainty]
    if answer.certainty is None or not least <= answer.certainty <= most or answer.certainty % 1:
        raise ReviewError(
            _("The answer does not say how sure the reader is"),
            _("Give a whole number from {least} to {most}").format(least=least, most=most),
        )


def _row(answer: StudyAnswer, sitting: Sitting, person: str) -> dict[str, Any]:
    return {
        "study_id": answer.study_id,
        "session_id": sitting.session_id,
        "reader_id": person,
        "image_id": answer.image_id,
        "arm": answer.arm,
        "finding": answer.finding,
        "verdict": answer.verdict,
        "label": answer.label,
        "comment": answer.comment,
        "seconds": answer.seconds,
        "queue": "",
        "drawn": "in order",
        "predicted": answer.predicted,
        "certainty": answer.certainty,
    }


def _now_stands(
    connection: Connection, study: Study, ids: Sequence[str], image_id: str, arm: str, number: int | None
) -> None:
    own = (of_case(study.study_id, image_id), TASKS.c.arm == arm, TASKS.c.reader_id.in_(ids))
    connection.execute(update(TASKS).where(*own).values(answer=number))


def _stack(
    connection: Connection, study: Study, ids: Sequence[str], image_id: str, arm: str
) -> list[Row[Any]]:
    found = select(ANSWERS).where(
        ANSWERS.c.study_id == study.study_id,
        ANSWERS.c.image_id == image_id,
        ANSWERS.c.reader_id.in_(ids),
        ANSWERS.c.arm == arm,
    )
    return stacked(connection.execute(found.order_by(ANSWERS.c.seq)))


def stacked(answers: Iterable[Row[Any]]) -> list[Row[Any]]:
    """Return the answers of one reader, case and arm that were not taken back, in their order; the last one stands."""
    given = list(answers)
    gone = {row.supersedes for row in given if row.verdict == TAKEN_BACK}
    return [row for row in given if row.verdict != TAKEN_BACK and row.seq not in gone]


# ------------------------------------------------------------------------------------------- read again


def answers_of(
    connection: Connection, people: People, study: Study, *, arm: str | None = None, latest: bool = True
) -> list[StudyAnswer]:
    """Return answers with what the store knows of them: see `Studies.answers`."""
    found = select(ANSWERS).where(ANSWERS.c.study_id == study.study_id)
    if arm is not None:
        found = found.where(ANSWERS.c.arm == arm)
    answers = connection.execute(found.order_by(ANSWERS.c.seq)).all()
    certified = certificates(connection, people, study, answers)
    standing = _standing(people, answers, certified)
    chosen = [row for row in answers if not latest or row.seq in standing]
    drawn = regions_of(connection, chosen)
    return [
        replace(
            answer_from(row),
            reader=people.same[row.reader_id],
            regions=tuple(drawn.get(row.seq, ())),
            contaminated=certified[row.seq].contaminated,
            stands=row.seq in standing,
        )
        for row in chosen
    ]


def answer_from(row: Row[Any]) -> StudyAnswer:
    """Return an answer as its row alone tells it."""
    return StudyAnswer(
        study_id=row.study_id,
        image_id=row.image_id,
        reader=row.reader_id,
        arm=row.arm,
        verdict=row.verdict,
        label=row.label,
        finding=row.finding,
        certainty=row.certainty,
        seconds=row.seconds,
        comment=row.comment,
        at=datetime.fromisoformat(row.at).astimezone(UTC),
        seq=row.seq,
        supersedes=row.supersedes,
        predicted=row.predicted,
    )


def certificates(
    connection: Connection, people: People, study: Study, answers: Sequence[Row[Any]]
) -> dict[int, Certificate]:
    """Return what had been on the screen before each answer, by its number."""
    seen = first_seen(connection, people, answered_images(study.study_id))
    return {
        row.seq: certificate(
            seen.get((row.image_id, people.same[row.reader_id])), row.seq, study.protocol, row.arm
        )
        for row in answers
    }


def _standing(people: People, answers: Sequence[Row[Any]], certified: dict[int, Certificate]) -> set[int]:
    """Return the numbers of the answers that count: each reader's last on a case and arm that was not taken back.

    One that was given after more had been seen than its arm shows does not take the place of one that was given before.
    """
    stacks: dict[tuple[str, str, str], list[Row[Any]]] = {}
    for row in answers:
        stacks.setdefault((row.image_id, people.same[row.reader_id], row.arm), []).append(row)
    standing: set[int] = set()
    for given in map(stacked, stacks.values()):
        clean = [row.seq for row in given if not certified[row.seq].contaminated]
        standing.update((clean or [row.seq for row in given])[-1:])
    return standing
