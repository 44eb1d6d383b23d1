"""A study leaves as files at any time: every answer, what had been seen before it, and what each column is."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from engine.errors import ReviewError, WorkspaceError
from engine.reading.sittings import Shown
from engine.reading.store import Store, open_store
from engine.records import Region
from tests.engine.reading.studies.test_studies import NOW, filled, made, read, said, samples, walk
from tests.engine.reading.test_store import RUN


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return filled(open_store(tmp_path / "overread.db"))


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_answer_is_a_row_with_what_was_seen_before_it(store: Store, tmp_path: Path) -> None:
    study_id = made(store, certainty="1-5", wrong_advice=0.25)
    sitting = store.studies.begin(study_id, "Ada")
    blind = store.studies.next(study_id, "Ada")
    assert blind is not None
    box = Region(x=0.1, y=0.2, width=0.3, height=0.4, label="=opacity")
    read(store, sitting, blind, "normal", certainty=2, comment="=SUM(A1)", regions=(box,))
    store.studies.undo(sitting, blind.image_id, "blind", now=NOW)
    again = store.studies.next(study_id, "Ada")
    assert again is not None
    read(store, sitting, again, "pneumonia", certainty=5)
    assisted = store.studies.next(study_id, "Ada")
    assert assisted is not None and assisted.advice is not None
    read(store, sitting, assisted, "pneumonia", certainty=5)
    store.studies.answer(
        said(blind, "normal", certainty=1), sitting, now=NOW
    )  # after the prediction was seen
    files = {path.name: path for path in store.studies.export(study_id, tmp_path / "out" / "pilot")}
    assert set(files) == {"answers.csv", "cases.csv", "protocol.json", "data-dictionary.csv"}
    rows = table(files["answers.csv"])
    told = [
        (row["arm"], row["verdict"], row["label"], row["certainty"], row["stands"], row["taken_back"])
        for row in rows
    ]
    verdict = "agree" if assisted.advice.predicted == "pneumonia" else "overrule"
    assert told == [
        ("blind", "read", "normal", "2.0", "0", "1"),
        ("blind", "taken back", "", "", "0", "0"),
        ("blind", "read", "pneumonia", "5.0", "1", "0"),
        ("assisted", verdict, "pneumonia", "5.0", "1", "0"),
        ("blind", "read", "normal", "1.0", "0", "0"),
    ]
    seen = [(row["seen_prediction"], row["seen_heatmap"], row["contaminated"]) for row in rows]
    assert seen == [("0", "0", "0")] * 3 + [("1", "1", "0"), ("1", "1", "1")]
    assert {row["reader"] for row in rows} == {"Ada"} and {row["file"] for row in rows} == {blind.path.name}
    assert rows[0]["comment"] == "'=SUM(A1)" and json.loads(rows[0]["regions"])[0]["width"] == 0.3
    assert (
        rows[3]["predicted"] == assisted.advice.predicted and rows[0]["predicted"] == rows[0]["advice"] == ""
    )
    assert rows[3]["advice"] in ("as predicted", "wrong on purpose")
    assert rows[1]["supersedes"] == rows[0]["answer"] and rows[4]["supersedes"] == rows[2]["answer"]


def test_every_cell_of_an_answer_says_what_its_column_means(store: Store, tmp_path: Path) -> None:
    (ada,) = (each for each in store.people() if each.name == "Ada")
    store.change_reader(replace(ada, profession="radiologist", years=4.5))
    study_id = made(store, certainty="0-100")
    sitting = store.studies.begin(study_id, "Ada")
    for _ in range(2):
        task = store.studies.next(study_id, "Ada")
        assert task is not None
        seq = read(store, sitting, task, "pneumonia", certainty=70, comment="by the apex")
    (stored,) = (one for one in store.studies.answers(study_id, arm="assisted") if one.seq == seq)
    store.studies.export(study_id, tmp_path)
    row = table(tmp_path / "answers.csv")[-1]
    (case,) = (each for each in table(tmp_path / "cases.csv") if each["image_id"] == task.image_id)
    (label,) = (one.label for one in store.predictions(RUN.run_id) if one.image_id == task.image_id)
    assert stored.at is not None and task.advice is not None and len(row.pop("row_hash")) == 64
    place = task.advice.predicted == "pneumonia"
    assert row == {
        "answer": str(seq), "image_id": task.image_id, "file": task.path.name, "patient_id": task.patient,
        "label_in_data": label, "reader_id": ada.reader_id, "reader": "Ada", "profession": "radiologist",
        "years": "4.5", "arm": "assisted", "position": "1", "finding": "class",
        "verdict": "agree" if place else "overrule", "label": "pneumonia", "certainty": "70.0", "seconds": "4.0",
        "comment": "by the apex", "regions": "[]", "at": stored.at.isoformat(), "session_id": sitting.session_id,
        "supersedes": "", "taken_back": "0", "stands": "1", "advice": "as predicted",
        "predicted": task.advice.predicted, "predicted_probability": str(max(task.advice.probabilities)),
        "seen_prediction": "1", "seen_heatmap": "1", "seen_label": "0", "seen_others": "0", "seen_similar": "0",
        "contaminated": "0",
    }  # fmt: skip
    assert case == {
        "image_id": task.image_id, "file": task.path.name, "patient_id": task.patient, "part": "test",
        "label_in_data": label, "readings": "1", "consensus": "", "adjudication": "",
    }  # fmt: skip


def test_a_case_that_was_settled_says_by_what_and_counts_readings_of_the_consensus_alone(
    store: Store, tmp_path: Path
) -> None:
    study_id = made(store)
    walk(store, study_id, "Ada", label="normal")
    walk(store, study_id, "Ben", label="pneumonia")
    walk(store, study_id, "Cleo", label="normal")
    store.studies.export(study_id, tmp_path)
    told = {(row["readings"], row["consensus"], row["adjudication"]) for row in table(tmp_path / "cases.csv")}
    assert told == {("2", "normal", "by the second film")}
    settled = [row for row in table(tmp_path / "answers.csv") if row["arm"] == "adjudication"]
    assert len(settled) == 12 and {(row["reader"], row["position"], row["advice"]) for row in settled} == {
        ("Cleo", "", "")
    }


def test_every_column_is_in_the_data_dictionary_and_the_protocol_comes_with_its_hash(
    store: Store, tmp_path: Path
) -> None:
    study_id = made(store, "blind")
    walk(store, study_id, "Ada", label="normal")
    walk(store, study_id, "Ben", label="normal")
    for path in store.studies.export(study_id, tmp_path):
        if path.suffix == ".csv" and path.stem != "data-dictionary":
            described = [row for row in table(tmp_path / "data-dictionary.csv") if row["file"] == path.name]
            assert list(table(path)[0]) == [row["column"] for row in described]
            assert all(len(row["meaning"]) > 10 for row in described)
    text = (tmp_path / "protocol.json").read_text(encoding="utf-8")
    assert text.splitlines()[:2] == ["{", ' "schema_version": 1,'], "for people to read as well"
    told = json.loads(text)
    study = store.studies.get(study_id)
    head = store.head()
    assert (told["state"], told["cases_drawn"], "unfinished" in told) == ("open", "all cases", False)
    assert datetime.fromisoformat(told["exported"]).utcoffset() == timedelta(0)
    assert datetime.fromisoformat(told["created"]) == study.created
    assert told["protocol_hash"] == study.protocol_hash and told["anchor"] == f"{head.seq}:{head.hash}"
    assert {one["name"] for one in told["people"].values()} == {"Ada", "Ben", "Cleo"}
    cases = table(tmp_path / "cases.csv")
    assert len(cases) == 12 and {(row["readings"], row["consensus"]) for row in cases} == {("2", "normal")}


def test_a_folder_that_cannot_be_written_to_is_said(store: Store, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(WorkspaceError):
        store.studies.export(made(store), tmp_path / "file")


def test_cases_that_are_added_come_after_those_a_reader_has(store: Store) -> None:
    ids = [f"{n:064x}" for n in range(12)]
    study = store.studies.create(
        store.studies.get(made(store)).protocol.__class__(
            name="few", run_id=RUN.run_id, readers=("Ada", "Ben")
        ),
        image_ids=ids[:4],
    )
    first = walk(store, study.study_id, "Ada")
    with pytest.raises(ReviewError, match="needs a reason"):
        store.studies.add_cases(study.study_id, ids[4:6])
    assert len(store.studies.images(study.study_id)) == 4
    after = store.studies.add_cases(study.study_id, ids[4:6], "too few")
    assert after.deviations[0].reason == "too few" and after.protocol.drawn.n == 6
    assert after.protocol.drawn.positives == 4 and after.protocol_hash == study.protocol_hash
    with pytest.raises(ReviewError, match="in the study already"):
        store.studies.add_cases(study.study_id, ids[3:5], "again")
    assert sorted(task.image_id for task in walk(store, study.study_id, "Ada")) == ids[4:6]
    assert len(first) == 4 and len(walk(store, study.study_id, "Ben")) == 6
    assert store.audit().found == ()


def test_images_are_added_to_an_annotation_from_its_data_set(store: Store) -> None:
    study_id = made(store, "annotation")
    more = [f"{n:064x}" for n in (6, 7)]
    store.studies.add_cases(study_id, more, samples=samples(8))
    assert len(walk(store, study_id, "Ada", label="effusion")) == 8
    with pytest.raises(ReviewError, match="are not there"):
        store.studies.add_cases(study_id, [f"{9:064x}"], "more", samples=samples(8))


def test_what_was_seen_of_another_case_is_not_on_the_certificate(store: Store) -> None:
    study_id = made(store, "blind")
    task, other, *_ = store.studies.upcoming(study_id, "Ada", k=2)
    store.expose(store.begin_sitting(RUN.run_id, "Ada"), Shown(image_id=other.image_id, label=True))
    sitting = store.studies.begin(study_id, "Ada")
    seq = store.studies.answer(said(task), sitting)
    certificate = store.studies.exposures(study_id)[seq]
    assert not any((certificate.prediction, certificate.map, certificate.label, certificate.contaminated))


def test_what_was_drawn_is_written_as_it_was_typed_at_the_moment_of_its_answer(
    store: Store, tmp_path: Path
) -> None:
    study_id = made(store, "blind", name="côté")
    sitting, task = store.studies.begin(study_id, "Ada"), store.studies.next(study_id, "Ada")
    assert task is not None
    drawn = (Region(x=0.25, y=0.25, width=0.5, height=0.5, label="côté"),)
    store.studies.answer(said(task, regions=drawn), sitting, now=NOW)
    folder = tmp_path / "a" / "b"  # which is made
    assert [path.parent for path in store.studies.export(study_id, folder)] == [folder] * 4
    (row,) = table(folder / "answers.csv")
    assert '"label": "côté"' in row["regions"] and row["at"] == NOW.isoformat()
    assert '"name": "côté"' in (folder / "protocol.json").read_text(encoding="utf-8")
    with store._database.read() as connection:
        kept = connection.exec_driver_sql(
            "SELECT r.at, r.author, a.reader_id FROM regions r JOIN answers a"
        ).all()
    assert [tuple(one) for one in kept] == [(NOW.isoformat(), sitting.reader_id, sitting.reader_id)]
