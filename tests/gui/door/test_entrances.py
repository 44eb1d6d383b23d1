"""In a browser: the key opens the window once and leaves the address; whoever has none is told where it is."""

from __future__ import annotations

import stat
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.language import _, speaking
from gui.app import build_app, start
from gui.door import Key, Password, way_in
from gui.door.entrances import MOST_VISITORS, Visitors, without_key
from tests.gui.conftest import Room, Traffic, answer_now

ON_SCREEN = ".rv[data-shown]:not([data-busy]):not([data-guard])"


@pytest.mark.browser
def test_the_key_opens_the_page_once_and_leaves_the_address(
    room: Room, page: Any, traffic: Traffic, opened: Callable[..., Any]
) -> None:
    window = opened(room.session)
    page.context.clear_cookies()
    page.goto(f"{window.address}&case={room.predictions[4].image_id}&tab=review")
    page.wait_for_selector(ON_SCREEN)
    assert page.url.partition("?")[0] == window.url + "/" and "key=" not in page.url
    assert page.get_attribute(".rv", "data-shown") == room.predictions[4].image_id
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert str(window.port) in cookie["name"] and window.guard.entrance.key not in cookie["value"]
    page.reload()
    page.wait_for_selector(ON_SCREEN)
    other = page.context.new_page()
    other.goto(window.url)
    other.wait_for_selector(ON_SCREEN)
    key = window.guard.entrance.key
    assert [one for one in traffic.requests if key in one] == [
        f"{window.address}&case={room.predictions[4].image_id}&tab=review"
    ]
    assert key not in page.content() and not page.evaluate("document.cookie")


@pytest.mark.browser
def test_whoever_has_no_key_reads_where_it_is(
    room: Room, page: Any, traffic: Traffic, opened: Callable[..., Any]
) -> None:
    window = opened(room.session)
    page.context.clear_cookies()
    for address in (window.url, f"{window.url}/anything", f"{window.url}/?key=wrong"):
        page.goto(address)
        assert page.get_by_role("heading").inner_text() == "This page opens with a key"
        assert "the line that begins with “Overread is open at”" in page.locator("main").inner_text()
        assert page.get_by_role("alert").count() == ("key=" in address)
        assert window.guard.entrance.key not in page.content()
    traffic.refused.clear()  # as it should be


@pytest.mark.browser
def test_a_link_that_stands_elsewhere_leads_in_with_the_key_and_again_without_it(
    room: Room, page: Any, opened: Callable[..., Any], tmp_path: Path, traffic: Traffic
) -> None:
    """The browser holds the cookie back from what another site led it to; the page leads it there itself."""
    window = opened(room.session)
    page.context.clear_cookies()
    one, other = (case.image_id for case in room.predictions[4:6])
    for address, named in (
        (f"{window.address}&amp;case={one}&amp;tab=review", one),
        (f"{window.url}/?case={other}", other),
    ):
        note = tmp_path / "note.html"
        note.write_text(f'<a href="{address}">the window</a>')
        page.goto(note.as_uri())
        page.get_by_role("link").click()
        page.wait_for_selector(ON_SCREEN)
        assert page.url.partition("?")[0] == window.url + "/" and "key=" not in page.url
        assert page.get_attribute(".rv", "data-shown") == named  # what else the address said is kept
    assert len(traffic.refused) <= 1  # the first answer to the second link, which leads on
    traffic.refused.clear()


@pytest.mark.browser
def test_a_page_whose_program_does_not_answer_says_what_to_do_in_its_language(
    room: Room, page: Any, opened: Callable[..., Any]
) -> None:
    """Gradio's own word is in English everywhere, and speaks of a reconnection alone."""
    window = opened(room.session)
    page.goto(f"{window.url}/?tab=data")
    page.locator(".or-language select").select_option("fa")
    page.wait_for_selector("html[lang=fa] #data-apply-split")
    page.wait_for_selector("#data-summary .or-note")
    with speaking("fa"):
        sentence = _("Overread is not responding. Check that the program is still running.")
    answer_now(page, "**/gradio_api/queue/**", lambda asked: asked.abort())
    page.click("#data-apply-split")
    told = page.locator("#not-known")
    told.wait_for()
    assert told.inner_text() == sentence and "Overread is not" not in sentence
    page.unroute("**/gradio_api/queue/**")
    page.click("#data-apply-split")
    told.wait_for(state="detached")


