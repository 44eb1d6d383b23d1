"""In the browser: named, dropped, sent or chosen, images come in as they are; a refusal stays where it belongs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.data import list_indexes, load_index
from engine.records import Index
from gui.web import AppSession
from tests.gui.pages.data.conftest import write_films

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = sync_api.expect
pytestmark = pytest.mark.browser


def drop(page: Any, *paths: Path) -> None:
    """Drop files and folders of the disk on the page, as a person's mouse would."""
    box = page.locator("[data-at=drop]").bounding_box()
    dropped = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    browser = page.context.new_cdp_session(page)
    for step in ("dragEnter", "dragOver", "drop"):
        place = {"type": step, "x": box["x"] + 200, "y": box["y"] + 8, "data": dropped}
        browser.send("Input.dispatchDragEvent", place)


def name(page: Any, path: Path) -> None:
    page.locator("#br-path").fill(str(path))
    page.get_by_role("button", name="Continue").click()


def read(page: Any, session: AppSession) -> Index:
    """Read what is proposed and return the data set that came of it."""
    page.get_by_role("button", name="Read these images").click()
    expect(page.locator("#data-bring [data-stage=done]")).to_be_visible()
    expect(page.locator("#data-summary")).to_be_visible()
    return load_index(session.workspace, list_indexes(session.workspace)[0].dataset_id)


