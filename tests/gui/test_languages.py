"""Each browser has the pages in its own language: what stands on them, and what is answered to it."""

from __future__ import annotations

import ast
import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest

from engine.language import _, languages, speaking
from gui.app import LOOK, build_app
from gui.door import BackgroundServer, Guard, Key, Password, openings_of
from gui.door.languages import asked_by
from gui.languages import Pages, reworded
from gui.mounting import mounted
from gui.web.background import Work
from tests.gui.axe import violations
from tests.gui.conftest import Room

ROOT = Path(__file__).parents[2]

CLOSE = {"en": "Close", "fa": "بستن", "he": "סגירה"}


@pytest.mark.parametrize(
    ("cookie", "header", "code"),
    [
        ("", "", "en"),
        ("", "he-IL,he;q=0.9,en;q=0.8", "he"),
        ("", "iw", "he"),
        ("", "de-CH, fa;q=0.5, en;q=0.7", "en"),
        ("", "en; q=0.5 , fa ; Q=0.7", "fa"),
        ("", "he;q=0, fa;q=nan", "en"),
        ("", "xx;q=,*;q=0.5,fa;q=0.1", "fa"),
        ("overread_language=fa", "he", "fa"),
        ("overread_language=nonsense; other=fa", "he", "he"),
    ],
)
def test_the_language_is_the_chosen_one_else_the_first_the_browser_asks_for_that_there_is(
    cookie: str, header: str, code: str
) -> None:
    named = {b"cookie": cookie.encode(), b"accept-language": header.encode()}
    assert asked_by({"type": "http", "headers": [*named.items()]}) == code


class Served:
    """A page with a queued event and a function for scripts, which answer once two visitors have asked."""

    def __init__(self, folder: Path) -> None:
        self.both = threading.Barrier(2, timeout=60)
        self.pages = Pages(self._place, title="Overread")
        guard = Guard(
            mounted(self.pages, [], LOOK, prefix="", accounts=False),
            hosts=lambda: {f"127.0.0.1:{self.port}"},
            entrance=(key := Key()),
            openings=openings_of(self.pages, [], folder),
            cookie="c",
        )
        listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(listening.getsockname()[1])
        self.key, self.server = key.key, BackgroundServer(guard, listening)

    def _place(self) -> None:
        self.box = gr.Textbox(label=_("Close"))
        self.button = gr.Button(_("Close"))
        self.button.click(self._answer, None, self.box, concurrency_limit=4)
        self.html = gr.HTML(server_functions=[lambda asked=None: self._answer()])

    def _answer(self) -> str:
        self.both.wait()
        return _("Close")

    def visit(self, code: str) -> dict[str, str]:
        """Come as a browser of a language does: load the page, press the button, call the function."""
        with httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=90) as client:
            client.cookies.set("overread_language", code)
            client.get("/", params={"key": self.key})
            page = client.get("/").text
            assert f'<head><script src="words/{code}.js?' in page
            told, _end = json.JSONDecoder().raw_decode(page.partition("window.gradio_config = ")[2])
            (label,) = [one["props"]["label"] for one in told["components"] if one["type"] == "textbox"]
            (event,) = [one["id"] for one in told["dependencies"]]
            asked = {"data": [], "fn_index": event, "session_hash": code}
            assert client.post("/gradio_api/queue/join", json=asked).status_code == 200
            with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": code}) as stream:
                line = next(one for one in stream.iter_lines() if "process_completed" in one)
            queued = json.loads(line.removeprefix("data: "))["output"]["data"][0]
            (block,) = [one["id"] for one in told["components"] if one["type"] == "html"]
            asked = {"data": {}, "component_id": block, "fn_name": "<lambda>", "session_hash": code}
            called = client.post("/gradio_api/component_server/", json=asked).json()
            return {"label": label, "queued": queued, "called": called}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    one = Served(tmp_path)
    yield one
    one.server.close()


def test_two_visitors_at_once_are_each_answered_in_their_language(served: Served) -> None:
    for pair in (("fa", "he"), ("en", "fa")):
        with ThreadPoolExecutor(2) as both:
            for code, told in zip(pair, both.map(served.visit, pair), strict=True):
                assert told == dict.fromkeys(("label", "queued", "called"), CLOSE[code])


def test_what_goes_on_beside_the_pages_speaks_the_language_of_whoever_began_it() -> None:
    work: Work[str] = Work()
    with speaking("he"):
        work.begin("something", lambda progress: _("Close"))
    while work.state is None or work.state.working:
        threading.Event().wait(0.01)
    assert work.state.result == CLOSE["he"]


