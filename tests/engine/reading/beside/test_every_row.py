"""Promises of an export of readings: every cell says what its column holds, and what is not known is empty."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import StoreError
from engine.reading.answers import Given
from engine.reading.beside.every_row import READING_COLUMNS, reading_files
from engine.reading.people import Reader
from engine.reading.sittings import Shown
from engine.reading.store import Store, open_store
from engine.reading.studies.planning.protocol import Protocol
from engine.records import Region
from tests.engine.reading.studies.test_studies import read
from tests.engine.reading.test_store import POLYGON, RUN, agree, prediction


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = open_store(tmp_path / "overread.db")
    opened.add_run(RUN)
    alone = replace(
        prediction(2, part=None), patient_id=prediction(2).image_id, path=Path("C:\\films\\two.png")
    )
    opened.add_cases(RUN.run_id, [prediction(1, p=0.8), alone])
    opened.add_reader(Reader(reader_id="", name="Ada", profession="radiologist", years=4.5))
    opened.add_reader(Reader(reader_id="", name="Ben"))
    return opened


def test_every_cell_of_a_reading_says_what_its_column_holds(store: Store) -> None:
    sitting = store.begin_sitting(RUN.run_id, "Ada")
    box = Region(x=0.1, y=0.2, width=0.3, height=0.4, label="opacity")
    said = agree(
        1, seconds=4.5, comment="by the apex", regions=(box, POLYGON), queue="errors", drawn="in order"
    )
    store.expose(sitting, Shown(image_id=said.image_id, map="layercam"))
    first = store.add_review(said, Given(sitting=sitting))
    store.expose(sitting, Shown(image_id=said.image_id, prediction=False, label=True, others=True))
    second = store.add_review(replace(said, regions=(), comment="", queue=""), Given(sitting=sitting))
    (row, other) = store.readings(RUN.run_id)
    (kept, _) = store.reviews(RUN.run_id)
    assert len(row.pop("hash")) == 64 and row.pop("time") == kept.created.isoformat()
    drawn = json.loads(row.pop("regions"))
    assert [(one["shape"], one["finding"]) for one in drawn] == [("box", "opacity"), ("polygon", "effusion")]
    assert drawn[0]["place"] == [0.1, 0.2, 0.3, 0.4]
    assert row == {
        "row": first, "kind": "answer", "stands": "no", "reader": "Ada", "profession": "radiologist", "years": 4.5,
        "run": RUN.run_id, "study": "assisted, unregistered", "session": sitting.session_id, "image": said.image_id,
        "file": "1.png", "patient": "patient 0", "part": "test", "label_in_data": "normal", "predicted": "pneumonia",
        "probability": 0.8, "verdict": "agree", "label": "pneumonia", "comment": "by the apex", "seconds": 4.5,
        "queue": "errors", "drawn": "in order", "supersedes": None, "prediction_seen": "yes", "map_seen": "yes",
        "label_seen": "no", "others_seen": "no",
    }  # fmt: skip
    assert (other["row"], other["stands"], other["supersedes"], other["regions"]) == (
        second,
        "yes",
        first,
        None,
    )
    assert (other["label_seen"], other["others_seen"], other["prediction_seen"]) == ("yes", "yes", "yes")
    assert {*row, "hash", "time", "regions"} == set(READING_COLUMNS)


def test_what_is_not_known_of_a_reading_is_empty(store: Store) -> None:
    store.add_review(agree(2, "Ben"))
    store.flag(RUN.run_id, f"{2:064x}", "Ben", comment="ask")
    store.take_back(RUN.run_id, "Ben")
    answer, flag, back = store.readings(RUN.run_id)
    assert (answer["patient"], answer["part"], answer["file"]) == (None, None, "two.png")
    assert (answer["session"], answer["profession"], answer["years"]) == (None, "", None)
    # Without a sitting nobody knows what was on the screen before; after it the answer alone tells of a prediction.
    assert [(row["prediction_seen"], row["label_seen"]) for row in (answer, flag, back)] == [
        (None, None), ("yes", None), ("yes", None),
    ]  # fmt: skip
    assert [row["kind"] for row in (answer, flag, back)] == ["answer", "flagged", "taken back"]
    assert (back["verdict"], back["seconds"], back["stands"], back["supersedes"]) == (
        None,
        None,
        None,
        answer["row"],
    )
    assert "verdict" not in flag and flag["comment"] == "ask"


def test_one_readers_rows_are_theirs_and_what_was_read_in_a_study_leaves_with_the_study(store: Store) -> None:
    store.add_review(agree(1))
    store.add_review(agree(1, "Ben"))
    store.flag(RUN.run_id, f"{1:064x}", "Ben")
    told = Protocol(name="films", design="assisted", run_id=RUN.run_id, readers=("Ada",))
    study_id = store.studies.create(told).study_id
    task = store.studies.next(study_id, "Ada")
    assert task is not None
    read(store, store.studies.begin(study_id, "Ada"), task)
    assert [row["reader"] for row in store.readings(RUN.run_id, reader="Ben")] == ["Ben", "Ben"]
    assert len(store.readings(RUN.run_id)) == 3 and store.readings(RUN.run_id, reader="Nobody") == []
    with pytest.raises(StoreError, match="no run"):
        store.readings("another")


def test_the_files_of_readings_have_every_column_in_order_and_say_what_it_holds(store: Store) -> None:
    store.add_review(agree(1, comment="=1+1"))
    files = reading_files(store.readings(RUN.run_id), "readings")
    assert list(files) == ["readings.csv", "readings-columns.csv"]
    table, columns = ([*csv.DictReader(io.StringIO(file.decode("utf-8-sig")))] for file in files.values())
    assert list(table[0]) == [row["column"] for row in columns] == list(READING_COLUMNS)
    assert [row["holds"] for row in columns] == list(READING_COLUMNS.values())
    assert table[0]["comment"] == "'=1+1" and len(table) == 1