def test_a_folder_is_proposed_answered_read_divided_and_found_again(
    session: AppSession, tmp_path: Path, page: Any, opened: Callable[..., Any]
) -> None:
    folder = write_films(
        tmp_path / "films", patients=20, classes=("Normal", "normal", "opacity"), table=False
    )
    film = (folder / "Normal" / "p00_0.png").read_bytes()
    (folder / "Normal" / "${document.title=1}.png").write_bytes(film[: len(film) // 2])
    page.goto(opened(session, page="data").url)
    name(page, folder)
    expect(page.locator("#data-bring [data-at=facts]")).to_contain_text("41 images · 3 classes")
    page.get_by_role("button", name="All are “Normal”").click()
    expect(page.locator("#data-bring [data-at=facts]")).to_contain_text("41 images · 2 classes")
    assert read(page, session).classes == ("Normal", "opacity")
    expect(page.locator("#data-images img")).to_have_count(16)
    page.wait_for_function("document.querySelector('#data-images img').naturalWidth > 0")
    page.get_by_role("tab", name="What the checks found").click()
    expect(page.locator("#data-issues")).to_contain_text("${document.title=1}.png")
    assert page.title() == "Data · Overread"
    page.get_by_text("Make a new split by the shares below").click()
    expect(page.locator("#data-split-note")).to_contain_text("60/20/20")

    name(page, tmp_path / "nowhere")
    refusal = page.locator("[data-at=problem-path]")
    expect(refusal).to_contain_text("nowhere")
    expect(page.locator("#data-images")).to_be_hidden()  # the data set before does not stand under it
    page.reload()
    expect(refusal).to_contain_text("nowhere")
    page.get_by_role("button", name="Back to the data set").click()
    expect(page.locator("#data-summary")).to_contain_text("40")
    expect(page.locator("#data-split-mode input[value=new]")).to_be_checked()


def test_one_folder_in_two_tabs_is_one_data_set_and_a_refusal_is_said_in_the_tab_that_asked(
    session: AppSession, tmp_path: Path, page: Any, opened: Callable[..., Any]
) -> None:
    folder = write_films(tmp_path / "films", patients=6, classes=("normal", "opacity"), table=False)
    page.goto(opened(session, page="data").url)
    other = page.context.new_page()
    other.goto(page.url)
    for tab in (page, other):
        name(tab, folder)
        expect(tab.locator("#data-bring [data-at=facts]")).to_contain_text("12 images")
    for tab in (page, other):
        read(tab, session)
        expect(tab.locator("#data-summary")).to_contain_text("12")
    assert len(list_indexes(session.workspace)) == 1
    for tab in (page, other):
        name(tab, folder)
        expect(tab.locator("#data-bring [data-stage=proposed]")).to_be_visible()
    page.bring_to_front()
    page.locator("#data-bring [data-do=cancel]:visible").click()
    expect(page.locator("#data-bring [data-at=proposal]")).to_be_hidden()
    other.bring_to_front()
    read(other, session)  # its own proposal stands, whatever the first tab did with its own


def test_two_tabs_with_two_folders_read_each_what_it_shows_and_find_it_after_a_reload(
    session: AppSession, tmp_path: Path, page: Any, opened: Callable[..., Any]
) -> None:
    page.goto(opened(session, page="data").url)
    other = page.context.new_page()
    other.goto(page.url)
    for tab, patients in ((page, 3), (other, 5)):
        name(tab, write_films(tmp_path / f"of_{patients}", patients=patients, table=False))
        expect(tab.locator("#data-bring [data-at=name]")).to_have_text(f"of_{patients}")
    page.bring_to_front()
    page.reload()
    expect(page.locator("#data-bring [data-at=name]")).to_have_text("of_3")
    newest = page.context.new_page()
    newest.goto(page.url)
    expect(newest.locator("#data-bring [data-at=name]")).to_have_text("of_5")
    newest.locator("#data-bring [data-do=cancel]:visible").click()
    for tab, patients in ((page, 3), (other, 5)):
        tab.bring_to_front()
        tab.get_by_role("button", name="Read these images").click()
        if tab is page:
            expect(tab.locator("#data-summary")).to_contain_text(str(2 * patients))
            assert load_index(session.workspace, list_indexes(session.workspace)[0].dataset_id).name == "of_3"
        else:  # the newest tab showed the same thing, and cancelled it
            expect(tab.locator("[data-at=problem-path]")).to_contain_text("nothing to read yet")


def test_sent_and_dropped_images_keep_their_folders_and_several_kinds_come_at_once(
    session: AppSession, tmp_path: Path, page: Any, opened: Callable[..., Any]
) -> None:
    folder = write_films(tmp_path / "cohort", table=False)
    shutil.copy(folder / "normal" / "p00_0.png", folder / "normal" / "odd\tname.png")
    page.goto(opened(session, page="data").url)
    page.locator("[data-at=folder]").set_input_files(folder)
    expect(page.locator("[data-at=left-out]")).to_contain_text("is not a name that can be kept")
    index = read(page, session)
    assert index.name == "cohort" and index.classes == ("normal", "opacity") and len(index.samples) == 20

    film = shutil.copy(folder / "normal" / "p00_0.png", tmp_path / "IM0001")  # without an ending
    more = shutil.make_archive(
        str(tmp_path / "more"), "zip", write_films(tmp_path / "m", classes=("effusion",))
    )
    name(page, tmp_path / "m")
    expect(page.locator("#data-bring [data-at=classes]")).to_have_text("Classeseffusion, 20 images")
    drop(page, folder, Path(more), Path(film))
    expect(page.locator("#data-bring [data-at=name]")).to_have_text("3 uploaded files and folders")
    expect(page.locator("[data-at=how]")).to_contain_text("effusion")
    assert str(session.workspace.root) not in page.content()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#data-summary")).to_contain_text("20")

    drop(page, folder / "nowhere_to_be_found.txt", Path(__file__))
    expect(page.locator("[data-at=problem-sent]")).to_contain_text("no images")
    expect(page.locator("#data-images")).to_be_hidden()


def test_a_table_sent_alone_asks_for_its_images_which_are_chosen_from_a_list(
    session: AppSession,
    tmp_path: Path,
    page: Any,
    opened: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = write_films(tmp_path / "home" / "films")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DISPLAY", raising=False)
    page.goto(opened(session, page="data").url)
    page.locator("[data-at=files]").set_input_files(folder / "films.csv")
    expect(page.locator("[data-at=problem-sent]")).to_contain_text(
        "None of the 20 files that films.csv names"
    )
    assert str(session.workspace.root) not in page.content()
    page.locator(".br-root").get_by_role("button", name="Choose folder").click()
    listed = page.get_by_role("dialog")
    listed.get_by_role("button", name=str(tmp_path / "home")).click()
    listed.get_by_role("button", name="films").click()
    expect(listed.locator("[data-at=here]")).to_have_text(str(folder))
    listed.get_by_role("button", name="Take this folder").click()
    expect(page.locator("#data-bring [data-at=facts]")).to_contain_text("10 patients")
    assert len({sample.patient_id for sample in read(page, session).samples}) == 10
