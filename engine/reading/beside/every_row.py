"""Everything that was said of a run's cases, row by row: also what was superseded or taken back; what had been seen.

For analysis elsewhere, at any time: `READING_COLUMNS` says what each column holds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from engine.reading.beside.seen import FirstSeen, Seen, first_seen
from engine.reading.case_places import batches
from engine.reading.cases import find_run
from engine.reading.migrations.schema import ANSWERS, CASES, FLAGS, LAST_ANSWERS, REGIONS, STUDIES
from engine.reading.people import People
from engine.reading.row_mapping import TAKEN_BACK
from engine.spreadsheet import write_csv

READING_COLUMNS: Mapping[str, str] = {
    "row": "Number of the row in the chain of evidence; rows are in the order in which they were written",
    "time": "When it was written, ISO 8601 in UTC",
    "kind": "answer; taken back (this row undoes the answer that it names under supersedes); flagged; flag taken away",
    "stands": "yes: this answer is its reader's last word on the case; no: superseded or taken back; empty: no answer",
    "reader": "Name of the reader",
    "profession": "Of the reader, as they stated it; empty: not stated",
    "years": "Years of experience, as stated; empty: not stated",
    "run": "Id of the run whose prediction was on the screen",
    "study": 'Name of the study; "assisted, unregistered" is reading without a protocol, with the prediction in view',
    "session": "Id of the reading session; empty: what was on the screen beside the prediction is not known",
    "image": "Id of the case: sha256 of the file",
    "file": "Name of the image file",
    "patient": "Patient as the data name them; empty: the data name none",
    "part": "Part of the split: train, val or test; empty: none",
    "label_in_data": "The label that came with the data; empty: none",
    "predicted": "The class that was predicted on the screen",
    "probability": "Calibrated probability of the predicted class, 0 to 1",
    "verdict": "agree, overrule, unsure or not diagnostic; empty where the row is no answer",
    "label": "The reader's class; empty where none was named",
    "comment": "Free text",
    "regions": "What was drawn, as JSON: shape, finding, and place in fractions of the image: left, top, width and "
    "height of a box or of the one around an ellipse, or x and y of each corner of a polygon",
    "seconds": "From the case's appearing to the answer, while the page was in front",
    "queue": "The queue that handed the case out; empty: not known",
    "drawn": "in order: the queue handed it out; sought: the reader went to it, or searched; empty: not known",
    "supersedes": "Row of this reader's answer before it, or of the answer that is taken back; empty: none",
    "prediction_seen": "Whether the prediction had been on the reader's screen before; empty: not known",
    "map_seen": "Whether a heatmap had been; empty: not known",
    "label_seen": "Whether the label that came with the data had been; empty: not known",
    "others_seen": "Whether readings of others had been; empty: not known",
    "hash": "SHA-256 of the row and of the row before it (overread audit checks them)",
}
"""Column of an export of readings → what it holds."""


def every_row(
    connection: Connection, people: People, run_id: str, *, reader: str | None = None
) -> list[dict[str, Any]]:
    """Return what was said of a run's cases, one row for each row in the chain, by `READING_COLUMNS`.

    What was answered in a study with a protocol is exported with the study.

    Args:
        connection: Inside a transaction.
        people: The readers.
        run_id: Of the run.
        reader: Only this one's, by name.

    Raises:
        StoreError: There is no such run.
    """
    find_run(connection, run_id)
    of_run = select(STUDIES).where(STUDIES.c.run_id == run_id, STUDIES.c.event.is_(None))
    studies = {row.study_id: row.name for row in connection.execute(of_run)}
    answers = select(ANSWERS).where(ANSWERS.c.study_id.in_(list(studies)))
    flags = select(FLAGS).where(FLAGS.c.run_id == run_id)
    if reader is not None:
        ids = people.ids(people.find(reader))
        answers, flags = answers.where(ANSWERS.c.reader_id.in_(ids)), flags.where(FLAGS.c.reader_id.in_(ids))
    answered = connection.execute(answers).all()
    cases = {
        row.image_id: row for row in connection.execute(select(CASES).where(CASES.c.run_id == run_id)).all()
    }
    last = set(connection.scalars(select(LAST_ANSWERS.c.answer).where(LAST_ANSWERS.c.run_id == run_id)))
    of_cases = select(CASES.c.image_id).where(CASES.c.run_id == run_id)
    seen = first_seen(connection, people, of_cases)
    regions = _regions(connection, [row.seq for row in answered])
    told = []
    for row in sorted([*answered, *connection.execute(flags).all()], key=lambda each: each.seq):
        line = _common(row, people, run_id, cases.get(row.image_id), seen)
        if "flagged" in row._mapping:
            line |= {"kind": "flagged" if row.flagged else "flag taken away"}
        else:
            line |= _answer(row, studies, last, regions)
        told.append(line)
    return told


def reading_files(rows: Sequence[Mapping[str, Any]], name: str) -> dict[str, bytes]:
    """Return the table of readings and its data dictionary, by file name."""
    dictionary = [{"column": column, "holds": holds} for column, holds in READING_COLUMNS.items()]
    return {
        f"{name}.csv": write_csv(rows, tuple(READING_COLUMNS)),
        f"{name}-columns.csv": write_csv(dictionary),
    }


def _common(
    row: Row[Any], people: People, run_id: str, of_case: Row[Any] | None, seen: FirstSeen
) -> dict[str, Any]:
    person = people.same[row.reader_id]
    reader = people.readers[person]
    before = seen.get((row.image_id, person), Seen()).before(row.seq)
    unknown = None if row.session_id is None else "no"
    return {
        "row": row.seq,
        "time": row.at,
        "reader": reader.name,
        "profession": reader.profession,
        "years": reader.years,
        "run": run_id,
        "session": row.session_id,
        "image": row.image_id,
        "file": of_case and of_case.path.replace("\\", "/").rsplit("/", 1)[-1],
        "patient": None if of_case is None or of_case.patient_id == row.image_id else of_case.patient_id,
        "part": of_case and of_case.part,
        "label_in_data": of_case and of_case.label,
        "comment": row.comment,
        "hash": row.hash,
    } | {f"{kind}_seen": "yes" if was else unknown for kind, was in before.items() if kind != "similar"}


def _answer(
    row: Row[Any], studies: Mapping[str, str], last: set[int], regions: Mapping[int, list[Any]]
) -> dict[str, Any]:
    back = row.verdict == TAKEN_BACK
    return {
        "kind": TAKEN_BACK if back else "answer",
        "stands": None if back else "yes" if row.seq in last else "no",
        "study": studies[row.study_id],
        "predicted": row.predicted,
        "probability": row.confidence,
        "verdict": None if back else row.verdict,
        "label": row.label,
        "regions": json.dumps(regions[row.seq]) if row.seq in regions else None,
        "seconds": None if back else row.seconds,
        "queue": row.queue,
        "drawn": row.drawn,
        "supersedes": row.supersedes,
    }


def _regions(connection: Connection, numbers: list[int]) -> dict[int, list[Any]]:
    drawn: dict[int, list[Any]] = {}
    for batch in batches(numbers, 2000):
        for row in connection.execute(
            select(REGIONS).where(REGIONS.c.answer.in_(batch)).order_by(REGIONS.c.seq)
        ):
            told = {"shape": row.shape, "place": row.place, "finding": row.finding}
            drawn.setdefault(row.answer, []).append(told)
    return drawn
