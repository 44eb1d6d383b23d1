"""Readings that are carried into an empty database are there row by row, with their chain, and never beside others."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from engine.errors import StoreError
from engine.reading.ledger.chain import Head
from engine.reading.migrations.schema import METADATA, WEB_SESSIONS
from engine.reading.server import carrying
from engine.reading.store import Store, open_store
from tests.engine.reading.test_store import POLYGON, RUN, agree, correct_labels, prediction
from tests.readers import with_readers


def carried(source: Store, target: Store) -> Head:
    with source._database.read() as before, target._database.write() as after:
        return carrying.carry(before, after)


def test_every_row_is_carried_but_who_is_signed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        carrying, "AT_ONCE", 3
    )  # so that there are several pieces, and a last one that is not full
    with open_store(tmp_path / "one.db") as one, open_store(tmp_path / "two.db") as two:
        with_readers(one).add_run(RUN)
        one.add_cases(RUN.run_id, [prediction(number) for number in range(7)])
        one.add_review(agree(1, regions=(POLYGON,)))
        correct_labels(one)
        one.accounts.set_password("Ada", "correct horse battery")
        assert one.accounts.sign_in("Ada", "correct horse battery")
        assert carried(one, two) == one.head() == two.head()
        assert two.audit().found == () and two.audit().rows == one.head().seq > 10
        with one._database.read() as before, two._database.read() as after:
            for table in METADATA.tables.values():
                rows, now = ([tuple(row) for row in side.execute(select(table))] for side in (before, after))
                assert (rows and now == []) if table is WEB_SESSIONS else now == rows, table.name
        assert two.accounts.sign_in("Ada", "correct horse battery")


def test_into_a_database_that_has_a_run_or_a_reader_nothing_is_carried(tmp_path: Path) -> None:
    with open_store(tmp_path / "one.db") as one:
        with_readers(one)
        for name in ("run", "reader"):
            with open_store(tmp_path / f"{name}.db") as other:
                other.add_run(RUN) if name == "run" else with_readers(other, "Cleo")
                before = other.head()
                with pytest.raises(StoreError, match="two chains cannot be joined"):
                    carried(one, other)
                assert other.head() == before and len(other.people()) == (name == "reader")
