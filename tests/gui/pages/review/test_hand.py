"""The hand on the review page: an answer is taken back, no image is answered unseen, nothing written is lost."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from engine.spreadsheet import read_csv
from tests.gui.conftest import Room
from tests.gui.pages.review.test_review_page import on_screen, press_and_wait


@pytest.mark.browser
def test_an_answer_is_taken_back_by_a_key_and_the_case_is_there_again(
    room: Room, page: Any, opened: Callable[..., Any]
) -> None:
    page.goto(opened(room.session).url)
    first = on_screen(page)
    second = press_and_wait(page, "a")
    assert press_and_wait(page, "u") != second
    assert press_and_wait(page, "z") == second
    assert press_and_wait(page, "z") == first
    assert "taken back" in page.inner_text("[data-at=stored]").lower()
    assert [each.verdict.value for each in room.session.store.reviews(room.run.run_id, latest=True)] == []
    assert room.session.store.audit().found == ()
    press_and_wait(page, "x")
    (review,) = room.session.store.reviews(room.run.run_id, latest=True)
    assert (review.image_id, review.verdict.value) == (first, "not diagnostic")


@pytest.mark.browser
def test_a_double_tap_answers_one_case_and_so_does_a_key_that_is_held(
    room: Room, page: Any, opened: Callable[..., Any]
) -> None:
    page.goto(opened(room.session).url)
    seen = []
    for tap in ("page.keyboard", "button", "held"):
        seen.append(on_screen(page))
        if tap == "button":
            page.locator("[data-do=agree]").dblclick()
        elif tap == "held":
            for _ in range(6):
                page.keyboard.down("a")  # the first press, and its repeats
            page.keyboard.up("a")
        else:
            page.keyboard.press("a")
            page.keyboard.press("a")
        page.wait_for_function(
            "before => document.querySelector('.rv').dataset.shown !== before", arg=seen[-1]
        )
        on_screen(page)
        assert [each.image_id for each in room.session.store.reviews(room.run.run_id)] == seen, tap


@pytest.mark.browser
def test_what_was_written_and_not_stored_is_there_after_a_reload_and_the_summary_tells_what_was_done(
    room: Room, page: Any, opened: Callable[..., Any]
) -> None:
    page.goto(opened(room.session).url)
    case = on_screen(page)
    page.keyboard.press("c")
    page.keyboard.type("a nodule?")
    page.reload()
    assert on_screen(page) == case and page.input_value("[data-at=comment]") == "a nodule?"
    press_and_wait(page, "a")
    (review,) = room.session.store.reviews(room.run.run_id)
    assert review.comment == "a nodule?"
    flagged = on_screen(page)
    page.keyboard.press("s")
    page.wait_for_selector("[data-at=flagged]:not([hidden])")
    page.keyboard.press("n")
    page.keyboard.type("3")
    page.keyboard.press("Enter")
    page.wait_for_function("before => document.querySelector('.rv').dataset.shown !== before", arg=flagged)
    assert on_screen(page) not in (case, flagged)
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    page.wait_for_selector("[data-at=summary][open]")
    said = page.inner_text("[data-at=summary]")
    assert "Session of anna" in said and "agreed" in said
    with page.expect_download() as download:
        page.locator("[data-at=summary] [data-do=export]").click()
    with zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes())) as packed:
        table = next(name for name in packed.namelist() if not name.endswith("-columns.csv"))
        columns, rows = read_csv(packed.read(table))
    told = [dict(zip(columns, row, strict=True)) for row in rows]
    assert [(each["kind"], each["image"]) for each in told] == [("answer", case), ("flagged", flagged)]
