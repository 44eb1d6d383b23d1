"""Many readers over HTTP and kill −9, in small: what a page was told is stored is there, and there once."""

from __future__ import annotations

import pytest

from benchmarks.department import measured
from benchmarks.kills import killed


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_ten_readers_at_once_lose_double_and_are_refused_nothing(database: str) -> None:
    sentence, good, _ = measured(database, readers=10, seconds=4, pause=(0.1, 0.3), settled=False)
    assert good, sentence


@pytest.mark.slow
@pytest.mark.parametrize(("database", "kills"), [("sqlite", 3), ("postgresql", 4)])
def test_what_was_said_to_be_stored_outlives_the_killing_of_program_and_database(
    database: str, kills: int
) -> None:
    found, pages = killed(database, kills)
    told = [page.told for page in pages.values()]
    assert sum(len(one.stored) for one in told) >= kills and sum(one.again for one in told) > 0
    assert [one.refused for one in told] == [[]] * len(told)
    assert (found.lost, found.doubled, found.audit.found) == (0, 0, ())
