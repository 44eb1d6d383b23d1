"""Every picture of the data page has a large view that says what is known of the image; nobody else can ask for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from engine.data import index_folder, save_index
from engine.records import Index
from gui.pages.data.pictures import LAYERS, issue_image, picture_of, picture_route
from gui.web import AppSession, signed_address
from tests.gui.conftest import Traffic, draw_film


@pytest.fixture
def index(session: AppSession, tmp_path: Path) -> Index:
    """Six films in two classes, one of them twice."""
    for number in range(6):
        folder = tmp_path / "films" / ("normal", "opacity")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        draw_film(folder / f"film_{number}.png", number, side=64)
    twin = (tmp_path / "films" / "normal" / "film_0.png").read_bytes()
    (tmp_path / "films" / "normal" / "twin.png").write_bytes(twin)
    read = index_folder(tmp_path / "films")
    save_index(session.workspace, read)
    return read


def client(session: AppSession) -> TestClient:
    return TestClient(Starlette(routes=[picture_route(session)]), base_url="http://127.0.0.1")


def test_the_large_view_says_what_is_known_of_an_image(session: AppSession, index: Index) -> None:
    sample = index.samples[0]
    film = picture_of(session, index, sample.image_id, sample.path)
    about = client(session).get(film.about).json()
    facts = dict(about["facts"])
    assert about["name"] == "film_0.png"
    assert facts["Label"] == "normal"
    assert facts["Patient"] == "not named"
    assert facts["Size"] == "64 × 64 pixels"
    assert facts["Folder"] == "normal"
    for address in (film.source, about["image"]):
        assert client(session).get(address).headers["content-type"].startswith("image/")


def test_an_image_that_a_check_left_out_is_shown_with_the_check(session: AppSession, index: Index) -> None:
    number = next(i for i, issue in enumerate(index.issues) if issue.kind == "exact duplicate")
    place = next(j for j, path in enumerate(index.issues[number].paths) if path.name == "twin.png")
    film = picture_of(session, index, issue_image(number, place), index.issues[number].paths[place])
    about = client(session).get(film.about).json()
    assert about["name"] == "twin.png"
    assert ["In the data set", "no: a check left it out"] in about["facts"]
    assert ["Data issue", index.issues[number].message] in about["facts"]


@pytest.mark.parametrize("layer", LAYERS)
def test_a_picture_is_for_who_was_given_its_address_and_never_for_a_guest(
    session: AppSession, guest: AppSession, index: Index, layer: str
) -> None:
    parts = ("data-image", index.dataset_id, index.samples[0].image_id, layer)
    good = signed_address(session, *parts)
    assert client(session).get(good).status_code == 200
    assert client(session).get(good[:-1] + ("0" if good[-1] != "0" else "1")).status_code == 404
    assert client(guest).get(good).status_code == 404


def test_a_file_that_changed_since_is_refused_in_a_sentence(session: AppSession, index: Index) -> None:
    sample = index.samples[0]
    draw_film(sample.path, 99, side=64)
    answer = client(session).get(picture_of(session, index, sample.image_id, sample.path).about)
    assert answer.status_code == 404
    assert answer.text.startswith("film_0.png has changed since it was indexed.")


@pytest.mark.browser
def test_every_thumbnail_opens_by_keyboard_and_mouse(
    session: AppSession, index: Index, page: Any, opened: Callable[..., Any]
) -> None:
    from playwright.sync_api import expect

    page.goto(opened(session, page="data").url)
    figures = page.locator("#data-images [data-about]")
    expect(figures).to_have_count(6)
    figures.first.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("64 × 64 pixels")
    expect(dialog.get_by_role("heading")).to_have_text("film_0.png")
    page.wait_for_function("document.querySelector('[data-at=image]').naturalWidth === 64")
    page.keyboard.press("ArrowRight")
    expect(dialog.get_by_role("heading")).to_have_text("film_2.png")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(figures.nth(1)).to_be_focused()
    figures.nth(5).click()
    expect(dialog).to_contain_text("opacity")
    expect(dialog.get_by_role("button", name="Next image")).to_be_disabled()


@pytest.mark.browser
def test_a_picture_that_cannot_be_shown_is_said_legibly_and_why_when_it_is_opened(
    session: AppSession, index: Index, page: Any, opened: Callable[..., Any], traffic: Traffic
) -> None:
    from playwright.sync_api import expect

    index.samples[0].path.unlink()
    page.goto(opened(session, page="data").url)
    missing = page.locator("#data-images .or-missing")
    expect(missing).to_have_text("cannot be shown")
    expect(missing).to_have_css("color", "rgb(201, 209, 217)")  # the box is black, in light and dark
    page.locator("#data-images [data-about]").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("film_0.png cannot be opened")
    traffic.refused.clear()
