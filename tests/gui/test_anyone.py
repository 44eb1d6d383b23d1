"""Anyone can use it: every page in every state that a person opens, by axe; all work by keys or by mouse alone."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.data import index_data, list_indexes, save_index
from engine.reading import Reader
from engine.records import Run
from engine.workspace import Workspace, open_workspace
from gui.door import Password
from gui.mounting import members_of
from gui.web.invited import Invited
from gui.web.session import AppSession, open_session
from sample_data import SAMPLE_TABLE
from tests.gui.axe import OPEN_ALL, violations
from tests.gui.conftest import Room
from tests.tiny import draw_films

ROOT = Path(__file__).parents[2]
READY = ".rv[data-shown]:not([data-busy]):not([data-guard])"


def looked_at(page: Any, where: str, wrong: list[str]) -> None:
    """Hold the page, as it stands, against every rule; in dark against those that colours can break."""
    for scheme, only in (("light", ()), ("dark", ("color-contrast",))):
        page.emulate_media(color_scheme=scheme)
        wrong += [f"{where}, {scheme}: {one}" for one in violations(page, only=only)]
    page.emulate_media(color_scheme="light")


@pytest.fixture
def own(trained: tuple[Workspace, Run], tmp_path: Path) -> Iterator[AppSession]:
    """A window's session on a trained run of one data set, and on another in which something is amiss."""
    shutil.copytree(trained[0].root, tmp_path / "workspace")
    amiss = draw_films(tmp_path / "amiss", patients=6)
    for name in ("cut.png", "torn.png"):
        (amiss / "normal" / name).write_bytes((amiss / "normal" / "p01-0.png").read_bytes()[:200])
    shutil.copy(amiss / "normal" / "p01-0.png", amiss / "opacity")
    session = open_session(open_workspace(tmp_path / "workspace"), reader="eve")
    save_index(session.workspace, index_data(amiss))
    yield session
    session.store.close()


@pytest.mark.browser
def test_axe_finds_nothing_on_any_page_in_any_state_light_or_dark(
    own: AppSession, page: Any, opened: Callable[..., Any]
) -> None:
    page.goto(opened(own).url)
    wrong: list[str] = []

    def look(where: str) -> None:
        looked_at(page, where, wrong)

    def go(tab: str, there: str) -> None:
        page.click(f"#page-{tab}-button")
        page.wait_for_selector(there)

    page.wait_for_selector(READY)
    look("Review")
    for key, dialog in (("?", "keys"), ("e", "summary")):
        page.keyboard.press(key)
        page.wait_for_selector(f".rv dialog[data-at={dialog}][open]")
        look(f"Review, {dialog}")
        page.keyboard.press("Escape")
        page.wait_for_selector(READY)
    page.keyboard.press("l")
    page.keyboard.press("Shift+R")
    page.wait_for_selector(".rv-shape")
    look("Review, a region and the label")
    page.keyboard.press("Delete")

    address = page.url
    page.goto(address.partition("?")[0] + f"?tab=data&data={list_indexes(own.workspace)[0].dataset_id}")
    page.wait_for_selector("#data-images .or-picture")
    page.evaluate(OPEN_ALL)
    look("Data")
    page.locator("#data-images .or-picture").first.click()
    page.wait_for_selector("#data-large dialog[open]")
    look("Data, a large image")
    page.keyboard.press("Escape")
    for inner, there in (("What the checks found", "#data-issues .or-note"), ("Counts", "#data-counts table")):
        page.get_by_role("tab", name=inner).click()
        page.wait_for_selector(there)
        page.evaluate(OPEN_ALL)
        look(f"Data, {inner}")
    page.locator("#data-bring [data-do=list]").dispatch_event("click")
    page.wait_for_selector("#data-bring dialog[open]")
    look("Data, the list of folders")
    page.keyboard.press("Escape")
    for path, there in (
        (ROOT / "no such folder", "[data-at=problem-path]"),
        (SAMPLE_TABLE, "#data-bring [data-at=proposal]"),
    ):
        page.locator("#br-path").fill(str(path))
        page.locator("#data-bring [data-at=look]").click()
        page.wait_for_selector(there)
        page.evaluate(OPEN_ALL)
        look(f"Data, {path.name}")

    page.goto(address)
    go("train", "#train-facts >> text=parameters in total")
    page.evaluate(OPEN_ALL)
    look("Train")

    go("studies", "text=Make a study")
    look("Studies")
    page.click("text=Make a study")
    form = page.locator(".sd-form")
    form.locator("[name=name]").fill("Blind, then assisted")
    form.locator("[name=design]").select_option("blind then assisted")
    form.locator("[name=certainty]").select_option("1-5")
    form.locator("[name=readers]").first.check()
    page.wait_for_selector("[data-at=summary] >> text=1 reader")
    look("Studies, a new one")
    page.click("[data-at=make]")
    page.wait_for_selector("text=Begin reading")
    page.evaluate(OPEN_ALL)
    look("Studies, one")
    page.click("text=Begin reading")
    page.wait_for_selector(".st-room[data-shown]:not([data-busy])")
    look("Studies, reading")
    page.keyboard.press("?")
    page.wait_for_selector(".st-room dialog[open]")
    look("Studies, keys")
    page.keyboard.press("Escape")

    go("report", "#report-drawings-0 svg")
    page.evaluate("document.querySelector('#report-parts').scrollIntoView({ block: 'end' })")
    page.wait_for_function("!document.querySelector('#report-parts .or-skeleton')")
    page.evaluate(OPEN_ALL)
    look("Report")
    page.locator("button.or-cell").first.click()
    page.wait_for_selector(".rp-dialog[open]")
    look("Report, the cases of a cell")
    page.keyboard.press("Escape")
    for inner in ("Images from elsewhere", "Labels"):
        page.get_by_role("tab", name=inner).click()
        page.evaluate(OPEN_ALL)
        look(f"Report, {inner}")

    go("share", "#share-consent")
    look("Share")
    page.locator("#share-kind label").nth(1).click()
    page.wait_for_selector("#share-study")
    look("Share, a study")
    assert wrong == []


