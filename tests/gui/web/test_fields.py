"""In a browser: a field that an error is about is in sight, wherever it is folded away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gui.app import build_app
from gui.door.languages import COOKIE
from tests.gui.conftest import Room

# A note becomes an error as Gradio makes it one: where it stands, by its words and its class.
SAY = """([page, inner]) => {
    const place = document.querySelector(`#page-${page}`);
    if (!place.querySelector(':scope > .or-note')) place.insertAdjacentHTML('afterbegin', '<div></div>');
    const note = place.firstElementChild;
    [note.className, note.innerHTML] = ['or-note', '<p>…</p>'];
    setTimeout(() => {
        note.firstChild.innerHTML = inner;
        note.classList.add('or-serious');
    }, 50);
}"""


def _way_to(app: Any, place: dict[str, Any], elem_id: str) -> list[dict[str, Any]]:
    """Return what a component lies in, from the outside to itself."""
    parts = {one["id"]: one for one in app["components"]}
    here = [parts[place["id"]]] if place.get("id") in parts else []
    if here and here[0]["props"].get("elem_id") == elem_id:
        return here
    for child in place.get("children") or []:
        if found := _way_to(app, child, elem_id):
            return here + found
    return []


@pytest.mark.browser
@pytest.mark.parametrize("language", ["en", "fa", "he"])
def test_a_field_that_an_error_names_is_opened_in_whatever_it_is_folded_away(
    room: Room, page: Any, opened: Callable[..., Any], language: str
) -> None:
    from playwright.sync_api import expect

    window = opened(room.session)
    page.context.add_cookies([{"name": COOKIE, "value": language, "url": window.url}])
    app = window.app.get_config_file()
    for tab, field, by_label in (
        ("train", "train-field-phases-0-momentum", False),
        ("data", "data-import-columns", True),
    ):
        way = _way_to(app, app["layout"], field)
        folds = [one["props"]["elem_id"] for one in way if one["type"] == "accordion"]
        assert len(folds) > 1
        page.goto(f"{window.url}/?tab={tab}")
        fold = page.locator(f"#{folds[0]} > button")
        fold.wait_for()
        assert page.locator(f"#{field}").count() == 0
        label = page.evaluate(
            "id => gradio_config.components.find(({ props }) => props.elem_id === id).props.label", field
        )
        quoted = {"en": f"“{label}”", "fa": f"«{label}»", "he": f"”\u2068{label}\u2069”"}[language]
        error = quoted if by_label else f'<i data-said-at="{field}" data-said="No number"></i>'
        page.evaluate(SAY, [tab, error])
        expect(page.locator(f"#{field}")).to_be_visible()
        if not by_label:
            expect(page.locator(f"#{field}-said")).to_have_text("No number")
        fold.click()  # who folds it again is left alone
        page.evaluate("document.body.append(document.createElement('i'))")
        expect(page.locator(f"#{field}")).to_be_hidden()
        page.evaluate(SAY, [tab, error])  # asked for again, and as wrong as before
        expect(page.locator(f"#{field}")).to_be_visible()


def test_whatever_can_be_folded_has_a_name_to_be_opened_by(room: Room) -> None:
    told = build_app(room.session).get_config_file()
    folds = [one["props"].get("elem_id") for one in told["components"] if one["type"] == "accordion"]
    assert all(folds) and len({*folds}) == len(folds)


@pytest.mark.browser
def test_whatever_can_be_folded_says_whether_it_is_open_however_it_came_to_be(
    room: Room, page: Any, opened: Callable[..., Any]
) -> None:
    from playwright.sync_api import expect

    page.goto(f"{opened(room.session).url}/?tab=report")
    fold = page.locator("#report-run-keeping > button")
    expect(fold).to_have_attribute("aria-expanded", "false")
    fold.click()
    expect(fold).to_have_attribute("aria-expanded", "true")
    fold.press("Enter")
    expect(fold).to_have_attribute("aria-expanded", "false")
    page.click("#page-train-button")  # drawn when it is come to
    page.locator("#train-start").wait_for()
    assert page.locator("button.label-wrap:not([aria-expanded])").count() == 0
    page.click("#page-report-button")
    expect(fold).to_have_attribute("aria-expanded", "false")
