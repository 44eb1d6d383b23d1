"""The tables that statements are built from are those that the migrations make: names, keys, what may be missing."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, strategies as st
from sqlalchemy import inspect

from engine.reading.database import open_database
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