@pytest.mark.browser
def test_axe_finds_nothing_before_a_door_in_a_guests_window_or_in_what_is_taken_away(
    room: Room, page: Any, opened: Callable[..., Any]
) -> None:
    wrong: list[str] = []
    guests = opened(replace(room.session, read_only=True))
    page.goto(guests.url)
    page.wait_for_selector(READY)
    looked_at(page, "a guest's window", wrong)
    study = room.session.store.studies.create(_protocol(room))
    invited = opened(replace(room.session, invited=Invited(study_id=study.study_id, reader="anna")))
    page.goto(invited.url)
    page.click("#studies-desk button")
    page.wait_for_selector(".st-room[data-shown]:not([data-busy])")
    looked_at(page, "an invited reader", wrong)
    doors = {
        "key": opened(room.session),
        "link": opened(room.session, entrance=Password(lambda user, word: False)),
    }
    room.session.store.add_reader(Reader(reader_id="", name="Ada", role="administrator"))
    room.session.store.accounts.set_password("Ada", "correct horse battery")
    doors["accounts"] = opened(room.session, entrance=members_of(room.session, None))
    page.context.clear_cookies()
    for name, window in doors.items():
        page.route(
            window.url + "/", lambda route: route.fulfill(response=route.fetch(), status=200)
        )  # a door's 401
        page.goto(window.url)
        looked_at(page, f"the door of a window with a {name}", wrong)
    for path in (ROOT / "docs" / "sample").glob("*.html"):
        page.goto(path.as_uri())
        page.evaluate(OPEN_ALL)
        looked_at(page, path.name, wrong)
    assert wrong == []


def _protocol(room: Room) -> Any:
    from engine.reading import Drawn, Protocol

    (anna,) = [one.reader_id for one in room.session.store.people() if one.name == "anna"]
    return Protocol(
        name="pilot",
        design="blind",
        run_id=room.run.run_id,
        readers=(anna,),
        drawn=Drawn(rule="all"),
        consensus="majority",
    )
