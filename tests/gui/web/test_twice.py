"""In a browser: what a slip of the hand asks for twice is done once; a second click is not for what came under it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.gui.conftest import PATIENCE, Room

THERE = ".rv[data-shown]:not([data-busy], [data-guard])"  # a new image refuses keys for a moment
COUNT = """where => {
    window.heard = 0;
    document.querySelector(where).addEventListener('click', (event) => {
        event.stopImmediatePropagation();   // what it does is no matter here
        window.heard += 1;
    }, true);
}"""


def second_click(page: Any) -> None:
    """Click as the second of a double click. Playwright sends both, and lets nothing be waited for between them."""
    page.mouse.down(click_count=2)
    page.mouse.up(click_count=2)


@pytest.mark.browser
def test_an_enter_that_is_held_down_presses_a_button_once_on_every_page(
    room: Room, page: Any, opened: Callable[..., Any]
) -> None:
    window = opened(room.session)
    for tab, button in (
        ("data", "[data-do=choose]"),
        ("report", "#report-json"),
        ("studies", "[data-do=new]"),
    ):
        page.goto(f"{window.url}/?tab={tab}")
        page.wait_for_selector(button)
        page.evaluate(COUNT, button)
        page.focus(button)
        for _repeated in range(5):
            page.keyboard.down("Enter")
        page.keyboard.up("Enter")
        assert page.evaluate("heard") == 1, button


@pytest.mark.browser
@pytest.mark.parametrize("touch", [False, True])
def test_a_double_click_takes_back_one_answer_and_a_slow_second_click_the_one_before(
    room: Room, browser: Any, page: Any, opened: Callable[..., Any], touch: bool
) -> None:
    window = opened(room.session)
    tablet = browser.new_context(viewport={"width": 820, "height": 1180}, has_touch=touch)
    tablet.set_default_timeout(PATIENCE)
    tablet.add_cookies(page.context.cookies())
    with tablet:
        sheet = tablet.new_page()
        sheet.goto(window.url)
        for _case in range(2):
            was = sheet.wait_for_selector(THERE).get_attribute("data-shown")
            sheet.keyboard.press("a")
            sheet.wait_for_selector(f"[data-shown]:not([data-shown='{was}']):not([data-busy])")
        undo = sheet.locator("[data-do=undo]").first
        box = undo.bounding_box()
        place = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        if touch:
            sheet.touchscreen.tap(*place)
            sheet.wait_for_selector("[data-at=stored] >> text=Taken back")
            sheet.touchscreen.tap(*place)
        else:
            sheet.mouse.click(*place)
            sheet.wait_for_selector("[data-at=stored] >> text=Taken back")
            second_click(sheet)
        sheet.wait_for_selector("[data-shown]:not([data-busy])")
        assert len(room.session.store.reviews(room.run.run_id)) == 1
        sheet.wait_for_selector(THERE)
        sheet.keyboard.press("z")
        sheet.wait_for_function("document.querySelector('[data-at=count]').textContent.startsWith('1 ')")
        assert not room.session.store.reviews(room.run.run_id)


@pytest.mark.browser
def test_a_double_click_on_a_folder_of_the_list_opens_that_folder_and_none_in_it(
    room: Room, page: Any, opened: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from playwright.sync_api import expect

    (tmp_path / "films" / "inner" / "innermost").mkdir(parents=True)
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "films")
    monkeypatch.setattr(Path, "cwd", lambda: tmp_path / "films")
    page.goto(opened(room.session, page="data").url)
    page.locator("[data-do=list]").wait_for(state="attached")
    page.evaluate("document.querySelector('[data-do=list]').click()")
    here = page.locator(".br-list [data-at=here]")
    folder = page.locator(".br-list [data-at=entries] button").first
    box = folder.bounding_box()
    place = box["x"] + 20, box["y"] + box["height"] / 2
    page.mouse.click(*place)
    expect(here).to_have_text(str(tmp_path / "films"))
    expect(folder).to_have_text("inner")
    second_click(page)
    page.locator(".br-list [data-do=up]").click()  # asked after it, and answered after it
    expect(here).not_to_have_text(str(tmp_path / "films"))
    expect(folder).to_have_text(str(tmp_path / "films"))