def test_the_pages_are_the_same_components_and_events_in_each_language_and_made_when_first_asked_for(
    room: Room,
) -> None:
    pages = build_app(room.session)
    assert isinstance(pages, Pages) and set(pages._told) == {"en"}
    told = {}
    for code in languages():
        with speaking(code):
            told[code] = pages.config
    english = told.pop("en")
    for other in told.values():
        assert other is not english, "the build in another language was not the same"
        assert {**other, "components": ()} == {**english, "components": ()}
        for mine, theirs in zip(english["components"], other["components"], strict=True):
            same = {key for key in mine if key != "props"}
            assert {key: mine[key] for key in same} == {key: theirs[key] for key in same}


def test_components_that_are_not_the_same_are_refused() -> None:
    def told(*types: str) -> Any:
        return {"components": [{"id": number, "type": one, "props": {}} for number, one in enumerate(types)]}

    for other in (("html", "html"), ("html",), ("html", "tab", "tab")):
        with pytest.raises(ValueError):
            reworded(told("html", "tab"), told(*other))


@pytest.mark.browser
def test_the_menu_brings_the_page_again_at_the_same_address_in_the_language_and_keeps_it(
    room: Room, page: Any, opened: Callable[..., Any]
) -> None:
    page.goto(opened(room.session).url + "/?tab=share")
    menu = page.get_by_role("combobox", name="Language")
    menu.wait_for()
    assert menu.locator("option").all_inner_texts() == ["English", "فارسی", "עברית"]
    assert page.evaluate("[document.documentElement.lang, document.documentElement.dir]") == ["en", "ltr"]
    page.wait_for_selector(".rv[data-shown]", state="attached")
    menu.focus()
    with page.expect_navigation():
        page.keyboard.press("ArrowDown")
    page.wait_for_selector("#page-share-button[aria-selected=true]")
    assert "?tab=share" in page.url
    assert page.evaluate("[document.documentElement.lang, document.documentElement.dir]") == ["fa", "rtl"]
    assert page.evaluate("[navigator.language, numeral(1234.5, 1)]") == ["fa", "۱٬۲۳۴٫۵"]
    page.wait_for_function(
        "[...document.fonts].some((one) => one.family.includes('digits') && one.status === 'loaded')"
    )
    page.set_viewport_size({"width": 390, "height": 844})  # a telephone's
    page.wait_for_function(
        "[...document.querySelectorAll('#pages > .tab-wrapper [role=tab]')]"
        ".every((one) => one.scrollWidth <= one.offsetWidth)"
    )
    page.set_viewport_size({"width": 1280, "height": 720})
    box = page.locator("#language").bounding_box()
    assert box["x"] + box["width"] < page.viewport_size["width"] / 2, "the corner of the menu is mirrored"
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert violations(page) == []
    page.reload()
    assert page.evaluate("document.documentElement.lang") == "fa"


@pytest.mark.browser
def test_whoever_stands_before_the_door_chooses_a_language_there(
    room: Room, page: Any, opened: Callable[..., Any]
) -> None:
    guests = opened(replace(room.session, read_only=True), entrance=Password(lambda user, word: False))
    page.route(
        guests.url + "/", lambda route: route.fulfill(response=route.fetch(), status=200)
    )  # a door's 401
    page.goto(guests.url)
    page.locator(".or-language select").select_option("he")
    page.wait_for_function("document.documentElement.lang === 'he' && document.documentElement.dir === 'rtl'")
    assert page.locator(".or-language select").input_value() == "he"
    assert violations(page) == []


def test_no_page_shows_what_an_error_says_in_english() -> None:
    """What the engine's errors say is English; a page says it again by `retold` or `markup.told`."""
    english = []
    for path in sorted([*(ROOT / "gui" / "pages").rglob("*.py"), *(ROOT / "gui" / "web").rglob("*.py")]):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        caught = {one.name for one in ast.walk(tree) if isinstance(one, ast.ExceptHandler)} - {None}
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Name(id="str"), args=[ast.Name(id=name)]) if name in {
                    *caught,
                    "error",
                }:
                    english.append(f"{path.name}: str({name})")
    # neither is shown: one is looked through for a field, the other compared
    assert english == ["coming.py: str(error)", "recipe_form.py: str(error)"]
