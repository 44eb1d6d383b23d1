"""Promises of a reading session: what the page sends becomes a review, or is refused."""

from __future__ import annotations

import math

import pytest

from engine.errors import ReviewError
from gui.pages.review.reading_session import LONGEST_READING, Reading, review_of

READING = Reading(run=None, queue="all", part=None, reader="A")  # type: ignore[arg-type]


def sent(**more: object) -> dict[str, object]:
    return {"verdict": "agree", "predicted": "normal", "shown": "a" * 64, **more}


@pytest.fixture(autouse=True)
def a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reading, "run_id", "20260101-120000-abcd")


@pytest.mark.parametrize(
    ("seconds", "kept"),
    [
        (12.5, 12.5),
        (LONGEST_READING, LONGEST_READING),
        (LONGEST_READING + 1, LONGEST_READING),
        (1e12, LONGEST_READING),
    ],
)
def test_a_tab_left_open_over_night_is_no_reading_time(seconds: float, kept: float) -> None:
    assert review_of(READING, sent(seconds=seconds)).seconds == kept


def test_what_is_no_verdict_is_refused_in_a_sentence() -> None:
    for odd in ({"verdict": "maybe"}, {"regions": [{"x": "left"}]}, {"seconds": "soon"}, {"regions": 7}):
        with pytest.raises(ReviewError, match="cannot be read"):
            review_of(READING, sent(**odd))
    assert math.isinf(review_of(READING, sent(seconds=-math.inf)).seconds)  # the store refuses it