@pytest.mark.browser
def test_a_page_of_before_a_restart_says_so_and_keeps_what_is_on_it(
    room: Room, page: Any, opened: Callable[..., Any], traffic: Traffic
) -> None:
    window = opened(room.session)
    page.goto(window.url)
    page.wait_for_selector(ON_SCREEN)
    shown = page.get_attribute(".rv", "data-shown")
    window.close()
    again = start(room.session, port=window.port)
    try:
        page.keyboard.press("ArrowRight")
        told = page.locator("#not-known")
        told.wait_for()
        assert "was started again" in told.inner_text() and "the terminal" in told.inner_text()
        assert page.get_attribute(".rv", "data-shown") == shown
        page.wait_for_selector(ON_SCREEN)
        assert page.locator("#reading [data-at=toast]").is_hidden()  # that it does not respond would be wrong
        page.wait_for_selector(".rv[data-shown]:not([data-busy], [data-guard])")
        page.keyboard.press("a")
        page.wait_for_function(
            "document.querySelector('#reading [data-at=stored]').textContent.startsWith('Not stored')"
        )
        other = page.context.new_page()
        other.goto(page.url)
        assert other.get_by_role("heading").inner_text() == "This page opens with a key"
        other.goto(again.address)
        other.wait_for_selector(ON_SCREEN)
        page.keyboard.press("ArrowRight")  # known again, by the other tab of this browser
        told.wait_for(state="detached")
        other.close()
    finally:
        again.close()
    traffic.refused.clear()


@pytest.mark.browser
def test_who_only_looks_is_told_where_no_answer_comes_what_a_guest_can_do(
    room: Room, page: Any, opened: Callable[..., Any]
) -> None:
    page.goto(opened(replace(room.session, read_only=True)).url)
    page.wait_for_selector(ON_SCREEN)
    answer_now(page, "**/component_server/**", lambda asked: asked.abort())
    page.keyboard.press("ArrowRight")
    page.get_by_text("Whoever sent you the link can open it again.").wait_for()
    assert page.get_by_text("Check that the program").count() == 0


@pytest.mark.browser
@pytest.mark.parametrize("language", ["en", "fa"])
def test_a_guest_whose_time_is_over_is_told_when_that_was_and_no_other_reason(
    room: Room, page: Any, opened: Callable[..., Any], traffic: Traffic, language: str
) -> None:
    """Before that, a link that does not answer may have been ended or be broken: nobody knows."""
    entrance, left = Password(lambda user, password: True), [3600.0]
    entrance.left = lambda: left[0]
    window = opened(replace(room.session, read_only=True), entrance=entrance)
    page.set_extra_http_headers({"Accept-Language": language})
    page.goto(window.url)
    page.locator("input").first.fill("guest")
    page.locator("input").last.fill("any")
    page.locator("button").click()
    page.wait_for_selector(ON_SCREEN)
    told = page.locator("#not-known")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(ON_SCREEN)
    assert told.count() == 0
    left[0] = 1.0
    page.keyboard.press("ArrowRight")  # by its answer the page knows how long it may be asked
    told.wait_for()
    now = page.evaluate(
        """() => [0, 60].map((ago) => new Date(Date.now() - 1000 * ago).toLocaleTimeString(
            navigator.language, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }))"""
    )
    with speaking(language):
        sentence = _("The time of this link ran out at {time}. Whoever sent you the link can send another.")
    assert told.inner_text() in [sentence.format(time=time) for time in now]
    window.close()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(ON_SCREEN)
    assert told.inner_text().startswith(sentence.partition("{")[0])
    assert page.locator("#reading [data-at=toast]").is_hidden()
    traffic.refused.clear()
    traffic.errors.clear()


@pytest.mark.browser
def test_what_a_tunnel_or_proxy_says_in_place_of_the_program_is_not_shown_as_the_programs_word(
    room: Room, page: Any, opened: Callable[..., Any], traffic: Traffic
) -> None:
    window = opened(replace(room.session, read_only=True))
    page.goto(window.url)
    page.wait_for_selector(ON_SCREEN)
    gone = {"status": 502, "content_type": "text/html", "body": "<h1>502 Bad Gateway</h1>"}
    for address in ("**/component_server/**", "**/image/**"):
        answer_now(page, address, lambda asked: asked.fulfill(**gone))
    page.keyboard.press("ArrowRight")
    page.get_by_text("Whoever sent you the link can open it again.").wait_for()
    said = page.evaluate("window.overread.whyNot('image/of/nothing/at/all')")
    assert "Whoever sent you" in said and "Gateway" not in said
    traffic.refused.clear()
    traffic.errors.clear()


@pytest.mark.parametrize(
    ("role", "told"),
    [
        ("administrator", ""),
        *((role, "tell your administrator") for role in ("adjudicator", "reader", "guest")),
    ],
)
def test_a_member_is_told_of_the_administrator_and_only_who_has_the_program_of_the_program(
    room: Room, role: str, told: str
) -> None:
    app = build_app(replace(room.session, read_only=role == "guest"), role=role)
    scripts = str([one["props"].get("js_on_load") for one in app.get_config_file()["components"]])
    assert ('"away": "",' in scripts) == (not told) and told in scripts


@pytest.mark.browser
def test_a_guest_logs_in_and_is_told_when_the_password_is_wrong(
    room: Room, page: Any, opened: Callable[..., Any], traffic: Traffic
) -> None:
    entrance = Password(
        lambda user, password: (user, password) == ("guest", "right"), lambda: "It closes at 12:00."
    )
    window = opened(room.session, entrance=entrance)
    case = room.predictions[4].image_id
    page.goto(f"{window.url}/?case={case}")
    assert "It closes at 12:00." in page.locator("main").inner_text()
    for password, refused in (("wrong", 1), ("right", 0)):
        page.get_by_label("User").fill("guest")
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Log in").click()
        if refused:
            page.get_by_text("do not open it").wait_for()
    page.wait_for_selector(ON_SCREEN)
    assert page.url.partition("?")[0] == window.url + "/" and "token" not in page.url
    assert page.get_attribute(".rv", "data-shown") == case  # through a wrong try too
    traffic.refused.clear()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps no such modes")
