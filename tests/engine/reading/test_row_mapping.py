"""Promises of rows: what is stored of a case says the same as the case, and comes back as it was."""

from __future__ import annotations

import math
import os
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace

import pytest

from engine.errors import StoreError
from engine.reading.answers import latest_reviews
from engine.reading.row_mapping import case_row, iso, random_place, run_row
from engine.records import Verdict
from tests.engine.reading.test_store import RUN, agree, prediction

STORED = SimpleNamespace(**run_row(RUN))  # the row as the database gives it back


def test_places_are_whole_numbers_that_both_databases_hold_and_differ_from_run_to_run() -> None:
    places = [random_place("run", f"{number:064x}") for number in range(500)]
    assert len(set(places)) == 500 and all(0 <= place < 2**63 for place in places)
    assert max(places) > 0.9 * 2**63 and min(places) < 0.1 * 2**63  # spread over all of them
    assert random_place("run", "a") == random_place("run", "a") != random_place("other", "a")
    # Stored in every workspace there is: another formula would deal all cases out anew.
    assert random_place("20260101-120000-abcd", "0" * 64) == 8338671732485084428


@pytest.mark.parametrize(
    ("label", "p", "wrong"),
    [("normal", 0.2, False), ("normal", 0.8, True), ("pneumonia", 0.8, False), (None, 0.8, None)],
)
def test_a_case_is_wrong_where_its_label_says_so_and_is_as_sure_as_its_class_is_probable(
    label: str | None, p: float, wrong: bool | None
) -> None:
    row = case_row(STORED, prediction(1, p, label))
    assert row["wrong"] is wrong and row["confidence"] == max(p, 1 - p)
    assert row["position"] == random_place(RUN.run_id, row["image_id"]) and row["probabilities"] == [1 - p, p]


def test_a_prediction_that_does_not_fit_the_classes_is_refused_by_name() -> None:
    for wrong in (
        replace(prediction(1), predicted="gout"),
        replace(prediction(1), probabilities=(0.2, 0.3, 0.5)),
        replace(prediction(1), probabilities=(1.0,)),
    ):
        with pytest.raises(StoreError, match=r"1\.png does not fit the classes of run 2026"):
            case_row(STORED, wrong)


@pytest.mark.parametrize(("threshold", "kept"), [(0.25, 0.25), (0.0, 0.0), (math.nan, None)])
def test_a_threshold_that_is_none_is_stored_as_none(threshold: float, kept: float | None) -> None:
    assert run_row(replace(RUN, threshold=threshold))["threshold"] == kept


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone of a process cannot be set here")
def test_moments_are_stored_in_utc_wherever_they_come_from(monkeypatch: pytest.MonkeyPatch) -> None:
    assert iso(datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=5)))) == "2026-01-01T07:00:00+00:00"
    zone = os.environ.get("TZ")
    monkeypatch.setenv("TZ", "UTC-3")
    time.tzset()
    try:
        assert (
            iso(datetime(2026, 1, 1, 12)) == "2026-01-01T09:00:00+00:00"
        )  # without a zone: as the clock here
    finally:
        monkeypatch.delenv("TZ") if zone is None else monkeypatch.setenv("TZ", zone)
        time.tzset()


def test_the_last_word_is_the_one_stored_last_whatever_the_clock_and_the_list_say() -> None:
    late, early = datetime(2030, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC)
    first = agree(1, review_id=3, created=late)
    second = agree(1, review_id=12, created=early, verdict=Verdict.UNSURE, label=None)
    other = agree(1, reader="Ben", review_id=5)
    elsewhere = agree(2, review_id=1)
    assert latest_reviews([second, first, elsewhere, other]) == {
        second.image_id: {"Ada": second, "Ben": other},
        elsewhere.image_id: {"Ada": elsewhere},
    }
    unstored = agree(1, comment="never stored")
    assert (
        latest_reviews([unstored, replace(unstored, comment="later")])[first.image_id]["Ada"].comment
        == "later"
    )
    assert latest_reviews([first, unstored])[first.image_id]["Ada"] == first
