"""A page that misses images asks where they are now, and the answer mends it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.data import index_data, save_index
from engine.errors import DataError, ReviewError
from gui.pages.data.page import SHOWN, find_images, show
from gui.pages.review.answering import find_images as find_from_review
from gui.pages.review.opening import open_reading
from gui.pages.review.reading_session import Desk
from gui.pages.train.plan import data_facts
from gui.pages.where_now import found, look_there, missed
from gui.web.session import AppSession
from tests.gui.conftest import Room
from tests.gui.pages.data.conftest import write_films


def kept(session: AppSession, folder: Path) -> str:
    index = index_data(write_films(folder))
    save_index(session.workspace, index)
    return index.dataset_id


def test_the_data_page_asks_only_while_images_are_missed_and_shows_them_again(
    room: Room, tmp_path: Path
) -> None:
    dataset_id = kept(room.session, tmp_path / "data")
    group, note = show(room.session, dataset_id)[-2:]
    assert (group.visible, note) == (False, "")
    (tmp_path / "data").rename(tmp_path / "moved")
    group, note = show(room.session, dataset_id)[-2:]
    assert group.visible and "20 of 20 images are no longer where they were" in note
    assert "on the Data page" in data_facts(room.session, dataset_id)
    *shown, answer = find_images(room.session, dataset_id, f" {tmp_path / 'moved'} ")
    assert len(shown) == SHOWN and not shown[-2].visible
    assert "20 of 20 images were found" in answer


def test_the_review_page_keeps_the_case_and_what_was_found_is_said(room: Room, tmp_path: Path) -> None:
    (tmp_path / "films").rename(tmp_path / "moved")
    desk = Desk(room.session)
    reading = open_reading(desk, {})["reading"]
    told = find_from_review(desk, {"reading": reading, "folder": str(tmp_path / "moved")})
    assert told["found"] == 12 and "12 of 12 images were found" in told["said"]
    assert all(case.path.is_file() for case in room.session.store.predictions(room.run.run_id))


def test_a_guest_is_not_asked_and_not_answered(room: Room, tmp_path: Path) -> None:
    guest = AppSession(workspace=room.session.workspace, store=room.session.store, read_only=True)
    assert not missed(guest, [Path("/gone.png")])[0].visible
    with pytest.raises(ReviewError):
        look_there(guest, room.run.run_id, str(tmp_path))


@pytest.mark.parametrize("folder", ["", "  ", "/no/such/folder", "a\0b", "~nobody-here/x", "\udc80"])
def test_a_folder_that_is_none_is_refused_in_a_sentence(room: Room, folder: str) -> None:
    with pytest.raises(DataError):
        found(room.session, room.run.run_id, folder)


def test_a_damaged_heatmap_file_keeps_nobody_from_reading(room: Room) -> None:
    (room.run.folder / "heatmaps.npz").write_bytes(b"PK")
    case = open_reading(Desk(room.session), {})["case"]
    assert case["heat"] is None and "heatmaps.npz is damaged" in case["method"]


@pytest.mark.browser
def test_a_reader_names_the_new_folder_and_goes_on_reading(
    room: Room, tmp_path: Path, page: Any, opened: Callable[..., Any]
) -> None:
    kept(room.session, tmp_path / "data")
    (tmp_path / "films").rename(tmp_path / "moved")
    page.goto(opened(room.session).url)
    page.wait_for_selector(".rv-where")
    page.fill(".rv-where", str(tmp_path / "moved"))
    page.screenshot(path=tmp_path / "asked.png")
    page.click(".rv-notice-actions >> text=Look there")
    page.wait_for_selector("[data-at=notice]", state="hidden")
    page.wait_for_function("document.querySelector('[data-at=image]').naturalWidth > 0")
    page.wait_for_selector("[data-at=toast] >> text=12 of 12 images were found")
    (tmp_path / "data").rename(tmp_path / "moved data")
    page.click("#page-data-button")
    page.wait_for_selector("#data-where-look", state="visible")
    page.locator("#data-where-folder").get_by_role("textbox").fill(str(tmp_path / "moved data"))
    page.screenshot(path=tmp_path / "data.png")
    page.click("#data-where-look")
    page.wait_for_selector("#data-where-answer >> text=20 of 20 images were found")
    page.wait_for_selector("#data-where-look", state="hidden")
