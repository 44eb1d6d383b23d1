"""A study as files for others: each answer with its certificate, each case, the protocol, what each column means."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, select

from engine.reading.ledger.chain import head_of
from engine.reading.migrations.schema import ANSWERS, ASSIGNMENTS, IMAGE_PLACES, IMAGES
from engine.reading.people import People, Reader
from engine.reading.row_mapping import TAKEN_BACK
from engine.reading.studies.answering import answers_of, certificates
from engine.reading.studies.planning.adding import assignments_of
from engine.reading.studies.planning.designs import DESIGNS
from engine.reading.studies.planning.records import Certificate, Study, StudyAnswer
from engine.reading.studies.settling import consensus_of
from engine.spreadsheet import write_csv
from engine.storage import storage_error, write_atomic


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """All that is known of one answer.

    Attributes:
        answer: What was said.
        row: As it is stored.
        reader: Who.
        seen: What had been on the screen.
        image: What came with the case.
        path: Where its file lies.
        assigned: How it was assigned; None of an adjudication.
        taken_back: Whether the reader has taken it back.
    """

    answer: StudyAnswer
    row: Row[Any]
    reader: Reader
    seen: Certificate
    image: Row[Any]
    path: str
    assigned: Row[Any] | None
    taken_back: bool


def _advice(told: Told) -> str | None:
    if told.answer.predicted is None or told.assigned is None:
        return None
    return "wrong on purpose" if told.assigned.wrong else "as predicted"


COLUMNS: Mapping[str, tuple[str, Callable[[Told], Any]]] = {
    "answer": ("Its number in the workspace's chain of evidence", lambda told: told.answer.seq),
    "image_id": ("SHA-256 of the image file", lambda told: told.answer.image_id),
    "file": ("Name of the image file", lambda told: Path(told.path).name),
    "patient_id": (
        "Whose image it is; the image's id where it is not known",
        lambda told: told.image.patient_id,
    ),
    "label_in_data": ("The label that came with the data", lambda told: told.image.label),
    "reader_id": ("Id of the reader", lambda told: told.reader.reader_id),
    "reader": ("Name of the reader", lambda told: told.reader.name),
    "profession": ("Of the reader", lambda told: told.reader.profession),
    "years": ("Of experience of the reader", lambda told: told.reader.years),
    "arm": (
        "How the case was read: blind, assisted, annotation or adjudication",
        lambda told: told.answer.arm,
    ),
    "position": (
        "Place in this reader's own order, from 0; cases after a wash-out begin at 2 to the power of 40",
        lambda told: told.assigned.position if told.assigned else None,
    ),
    "finding": (
        "Which finding is spoken of; class where the label is one of the classes",
        lambda told: told.answer.finding,
    ),
    "verdict": (
        "read (blind), agree or overrule (assisted), unsure, not diagnostic, or taken back: the answer in supersedes "
        "is undone",
        lambda told: told.answer.verdict,
    ),
    "label": ("The class that the reader named; empty where none", lambda told: told.answer.label),
    "certainty": (
        "How sure of the label, on the protocol's scale; empty where it was not asked",
        lambda told: told.answer.certainty,
    ),
    "seconds": ("From the case's appearing to the answer", lambda told: told.answer.seconds),
    "comment": ("What the reader wrote; an adjudicator's reason", lambda told: told.answer.comment),
    "regions": (
        "What was drawn, as JSON: left, top, width and height as fractions of the image, the finding, the shape (box, "
        "the ellipse in it, or a polygon) and the corners of a polygon",
        lambda told: json.dumps([asdict(one) for one in told.answer.regions], ensure_ascii=False),
    ),
    "at": ("When it was stored, UTC", lambda told: told.answer.at and told.answer.at.isoformat()),
    "session_id": ("In which reading session", lambda told: told.row.session_id),
    "supersedes": ("The number of this reader's answer before it", lambda told: told.answer.supersedes),
    "taken_back": ("1 where the reader has taken it back", lambda told: int(told.taken_back)),
    "stands": (
        "1 where it is the reader's answer that counts: the last that was not taken back and, if there is one, "
        "that was given before more had been seen than the arm shows",
        lambda told: int(told.answer.stands),
    ),
    "advice": ("as predicted, or wrong on purpose by the protocol; empty where none was shown", _advice),
    "predicted": ("The class that was on the screen as predicted", lambda told: told.answer.predicted),
    "predicted_probability": (
        "The probability of that class on the screen",
        lambda told: told.row.confidence,
    ),
    "seen_prediction": (
        "1 where a prediction had been on this reader's screen of this case before, in whatever reading session",
        lambda told: int(told.seen.prediction),
    ),
    "seen_heatmap": ("The same of a heatmap", lambda told: int(told.seen.map)),
    "seen_label": ("The same of the label in the data", lambda told: int(told.seen.label)),
    "seen_others": ("The same of readings of others", lambda told: int(told.seen.others)),
    "seen_similar": ("The same of similar cases", lambda told: int(told.seen.similar)),
    "contaminated": ("1 where that is more than the arm shows", lambda told: int(told.seen.contaminated)),
    "row_hash": ("SHA-256 of the answer's row in the chain", lambda told: told.row.hash),
}
"""Every column of answers.csv: what it means, and what it is."""
CASE_COLUMNS: Mapping[str, str] = {
    "image_id": "SHA-256 of the image file",
    "file": "Name of the image file",
    "patient_id": "Whose image it is; the image's id where it is not known",
    "part": "Of the split: training, validation or test; empty where there was none",
    "label_in_data": "The label that came with the data",
    "readings": "How many readers have an answer that counts in the arm of the consensus",
    "consensus": "The class that the readers agree on by the protocol's rule, or that was settled; empty without one",
    "adjudication": "The adjudicator's reason, where the case was settled",
}
"""Every column of cases.csv, and what it means."""


def export(connection: Connection, people: People, study: Study, folder: Path) -> list[Path]:
    """Write answers.csv, cases.csv, protocol.json and data-dictionary.csv: see `Studies.export`."""
    answers = answers_of(connection, people, study, latest=False)
    images = _newest(connection, study)
    paths = _paths(connection, study)
    told = _told(connection, people, study, answers, images, paths)
    rows = [{name: value(one) for name, (_, value) in COLUMNS.items()} for one in told]
    meaning = [
        *({"file": "answers.csv", "column": name, "meaning": what} for name, (what, _) in COLUMNS.items()),
        *({"file": "cases.csv", "column": name, "meaning": what} for name, what in CASE_COLUMNS.items()),
    ]
    cases = _cases(study, answers, images, paths, consensus_of(connection, people, study))
    files = {
        "answers.csv": write_csv(rows, list(COLUMNS)),
        "cases.csv": write_csv(cases, list(CASE_COLUMNS)),
        "protocol.json": _protocol(connection, people, study),
        "data-dictionary.csv": write_csv(meaning, ["file", "column", "meaning"]),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, folder) from error
    for name, content in files.items():
        write_atomic(folder / name, content)
    return [folder / name for name in files]


def _told(
    connection: Connection,
    people: People,
    study: Study,
    answers: Sequence[StudyAnswer],
    images: Mapping[str, Row[Any]],
    paths: Mapping[str, str],
) -> list[Told]:
    stored = select(ANSWERS).where(ANSWERS.c.study_id == study.study_id).order_by(ANSWERS.c.seq)
    rows = {row.seq: row for row in connection.execute(stored)}
    seen = certificates(connection, people, study, list(rows.values()))
    found = select(ASSIGNMENTS).where(assignments_of(study))
    assigned = {(row.image_id, people.same[row.reader_id], row.arm): row for row in connection.execute(found)}
    gone = {answer.supersedes for answer in answers if answer.verdict == TAKEN_BACK}
    return [
        Told(
            answer=answer,
            row=rows[answer.seq or 0],
            reader=people.readers[answer.reader],
            seen=seen[answer.seq or 0],
            image=images[answer.image_id],
            path=paths[answer.image_id],
            assigned=assigned.get((answer.image_id, answer.reader, answer.arm)),
            taken_back=answer.seq in gone,
        )
        for answer in answers
    ]


def _cases(
    study: Study,
    answers: Sequence[StudyAnswer],
    images: Mapping[str, Row[Any]],
    paths: Mapping[str, str],
    consensus: Mapping[str, str | None],
) -> list[dict[str, Any]]:
    arm = DESIGNS[study.protocol.design].consensus
    readings: dict[str, int] = {}
    reasons: dict[str, str] = {}
    for answer in answers:
        if answer.stands and answer.arm == arm:
            readings[answer.image_id] = readings.get(answer.image_id, 0) + 1
        if answer.stands and answer.arm == "adjudication":
            reasons[answer.image_id] = answer.comment
    return [
        {
            "image_id": image_id,
            "file": Path(paths[image_id]).name,
            "patient_id": row.patient_id,
            "part": row.part,
            "label_in_data": row.label,
            "readings": readings.get(image_id, 0),
            "consensus": consensus.get(image_id),
            "adjudication": reasons.get(image_id),
        }
        for image_id, row in images.items()
    ]


def _protocol(connection: Connection, people: People, study: Study) -> bytes:
    """Return the protocol with all that fixes it: its hash, the deviations, and the chain's newest row as an anchor."""
    head = head_of(connection)
    everybody = (*study.protocol.readers, *filter(None, [study.protocol.adjudicator]))
    document = {
        "schema_version": 1,
        **{name: told for name, told in asdict(study).items() if name != "unfinished"},
        "cases_drawn": study.protocol.drawn.words,
        "people": {one: asdict(people.readers[people.same[one]]) for one in everybody},
        "exported": datetime.now(UTC),
        "anchor": f"{head.seq}:{head.hash}",
    }
    return json.dumps(document, indent=1, ensure_ascii=False, default=_plain).encode()


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _newest(connection: Connection, study: Study) -> dict[str, Row[Any]]:
    """Return what came with each case of a study, in the order of their ids."""
    of_study = select(ASSIGNMENTS.c.image_id).where(assignments_of(study))
    found = select(IMAGES).where(IMAGES.c.image_id.in_(of_study)).order_by(IMAGES.c.image_id, IMAGES.c.seq)
    return {row.image_id: row for row in connection.execute(found)}


def _paths(connection: Connection, study: Study) -> dict[str, str]:
    of_study = select(ASSIGNMENTS.c.image_id).where(assignments_of(study))
    found = select(IMAGE_PLACES).where(IMAGE_PLACES.c.image_id.in_(of_study))
    return dict(connection.execute(found).tuples().all())
