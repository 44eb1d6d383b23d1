"""Promises of a reading session: what the page sends becomes a review, or is refused."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.data import load_split, save_split
from engine.errors import ReviewError
from engine.records import Run
from engine.workspace import Workspace
from gui.pages.review.reading_session import LONGEST_READING, Reading, review_of
from gui.pages.review.remarks import size_remark
from tests.gui.conftest import Held, Room

READING = Reading(run=None, queue="all", part=None, reader="A")  # type: ignore[arg-type]


def sent(**more: object) -> dict[str, object]:
    return {"verdict": "agree", "predicted": "normal", "shown": "a" * 64, **more}


@pytest.fixture
def a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reading, "run_id", "20260101-120000-abcd")


@pytest.mark.usefixtures("a_run")
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


@pytest.mark.usefixtures("a_run")
def test_what_is_no_verdict_is_refused_in_a_sentence() -> None:
    for odd in ({"verdict": "maybe"}, {"regions": [{"x": "left"}]}, {"seconds": "soon"}, {"regions": 7}):
        with pytest.raises(ReviewError, match="cannot be read"):
            review_of(READING, sent(**odd))
    assert math.isinf(review_of(READING, sent(seconds=-math.inf)).seconds)  # the store refuses it


def test_a_film_far_smaller_than_those_trained_on_is_said_to_be_so_beside_it(
    trained: tuple[Workspace, Run], tmp_path: Path
) -> None:
    shutil.copytree(trained[1].folder, tmp_path / "run")
    split = load_split(tmp_path / "run" / "split.csv")
    first = split.test[0].image_id
    assert size_remark(tmp_path / "run", first) is None
    small = tuple(replace(sample, width=12, height=15) for sample in split.test)
    save_split(replace(split, test=small), tmp_path / "run" / "split.csv")
    said = size_remark(tmp_path / "run", first)
    assert said is not None and "12 × 15 pixels" in said and "less than half of the 32" in said
    (tmp_path / "run" / "sizes.json").write_text("[")
    assert size_remark(tmp_path / "run", first) is None  # the image is read all the same
    assert size_remark(tmp_path / "nowhere", first) is None


STORED = "document.querySelector('#reading [data-at=stored]').textContent.startsWith('Stored')"
ON_SCREEN = ".rv[data-shown]:not([data-busy]):not([data-guard])"


@pytest.mark.browser
def test_an_hour_in_which_the_computer_slept_is_no_reading_time_and_the_next_verdict_is_stored(
    room: Room, page: Any, opened: Callable[..., Any]
) -> None:
    """As where a lid is closed and opened: the clock has gone on, and nothing else has."""
    page.clock.install()
    page.goto(opened(room.session).url)
    page.wait_for_selector(ON_SCREEN)
    page.clock.fast_forward("01:00:00")
    page.keyboard.press("a")
    page.wait_for_function(STORED)
    (review,) = room.session.store.reviews(room.run.run_id)
    assert 0 < review.seconds < 60


@pytest.mark.browser
def test_whoever_waits_for_an_answer_is_told_so_and_what_was_pressed_is_stored_once(
    room: Room, page: Any, opened: Callable[..., Any]
) -> None:
    held = Held(page)
    page.goto(opened(room.session).url)
    page.wait_for_selector(ON_SCREEN)
    held.hold("decide")
    page.keyboard.press("a")
    held.wait_for("decide")
    told = page.locator("#reading [data-at=toast]")
    page.get_by_text("Overread has not answered yet.").wait_for()
    page.keyboard.press("a")
    assert page.locator(".rv[data-busy]").count() == 1
    held.release()
    page.wait_for_function(STORED)
    told.wait_for(state="hidden")
    page.wait_for_selector(ON_SCREEN)
    assert len(room.session.store.reviews(room.run.run_id)) == 1