def test_the_page_that_leads_in_is_this_accounts_alone_and_goes_with_the_window(tmp_path: Path) -> None:
    (tmp_path / "open-7860.html").symlink_to(tmp_path / "elsewhere")
    with way_in(tmp_path, 7860, "http://127.0.0.1:7860/?key=secret") as leads:
        assert leads is not None and not leads.is_symlink()
        assert stat.S_IMODE(leads.stat().st_mode) == 0o600
        assert "http://127.0.0.1:7860/?key=secret" in leads.read_text()
    assert not any(one.exists() for one in (leads, tmp_path / "elsewhere"))
    with way_in(tmp_path / "nowhere", 7860, "x") as leads:
        assert leads is None


def test_a_cookie_that_came_by_https_goes_by_https_alone(room: Room, opened: Callable[..., Any]) -> None:
    room.session.hosts.add("abc.example.live")
    window = opened(room.session, entrance=Password(lambda user, password: True))
    for origin, secure in (("https://abc.example.live", True), ("http://abc.example.live", False)):
        headers = {"Host": "abc.example.live", "Origin": origin}
        cookie = httpx.post(f"{window.url}/login", data={"username": "x"}, headers=headers).headers[
            "set-cookie"
        ]
        assert ("; Secure" in cookie) == secure


def test_keys_and_cookies_are_new_each_time_and_compared_whole() -> None:
    assert Key().key != Key().key and len(Key().key) >= 43  # 256 bits
    key = Key("secret")

    def scope(query: str, path: str = "/", method: str = "GET") -> dict[str, Any]:
        return {"path": path, "method": method, "query_string": query.encode()}

    assert key.admits(scope("key=secret"), b"")
    for wrong in (
        "key=secre",
        "key=secret2",
        "key=%00",
        "key=Secret",
        "key=secret&key=x",
        "key=\u200bsecret",
    ):
        assert not key.admits(scope(wrong), b"")
    for no_try in ("", "key=", "secret", "k=secret"):
        assert not key.asks(scope(no_try))
    assert not key.asks(scope("key=secret", "/config")) and not key.asks(scope("key=secret", method="POST"))


def test_the_visitors_that_are_known_do_not_grow_without_end() -> None:
    visitors = Visitors("name")
    first, *_, last = [visitors.welcome() for _ in range(MOST_VISITORS + 1)]
    assert visitors.known(f"name={first}") is None and visitors.known(f"other=1; name={last}") is not None
    for wrong in ("", f"name={last}x", f"other={last}", "name=", "name"):
        assert visitors.known(wrong) is None


def test_only_a_page_in_whose_place_another_came_is_told_of_another_device(
    room: Room, opened: Callable[..., Any]
) -> None:
    window = opened(room.session, entrance=Password(lambda *typed: True, one_device=True))
    first, second = (
        httpx.post(f"{window.url}/login", data={"username": "x"}).headers["set-cookie"].partition(";")[0]
        for _ in range(2)
    )
    of_before = f"{first.partition('=')[0]}=given by the window that this address had before"
    told = [
        httpx.get(f"{window.url}/who", headers={"Cookie": cookie, "Accept": "*/*"})
        for cookie in (first, of_before, "", second)
    ]
    assert ["on another device" in one.text for one in told] == [True, False, False, False]
    assert ["no longer logged in" in one.text for one in told] == [False, True, True, False]
    assert [one.status_code == 401 for one in told] == [True, True, True, False]


def test_a_password_form_that_is_none_opens_nothing() -> None:
    entrance = Password(lambda user, password: (user, password) == ("guest", "right"))
    assert entrance.admits({}, b"username=guest&password=right")
    for wrong in (
        b"",
        b"\xff\xfe",
        b"username=guest",
        b"{}",
        b"&" * 1000,
        b"a=b&" * 1000,
        b"username=guest&password=rig%68",
    ):
        assert not entrance.admits({}, wrong) or b"%68" in wrong


@pytest.mark.parametrize(
    ("query", "left"),
    [
        (b"key=secret", ""),
        (b"key=secret&tab=data&run=a%20b", "?tab=data&run=a+b"),
        (b"tab=%0d%0aset-cookie:x&key=1", "?tab=%0D%0Aset-cookie%3Ax"),
        (b'case="><script>', "?case=%22%3E%3Cscript%3E"),
        (b"tab=\xff", ""),
        (b"&".join([b"a=1"] * 99), ""),
    ],
)
def test_whoever_is_let_in_is_led_on_by_what_the_address_says_beside_the_key(query: bytes, left: str) -> None:
    assert without_key(query) == left
