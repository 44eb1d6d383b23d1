"""Fifty classes: the predicted one is always in sight, the likely ones first, and any is a few letters away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.records import Verdict
from tests.gui.conftest import Room, fill, make_run
from tests.gui.pages.review.test_review_page import on_screen

pytestmark = pytest.mark.browser
NAMES = (
    *(f"kind {number:02d}" for number in range(46)),
    "pneumothorax",
    "Épanchement pleural",
    "an opacity of the left lower lobe with a long name that takes more than a single line of the panel",
    "ذات الریه",
)


def test_of_fifty_classes_the_predicted_is_in_sight_and_any_is_taken_by_key_or_by_typing(
    room: Room, page: Any, opened: Callable[..., Any], tmp_path: Path
) -> None:
    run = make_run(room.session.workspace, run_id="20260202-120000-many", classes=NAMES)
    cases = {
        one.image_id: one for one in fill(room.session, tmp_path, [f"{n}.png" for n in range(5)], run=run)
    }
    page.goto(opened(room.session).url)

    def shown() -> Any:
        on_screen(page)
        return cases[page.get_attribute(".rv", "data-shown")]

    def verdict_on(case: Any) -> tuple[Verdict, str | None]:
        page.wait_for_function(f"document.querySelector('.rv').dataset.shown !== '{case.image_id}'")
        (review,) = room.session.store.reviews(run.run_id, image_id=case.image_id)
        return review.verdict, review.label

    case = shown()
    ranked = sorted(NAMES, key=lambda name: (name != case.predicted, -case.probabilities[NAMES.index(name)]))
    assert page.locator(".rv-class b").all_inner_texts() == ranked
    page.locator(".rv-class").last.scroll_into_view_if_needed()
    panel, first = page.locator(".rv-findings").bounding_box(), page.locator(".rv-first").bounding_box()
    assert panel["y"] - 1 <= first["y"] and first["y"] + first["height"] <= panel["y"] + panel["height"]
    long = page.locator(".rv-class b", has_text="a long name")
    assert long.evaluate("(one) => one.scrollWidth <= one.clientWidth && one.clientHeight > 30")
    page.keyboard.press("3")
    assert verdict_on(case) == (Verdict.OVERRULE, ranked[2])
    for typed, meant in (
        ("pneumot", "pneumothorax"),
        ("epanch", "Épanchement pleural"),
        ("KIND 07", "kind 07"),
    ):
        case = shown()
        page.keyboard.press("/")
        page.keyboard.type(typed)
        assert page.locator(".rv-class").count() <= 2  # what fits, and the predicted one
        page.keyboard.press("Enter")
        expected = Verdict.AGREE if case.predicted == meant else Verdict.OVERRULE
        assert verdict_on(case) == (expected, meant)
    case = shown()
    page.keyboard.press("/")
    page.keyboard.type("kind")
    page.keyboard.press("Enter")
    assert "More than one class fits" in page.inner_text("[data-at=toast]")
    assert room.session.store.reviews(run.run_id, image_id=case.image_id) == []
