"""The tables that statements are built from are those that the migrations make: names, keys, what may be missing."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, strategies as st
from sqlalchemy import create_engine, inspect, text

from engine.reading.database import open_database
from engine.reading.migrations.flags_and_search import _searched
from engine.reading.migrations.schema import METADATA
from engine.reading.migrations.second import _margin
from engine.records import margin_of


def test_the_migrations_arrive_at_the_tables_that_statements_are_built_from(tmp_path: Path) -> None:
    database = open_database(tmp_path / "overread.db")
    found = inspect(database.engine)
    made = {name: found.get_columns(name) for name in found.get_table_names() if name != "schema_version"}
    assert made.keys() == METADATA.tables.keys()
    for name, table in METADATA.tables.items():
        assert {column["name"]: column["nullable"] for column in made[name]} == {
            column.name: bool(column.nullable) for column in table.columns
        }
        keys = found.get_pk_constraint(name)["constrained_columns"]
        assert keys == [column.name for column in table.primary_key]
    database.close()


Chances = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 1.0, 1e-305]))


@given(st.lists(Chances, min_size=2, max_size=5), st.one_of(st.none(), Chances), st.data())
def test_a_margin_that_was_worked_out_for_older_cases_is_the_one_that_newer_cases_have(
    probabilities: list[float], threshold: float | None, data: st.DataObject
) -> None:
    classes = list("abcde"[: len(probabilities)])
    predicted = data.draw(st.sampled_from(classes))
    positive = data.draw(st.sampled_from([*classes, "of another run"]))
    wanted = margin_of(
        probabilities,
        classes.index(predicted),
        positive=classes.index(positive) if positive in classes else 0,
        threshold=math.nan if threshold is None or positive not in classes else threshold,
    )
    run = SimpleNamespace(threshold=threshold, positive=positive)
    found = _margin(probabilities, classes, predicted, run)  # type: ignore[arg-type]
    assert found == pytest.approx(wanted, rel=1e-12)


def test_a_margin_of_one_class_alone_is_none() -> None:
    run = SimpleNamespace(threshold=None, positive="a")
    assert _margin([1.0], ["a"], "a", run) == 0  # type: ignore[arg-type]


@pytest.mark.parametrize(("positive", "scores"), [("ill", [0.75, 0.125]), ("gout", [0.5, 0.9])])
def test_cases_of_before_are_searched_by_what_stands_in_them(positive: str, scores: list[float]) -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE TABLE cases (run_id TEXT, image_id TEXT, position INT, part TEXT, path TEXT, patient_id TEXT, "
                "predicted TEXT, label TEXT, probabilities JSON, confidence FLOAT)"
            )
        )
        adding = text("INSERT INTO cases VALUES (:run, :id, 1, 'val', :path, :who, 'Ill', :label, :p, :sure)")
        for run, one, path, who, label, p, sure in (
            ("r", "a", "C:\\Films/Odd\\ONE.png", "P 7", "Well", "[0.25,0.75]", 0.5),
            ("r", "b", "Bare.DCM", "b", None, "[0.875,0.125]", 0.9),
            ("q", "c", "/other.png", "P 7", "Well", "[0.5,0.5]", 0.5),
        ):
            told = {"run": run, "id": one, "path": path, "who": who, "label": label, "p": p, "sure": sure}
            connection.execute(adding, told)
        run = SimpleNamespace(run_id="r", classes=["well", "ill"], positive=positive)
        found = list(_searched(connection, run))  # type: ignore[arg-type]
    engine.dispose()
    columns = ("image_id", "file", "patient", "label", "confidence", "score")
    assert [tuple(row[name] for name in columns) for row in found] == [
        ("a", "one.png", "p 7", "well", 0.5, scores[0]),
        ("b", "bare.dcm", "", "", 0.9, scores[1]),
    ]
    alike = {"run_id": "r", "position": 1, "part": "val", "predicted": "ill", "meta": ""}
    assert all({name: row[name] for name in alike} == alike for row in found)
