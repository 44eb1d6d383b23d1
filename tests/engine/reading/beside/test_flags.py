"""A flag is a row with its reader and comment, taking it away is another; each reader has a queue of their own."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from engine.errors import ReviewError
from engine.reading.store import Store, open_store
from tests.engine.reading.test_store import RUN, prediction
from tests.readers import with_readers


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = open_store(tmp_path / "overread.db")
    with_readers(opened).add_run(RUN)
    opened.add_cases(RUN.run_id, [prediction(number) for number in range(4)])
    return opened


def flagged(store: Store, reader: str) -> set[int]:
    return {int(one.image_id, 16) for one in store.upcoming(RUN.run_id, "flagged", reader, None, k=9)}


def test_flags_are_kept_with_reader_and_comment_and_taken_away_by_a_row(store: Store) -> None:
    case = f"{2:064x}"
    store.flag(RUN.run_id, case, "Ada", comment="ask the physicist")
    assert (flagged(store, "Ada"), flagged(store, "Ben")) == ({2}, set())
    store.flag(RUN.run_id, case, "Ada", flagged=False)
    assert flagged(store, "Ada") == set()
    told = store.flag_of(RUN.run_id, case, "Ada")
    assert told is not None and not told.flagged and store.flag_of(RUN.run_id, case, "Ben") is None
    rows = [(row["kind"], row["reader"], row["comment"]) for row in store.readings(RUN.run_id)]
    assert rows == [("flagged", "Ada", "ask the physicist"), ("flag taken away", "Ada", "")]
    assert store.audit().found == ()
    with pytest.raises(DBAPIError, match="append-only"), store._database.write() as connection:
        connection.execute(text("UPDATE flags SET comment = ''"))


def test_a_flag_is_told_with_its_row_and_a_comment_may_have_ten_thousand_characters(store: Store) -> None:
    case, longest = f"{3:064x}", "x" * 10_000
    kept = store.flag(RUN.run_id, case, "Ada", comment=longest)
    assert (kept.flagged, kept.comment) == (True, longest) and store.flag_of(RUN.run_id, case, "Ada") == kept
    (row,) = store.readings(RUN.run_id)
    assert row["row"] == kept.flag_id and row["session"] is None
    with pytest.raises(ReviewError, match="no case"):
        store.flag(RUN.run_id, "f" * 64, "Ada")
    with pytest.raises(ReviewError, match="no reader"):
        store.flag(RUN.run_id, case, "Nobody")


def test_flags_of_two_names_are_one_persons_after_they_are_joined(store: Store) -> None:
    store.flag(RUN.run_id, f"{1:064x}", "Ben")
    store.flag(RUN.run_id, f"{2:064x}", "Ada")
    store.flag(RUN.run_id, f"{2:064x}", "Ben", flagged=False)
    store.join_readers("Ben", "Ada")
    assert flagged(store, "Ada") == {1}
    assert store.audit().found == ()


def test_what_is_flagged_and_is_not_so_in_the_chain_is_named(store: Store) -> None:
    store.flag(RUN.run_id, f"{1:064x}", "Ada")
    with store._database.write() as connection:
        connection.execute(text("DELETE FROM flagged"))
    (found,) = store.audit().found
    assert "flagged is not what the chain says" in found.sentence


@pytest.mark.parametrize("comment", ["x" * 10_001, "\ud83d", "a\0b"])
def test_a_comment_that_cannot_be_stored_is_refused(store: Store, comment: str) -> None:
    with pytest.raises(ReviewError, match="comment"):
        store.flag(RUN.run_id, f"{1:064x}", "Ada", comment=comment)
    assert flagged(store, "Ada") == set()
