"""Anyone can use it: every page in every state that a person opens, by axe; all work by keys or by mouse alone."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine import jobs
from engine.data import index_data, list_indexes, save_index
from engine.reading import Reader
from engine.recipes import keep_own
from engine.records import Run
from engine.workspace import Workspace, open_workspace
from gui.door import Password
from gui.mounting import members_of
from gui.web.invited import Invited
from gui.web.session import AppSession, open_session
from sample_data import SAMPLE_TABLE
from tests.gui.axe import OPEN_ALL, violations
from tests.gui.conftest import Room, answer_now
from tests.tiny import TINY_RECIPE, draw_films

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
    for inner, there in (
        ("What the checks found", "#data-issues .or-note"),
        ("Counts", "#data-counts table"),
    ):
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
    for number in range(page.locator(".rp-part").count()):  # each is drawn when it is come to
        page.locator(".rp-part").nth(number).scroll_into_view_if_needed()
        page.wait_for_selector(f".rp-part >> nth={number} >> .rp-body:not(:has(.or-skeleton))")
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


# ------------------------------------------------------------------------------------- by keys alone, by mouse alone

UNSEEN = """() => {
  const at = document.activeElement, style = getComputedStyle(at);
  const seen = at === document.body || style.outlineStyle !== 'none' || style.boxShadow !== 'none';
  return seen ? '' : at.outerHTML.slice(0, 200);
}"""
BARE = """[...document.querySelectorAll('button')]
  .filter((one) => one.offsetParent && getComputedStyle(one).borderStyle === 'none').length"""
LONG = replace(TINY_RECIPE, title="Mine", phases=(replace(TINY_RECIPE.phases[0], epochs=10_000),))


@pytest.fixture
def work(
    own: AppSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[AppSession, Path]]:
    """A session with a trained run and a recipe that trains until it is stopped, and a folder of images at home."""
    keep_own(own.workspace, LONG)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DISPLAY", raising=False)
    yield own, draw_films(tmp_path / "home" / "films", patients=20)
    for one in jobs.list_jobs(own.workspace):
        if one.working:
            jobs.stop(one.folder)


def reach(page: Any, there: str) -> None:
    """Press Tab until the focus is there; wherever it stops it is seen."""
    for _ in range(150):
        if page.evaluate("(there) => document.activeElement.matches(there)", there):
            return
        page.keyboard.press("Tab")
        assert page.evaluate(UNSEEN) == ""
    raise AssertionError(f"Tab does not lead to {there}")


@pytest.mark.browser
def test_the_whole_job_is_done_by_keys_alone_and_the_focus_is_always_seen(
    work: tuple[AppSession, Path], page: Any, opened: Callable[..., Any]
) -> None:
    session, folder = work
    (run_id,) = session.store.run_ids()
    page.goto(opened(session).url)
    page.wait_for_selector(READY)

    def press(there: str) -> None:
        reach(page, there)
        page.keyboard.press("Enter")

    for key in ("a", "u", "2", "x"):
        page.wait_for_selector(READY)
        shown = page.get_attribute(".rv", "data-shown")
        page.keyboard.press(key)
        page.wait_for_function("(was) => document.querySelector('.rv').dataset.shown !== was", arg=shown)
    assert len(session.store.reviews(run_id, reader="eve")) == 4
    press("#page-data-button")
    page.wait_for_selector("#br-path")
    reach(page, "#br-path")
    page.keyboard.type(str(folder))
    page.keyboard.press("Enter")
    page.wait_for_selector("#data-bring [data-at=proposal]")
    press("[data-at=read]")
    page.wait_for_selector("#data-bring [data-stage=done]")
    press("#page-train-button")
    page.wait_for_selector("#train-facts >> text=parameters in total")
    press("#train-expert > button")
    reach(page, "#train-recipe input")
    page.keyboard.type("Mine")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector("#train-facts >> text=10,000")
    press("#train-start")
    page.wait_for_selector("#train-stop")
    press("#train-stop")
    page.wait_for_selector("#train-status >> text=Stopped")
    press("#page-report-button")
    page.wait_for_selector("#report-drawings-0 svg")
    reach(page, "#report-html")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename.endswith(".html")


@pytest.mark.browser
def test_the_whole_job_is_done_by_the_mouse_alone(
    work: tuple[AppSession, Path], page: Any, opened: Callable[..., Any]
) -> None:
    session, folder = work
    (run_id,) = session.store.run_ids()
    page.goto(opened(session).url)
    for what in ("agree", "unsure", "not-diagnostic", "next", "agree"):
        page.wait_for_selector(READY)
        shown = page.get_attribute(".rv", "data-shown")
        page.click(f".rv [data-do={what}]")
        page.wait_for_function("(was) => document.querySelector('.rv').dataset.shown !== was", arg=shown)
    assert len(session.store.reviews(run_id, reader="eve")) == 4
    page.click("#page-data-button")
    page.get_by_role("button", name="Choose folder").click()
    listed = page.get_by_role("dialog")
    listed.get_by_role("button", name=str(folder.parent)).click()
    listed.get_by_role("button", name=folder.name).click()
    listed.get_by_role("button", name="Take this folder").click()
    page.click("[data-at=read]")
    page.wait_for_selector("#data-bring [data-stage=done]")
    page.click("#page-train-button")
    page.wait_for_selector("#train-facts >> text=parameters in total")
    page.click("#train-expert > button")
    page.click("#train-recipe input")
    page.get_by_role("option", name="Mine").click()
    page.wait_for_selector("#train-facts >> text=10,000")
    page.click("#train-start")
    page.click("#train-stop")
    page.wait_for_selector("#train-status >> text=Stopped")
    page.click("#page-report-button")
    page.wait_for_selector("#report-drawings-0 svg")
    with page.expect_download() as download:
        page.click("#report-html")
    assert download.value.suggested_filename.endswith(".html")


# -------------------------------------------------------------------------------- what people ask of their system


@pytest.mark.browser
def test_at_200_percent_without_motion_and_in_the_systems_colours_everything_is_there(
    own: AppSession, page: Any, opened: Callable[..., Any]
) -> None:
    """The width of a screen of 1,280 at 200 %: nothing lies beside it."""
    page.set_viewport_size({"width": 640, "height": 360})
    page.emulate_media(reduced_motion="reduce", forced_colors="active")
    page.goto(opened(own).url)
    page.wait_for_selector(READY)
    colour = "(there) => getComputedStyle(document.querySelector(there)).backgroundColor"
    pressed, plain = (page.evaluate(colour, f".rv [data-do={name}]") for name in ("tool-move", "tool-window"))
    assert pressed != plain
    assert page.evaluate(colour, "#page-review-button") == pressed
    for tab in ("review", "data", "train", "studies", "report", "share"):
        page.click(f"#page-{tab}-button")
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, tab
        assert page.evaluate("document.getAnimations().length") == 0, tab
        assert page.evaluate(BARE) == 0, tab


@pytest.mark.browser
def test_film_map_and_regions_have_names_for_those_who_hear_them(
    room: Room, page: Any, opened: Callable[..., Any]
) -> None:
    page.goto(opened(room.session).url)
    page.wait_for_selector(READY)
    page.keyboard.press("Shift+R")
    page.wait_for_selector(".rv-shape")
    heard = page.locator("body").aria_snapshot()
    for name in (
        'heading "Review" [level=1]',
        'img "The image of this case"',
        'img "Heatmap"',
        'group "Your verdict"',
    ):
        assert name in heard
    assert 'group "Regions":' in heard and "Region 1" in heard


# ----------------------------------------------------------------------------------------------------- the first run


@pytest.mark.browser
def test_the_guide_leads_over_the_pages_once_and_again_when_asked_but_not_into_studies_or_to_guests(
    room: Room, page: Any, opened: Callable[..., Any]
) -> None:
    window = opened(room.session, guided=True)
    page.goto(window.url)
    guide = page.get_by_role("dialog", name="Overread in four steps")
    guide.wait_for()
    assert violations(page) == []
    for tab in ("data", "train", "review", "report"):
        guide.locator("[data-gd=next]").click()
        page.wait_for_url(f"**tab={tab}*")
        assert guide.locator("[aria-current=step]").get_attribute("data-step") == tab
    page.keyboard.press("a")  # the focus is in the guide: no verdict
    page.keyboard.press("Escape")
    guide.wait_for(state="hidden")
    assert room.session.store.reviews(room.run.run_id) == []
    page.reload()
    page.wait_for_selector(".gd-help")
    page.wait_for_timeout(500)
    assert guide.is_hidden()
    page.get_by_role("button", name="Help").click()
    assert guide.locator("[aria-current=step]").get_attribute("data-step") == "report"
    page.click("#page-studies-button")
    guide.wait_for(state="hidden")
    page.locator(".gd-help").wait_for(state="hidden")
    page.goto("about:blank")  # whatever it still asks for it asks with its cookies
    page.context.clear_cookies()
    page.goto(opened(replace(room.session, read_only=True), guided=True).url)
    page.wait_for_selector(READY)
    assert page.locator(".gd, .gd-help").count() == 0


# ------------------------------------------------------------------------------------------------- nothing is blank


@pytest.mark.browser
def test_no_page_is_blank_while_the_server_has_not_answered(
    own: AppSession, page: Any, opened: Callable[..., Any]
) -> None:
    page.goto(opened(own).url)
    page.wait_for_selector(READY)
    held: list[Any] = []
    for pattern in ("**/gradio_api/component_server**", "**/gradio_api/run/**", "**/gradio_api/queue/**"):
        answer_now(page, pattern, lambda route: held.append(route))
    for tab, there in (
        ("data", "#data-summary .or-skeleton"),
        ("train", "#train-facts >> text=Building the network"),
        ("studies", "#studies-desk .or-skeleton"),
        ("report", "#report-parts .or-skeleton"),
        ("share", "#share-consent"),
    ):
        page.click(f"#page-{tab}-button")
        page.locator(there).first.wait_for()
    page.goto("about:blank")  # what was held is never asked
