"""A clock is said to be set back where it goes back by more than computers that share a database may differ."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.reading.studies.planning.clock import Clock, SetBack

NINE = datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "found"),
    [
        ([0], []),
        ([0, 5, 5, 9], []),
        ([0, -300], []),
        ([0, -300.001], [(2, 300.001)]),
        ([0, -299, -598, -899], [(4, 301.0)]),  # each beside the one before it
        ([0, -400, 0, -500, -400], [(2, 400.0), (4, 500.0)]),
    ],
)
def test_each_row_is_held_against_the_one_before_it(
    seconds: list[float], found: list[tuple[int, float]]
) -> None:
    clock = Clock()
    for seq, each in enumerate(seconds, 1):
        clock.look(seq, (NINE + timedelta(seconds=each)).isoformat())
    assert clock.set_back == [SetBack(row, pytest.approx(by)) for row, by in found]
