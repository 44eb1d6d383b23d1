"""The review page: verdicts are stored on the case that was seen, at once, and nothing else is."""

from __future__ import annotations

import math
import re
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from engine.errors import ReviewError, StoreError
from engine.language import languages, speaking
from engine.reading.store import open_store
from engine.records import Uncertainty, Verdict
from engine.workspace import open_workspace
from gui.pages.review.answering import decide, remember, reveal_label, show_case
from gui.pages.review.opening import open_reading
from gui.pages.review.page import HANDLERS
from gui.pages.review.reading_session import Desk
from gui.pages.review.remarks import why_predicted
from gui.pages.review.viewer.viewer import ReviewPane
from gui.web.error_messages import answered
from gui.web.session import AppSession, open_session
from tests.gui.conftest import Room, Traffic, fill, make_run

# ------------------------------------------------------------------------------------------ without a browser


def verdict(reading: str, case: dict[str, Any], kind: str = "agree", **more: Any) -> dict[str, Any]:
    return {
        "reading": reading,
        "shown": case["id"],
        "predicted": case["predicted"],
        "verdict": kind,
        "comment": "",
        "regions": [],
        "seconds": 1.5,
    } | more


def test_a_verdict_is_on_the_disk_before_the_next_case_is_told(room: Room) -> None:
    desk = Desk(room.session)
    first = open_reading(desk, {})
    answer = decide(
        desk,
        verdict(
            first["reading"],
            first["case"],
            comment=" clear ",
            regions=[{"x": 0.1, "y": 0.2, "width": 0.3, "height": 0.4}],
        ),
    )
    assert answer["case"]["id"] != first["case"]["id"]
    with closing(sqlite3.connect(room.session.workspace.database)) as database:
        rows = database.execute(
            "SELECT image_id, (SELECT name FROM readers r WHERE r.reader_id = a.reader_id), verdict, label, comment,"
            " seconds FROM answers a"
        ).fetchall()
    assert rows == [(first["case"]["id"], "anna", "agree", first["case"]["predicted"], "clear", 1.5)]
    (review,) = room.session.store.reviews(room.run.run_id)
    assert (review.regions[0].x, review.regions[0].height) == (0.1, 0.4)


def test_a_verdict_on_another_case_than_the_one_handed_out_is_refused(room: Room) -> None:
    desk = Desk(room.session)
    first = open_reading(desk, {})
    show_case(desk, {"reading": first["reading"], "to": "next", "shown": first["case"]["id"]})
    late = answered(decide)(desk, verdict(first["reading"], first["case"]))
    assert (late["ok"], late["kind"]) == (False, "StaleCaseError")
    assert room.session.store.reviews(room.run.run_id) == []


def test_next_and_agree_at_the_same_moment_never_store_a_film_that_was_not_seen(room: Room) -> None:
    desk = Desk(room.session)
    seen = open_reading(desk, {"queue": "all"})
    for _ in range(10):
        ask = {"reading": seen["reading"], "to": "next", "shown": seen["case"]["id"]}
        both = [
            Thread(target=answered(show_case), args=(desk, ask)),
            Thread(
                target=answered(decide),
                args=(desk, verdict(seen["reading"], seen["case"], comment=seen["case"]["id"])),
            ),
        ]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
        seen = open_reading(desk, {"queue": "all", "case": desk.reading(ask).held})
    for review in room.session.store.reviews(room.run.run_id):
        assert review.comment == review.image_id


def test_after_a_restart_the_page_is_told_to_look_again(room: Room) -> None:
    first = open_reading(Desk(room.session), {})
    answer = answered(decide)(Desk(room.session), verdict(first["reading"], first["case"]))
    assert answer["kind"] == "StaleCaseError" and room.session.store.reviews(room.run.run_id) == []


def test_two_reading_sessions_do_not_move_each_other(room: Room) -> None:
    desk = Desk(room.session)
    one, two = open_reading(desk, {"reader": "anna"}), open_reading(desk, {"reader": "ben"})
    show_case(desk, {"reading": two["reading"], "to": "next", "shown": two["case"]["id"]})
    decide(desk, verdict(one["reading"], one["case"]))
    assert [review.reader for review in room.session.store.reviews(room.run.run_id)] == ["anna"]


def test_the_reader_is_the_one_who_opened_the_session_whatever_a_verdict_says(room: Room) -> None:
    desk = Desk(room.session)
    opened = open_reading(desk, {"reader": "anna"})
    decide(desk, verdict(opened["reading"], opened["case"], reader="mallory"))
    assert room.session.store.readers(room.run.run_id) == ["anna"]


def test_overruling_unsure_and_not_diagnostic_are_stored_as_said(room: Room) -> None:
    desk = Desk(room.session)
    told = open_reading(desk, {})
    reading = told["reading"]
    other = next(name for name in told["case"]["classes"] if name != told["case"]["predicted"])
    told = decide(desk, verdict(reading, told["case"], "overrule", label=other))
    told = decide(desk, verdict(reading, told["case"], "unsure"))
    decide(desk, verdict(reading, told["case"], "not diagnostic"))
    stored = [(review.verdict, review.label) for review in room.session.store.reviews(room.run.run_id)]
    assert stored == [(Verdict.OVERRULE, other), (Verdict.UNSURE, None), (Verdict.NOT_DIAGNOSTIC, None)]


@pytest.mark.parametrize(
    "nonsense",
    [
        {"verdict": "maybe"},
        {"verdict": "overrule", "label": "no such class"},
        {"regions": [{"x": 1}]},
        {"regions": "all"},
        {"seconds": math.nan},
        {"seconds": "long"},
        {"comment": "x" * 20_000},
        {"shown": None},
        {"predicted": "another"},
    ],
)
def test_nonsense_is_refused_in_a_sentence_and_stores_nothing(room: Room, nonsense: dict[str, Any]) -> None:
    desk = Desk(room.session)
    told = open_reading(desk, {})
    answer = answered(decide)(desk, verdict(told["reading"], told["case"]) | nonsense)
    assert not answer["ok"] and "reference" not in answer["problem"]
    assert room.session.store.reviews(room.run.run_id) == []


def test_handlers_bear_anything_that_a_page_may_send(room: Room) -> None:
    desk = Desk(room.session)
    for handler in HANDLERS:
        for sent in (
            {},
            {"reading": 7, "shown": [], "to": {}},
            {"run": "../..", "queue": "nope", "part": "x", "case": "y"},
        ):
            answer = answered(handler)(desk, sent)
            assert answer["ok"] or "reference" not in answer["problem"]


def test_a_fault_of_our_own_is_shown_by_reference_alone(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> dict[str, Any]:
        raise RuntimeError("secret path /home/anna")

    answer = answered(broken)()
    reference = re.search(r"reference (\w{8})", answer["problem"])
    assert reference is not None and reference[1] in caplog.text and "anna" not in answer["problem"]


def test_the_label_is_not_sent_before_somebody_asks_for_it(room: Room) -> None:
    desk = Desk(room.session)
    told = open_reading(desk, {})
    assert "label" not in told["case"]
    case = next(one for one in room.predictions if one.image_id == told["case"]["id"])
    assert reveal_label(desk, {"reading": told["reading"], "shown": case.image_id})["label"] == case.label


def test_a_later_session_continues_from_the_case_that_was_shown(room: Room) -> None:
    desk = Desk(room.session)
    told = open_reading(desk, {"queue": "all"})
    told |= show_case(desk, {"reading": told["reading"], "to": "next", "shown": told["case"]["id"]})
    remember(desk, {"reading": told["reading"], "shown": told["case"]["id"]})
    assert open_reading(Desk(room.session), {"queue": "all"})["case"]["id"] == told["case"]["id"]


def test_a_case_read_before_comes_with_the_previous_verdict(room: Room) -> None:
    desk = Desk(room.session)
    told = open_reading(desk, {"queue": "all"})
    decide(desk, verdict(told["reading"], told["case"], "unsure", comment="look again"))
    again = show_case(desk, {"reading": told["reading"], "to": "case", "case": told["case"]["id"]})["case"]
    assert again["before"]["sentence"].startswith("Your previous verdict: unsure")
    assert again["before"]["answers"]["comment"] == "look again"
    other = open_reading(desk, {"queue": "all", "reader": "ben", "case": told["case"]["id"]})
    assert other["case"]["before"] is None


def test_n_of_n_counts_on_and_the_end_of_a_queue_is_said(room: Room) -> None:
    desk = Desk(room.session)
    told = open_reading(desk, {})
    reading = told["reading"]
    for number in range(1, 13):
        assert told["place"] == f"{number} of 12"
        told = decide(desk, verdict(reading, told["case"]))
    assert told["case"] is None and "all 12 cases" in told["message"] and "all" in told["others"]


def test_the_next_three_films_are_told_ahead(room: Room) -> None:
    desk = Desk(room.session)
    told = open_reading(desk, {"queue": "all"})
    for _ in range(3):
        ahead = told["upcoming"][0]
        assert len(told["upcoming"]) == 3
        told |= show_case(desk, {"reading": told["reading"], "to": "next", "shown": told["case"]["id"]})
        assert (ahead["image"], ahead["heat"]) == (told["case"]["image"], told["case"]["heat"])


def test_a_verdict_keeps_its_queue_and_how_its_case_was_drawn(room: Room) -> None:
    desk, store = Desk(room.session), room.session.store
    told = open_reading(desk, {"queue": "all"})
    begun = told["case"]["id"]
    again = open_reading(desk, {"queue": "all", "case": begun})  # a reload of the page
    second = decide(desk, verdict(again["reading"], again["case"]))["case"]
    back = show_case(desk, {"reading": again["reading"], "to": "case", "case": begun})["case"]
    after = decide(desk, verdict(again["reading"], back, "unsure"))["case"]
    assert after["id"] == second["id"]
    decide(desk, verdict(again["reading"], after))
    sought = room.predictions[-1].image_id
    errors = open_reading(desk, {"queue": "errors", "case": sought})
    decide(desk, verdict(errors["reading"], errors["case"]))
    said = [(one.image_id, one.queue, one.drawn) for one in store.reviews(room.run.run_id)]
    assert said == [
        (begun, "all", "in order"),
        (begun, "all", "sought"),
        (second["id"], "all", "in order"),
        (sought, "errors", "sought"),
    ]


def test_a_guest_reads_and_can_store_nothing(room: Room) -> None:
    guest = AppSession(workspace=room.session.workspace, store=room.session.store, read_only=True)
    desk = Desk(guest)
    told = open_reading(desk, {})
    answer = answered(decide)(desk, verdict(told["reading"], told["case"]))
    remember(desk, {"reading": told["reading"], "shown": told["case"]["id"]})
    assert answer["kind"] == "ReviewError" and "cannot store verdicts" in answer["problem"]
    with closing(sqlite3.connect(guest.workspace.database)) as database:
        assert database.execute(
            "SELECT (SELECT COUNT(*) FROM answers) + (SELECT COUNT(*) FROM places) + (SELECT COUNT(*) FROM exposures)"
        ).fetchone() == (0,)


def test_uncertainty_is_told_where_it_was_computed(room: Room) -> None:
    case = replace(
        room.predictions[0],
        uncertainty=Uncertainty(
            variance=0.004, mutual_information=0.01, passes=20, rate=0.1, scale=2.25, mean=0.62
        ),
        conformal_set=("normal", "pneumonia"),
    )
    room.session.store.add_cases(room.run.run_id, [case])
    told = open_reading(Desk(room.session), {"case": case.image_id})["case"]
    assert told["dropout"] == "62.0% ± 6.3% in 20 passes; mutual information 0.010"
    assert told["conformal"] == "normal, pneumonia"


def test_a_prediction_that_is_not_the_most_probable_class_is_explained(room: Room) -> None:
    case = replace(room.predictions[0], probabilities=(0.5, 0.2, 0.3), predicted="c")
    assert "balanced as in training; at the class frequencies of these data, a is" in str(
        why_predicted(("a", "b", "c"), case)
    )
    assert why_predicted(("a", "b", "c"), replace(case, predicted="a")) is None


@pytest.mark.parametrize("name", ["dropout-name", "conformal-name"])
def test_words_of_statistics_are_explained_where_they_stand(name: str) -> None:
    html = ReviewPane().html_template
    (said,) = re.findall(rf'<dt data-at="{name}" title="([^"]+)"', html)
    assert len(said.split()) > 15


def test_an_empty_workspace_says_what_to_do(tmp_path: Path) -> None:
    session = open_session(open_workspace(tmp_path))
    told = open_reading(Desk(session), {})
    session.store.close()
    assert told["case"] is None and "Train page" in told["message"]


def test_the_markup_holds_nothing_that_gradio_would_evaluate() -> None:
    for code in languages():
        with speaking(code):
            pane = ReviewPane()
        for source in (pane.html_template, pane.css_template):
            assert not re.search(r"\$\{|\{\{|\}\}|`|\\", source), code


def test_every_colour_of_text_stands_out_from_its_ground() -> None:
    style = (files("gui.pages.review.viewer") / "viewer.css").read_text(encoding="utf-8")
    colours = dict(re.findall(r"--rv-([a-z-]+): #([0-9a-f]{6})", style))

    def luminance(name: str) -> float:
        channels = [int(colours[name][at : at + 2], 16) / 255 for at in (0, 2, 4)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    def contrast(one: str, other: str) -> float:
        light, dark = sorted((luminance(one), luminance(other)), reverse=True)
        return (light + 0.05) / (dark + 0.05)

    grounds = ("stage", "room", "panel", "raised")
    for text, ground in [(t, g) for t in ("text", "quiet", "accent") for g in grounds] + [
        ("on-accent", "accent"),
        ("on-warn", "warn"),
    ]:
        assert contrast(text, ground) >= 4.5, (text, ground)
    for ground in grounds:
        assert contrast("edge", ground) >= 3, ground


# --------------------------------------------------------------------------------------------- in a browser


def on_screen(page: Any) -> str:
    """Wait until a film is painted; return the id of its case."""
    page.wait_for_selector(".rv[data-shown]:not([data-busy]):not([data-guard])")
    return str(page.get_attribute(".rv", "data-shown"))


def press_and_wait(page: Any, key: str) -> str:
    """Press a key and wait for another case; return its id."""
    before = on_screen(page)
    page.keyboard.press(key)
    page.wait_for_function("before => document.querySelector('.rv').dataset.shown !== before", arg=before)
    return on_screen(page)


@pytest.mark.browser
def test_five_cases_are_read_by_keyboard_and_kept_through_a_reload(
    room: Room, page: Any, opened: Callable[..., Any]
) -> None:
    page.goto(opened(room.session).url)
    read = [on_screen(page)]
    classes = page.locator(".rv-class b").all_text_contents()
    predicted = page.inner_text("[data-at=predicted]")
    read.append(press_and_wait(page, "a"))
    other = 1 - classes.index(page.inner_text("[data-at=predicted]"))
    read.append(press_and_wait(page, str(other + 1)))
    page.keyboard.press("c")
    page.keyboard.type("1 rib: a, u and x are letters here")
    page.keyboard.press("Escape")
    read.append(press_and_wait(page, "u"))
    read.append(press_and_wait(page, "x"))
    waiting = press_and_wait(page, "Enter")
    stored = room.session.store.reviews(room.run.run_id)
    assert [review.image_id for review in stored] == read
    assert [review.verdict.value for review in stored] == [
        "agree",
        "overrule",
        "unsure",
        "not diagnostic",
        "agree",
    ]
    assert (stored[0].label, stored[1].label) == (predicted, classes[other])
    assert stored[2].comment == "1 rib: a, u and x are letters here"
    assert all(0 < review.seconds < 600 and review.reader == "anna" for review in stored)
    page.reload()
    assert on_screen(page) == waiting
    assert page.inner_text("[data-at=count]") == "6 of 12"
    assert press_and_wait(page, "ArrowLeft") in read
    assert "Your previous verdict" in page.inner_text("[data-at=before]")
    assert len(room.session.store.reviews(room.run.run_id)) == 5


@pytest.mark.browser
def test_rapid_next_and_agree_store_no_verdict_on_an_unseen_film(
    room: Room, page: Any, opened: Callable[..., Any]
) -> None:
    page.goto(opened(room.session).url)
    on_screen(page)
    page.select_option("[data-at=queue]", "all")
    page.wait_for_function("document.querySelector('[data-at=count]').textContent === '1 of 12'")
    on_screen(page)
    # what stood on the screen goes into the comment box with the keys, in one go and without waiting for anything
    press = """() => {
      const key = (code) => document.dispatchEvent(new KeyboardEvent('keydown', { code, bubbles: true }));
      key('ArrowRight');
      setTimeout(() => {
        document.querySelector('[data-at=comment]').value = document.querySelector('.rv').dataset.shown;
        key('KeyA'); key('KeyA');
      }, %d);
    }"""
    for delay in (0, 5, 15, 0, 10):
        page.evaluate(press % delay)
        page.wait_for_timeout(150)
        on_screen(page)
    for review in room.session.store.reviews(room.run.run_id):
        assert review.comment == review.image_id


@pytest.mark.browser
def test_looking_at_a_film_asks_the_server_nothing(
    room: Room, page: Any, opened: Callable[..., Any], traffic: Traffic
) -> None:
    page.goto(opened(room.session).url)
    on_screen(page)
    before = traffic.settle(page)  # the films of the next cases and the bookmark
    page.locator("[data-at=opacity]").fill("85")
    page.keyboard.press("Escape")
    assert page.evaluate("document.querySelector('[data-at=heat]').style.opacity") == "0.85"
    for key in ("h", "h", "i", "[", "]", "+", "-", "w", "f"):
        page.keyboard.press(key)
    box = page.locator(".rv-stage").bounding_box()
    page.mouse.move(box["x"] + 300, box["y"] + 200)
    page.mouse.wheel(0, -400)
    page.keyboard.press("w")
    page.mouse.down()
    page.mouse.move(box["x"] + 360, box["y"] + 150, steps=5)
    page.mouse.up()
    # 60 to the right: wider by 60 × 255/1000; 50 up: brighter, the centre lower
    assert float(page.locator("[data-at=width]").input_value()) == pytest.approx(255 + 15.3, abs=0.5)
    assert float(page.locator("[data-at=centre]").input_value()) == pytest.approx(127.5 - 12.75, abs=0.5)
    assert "width 270.3" in page.inner_text("[data-at=corner-view]")
    assert (
        page.evaluate("new DOMMatrix(getComputedStyle(document.querySelector('.rv-sheet')).transform).a")
        > 1.5
    )
    page.keyboard.press("f")
    assert page.locator("[data-at=width]").input_value() == "255"
    assert len([url for url in traffic.requests[before:] if "heartbeat" not in url]) == 0


@pytest.mark.browser
def test_the_next_film_is_there_before_it_is_asked_for(
    room: Room, page: Any, opened: Callable[..., Any], traffic: Traffic
) -> None:
    page.goto(opened(room.session).url)
    on_screen(page)
    for _ in range(4):
        before = traffic.settle(page)
        press_and_wait(page, "ArrowRight")
        film = page.get_attribute("[data-at=image]", "src")
        assert not any(url.endswith(film) for url in traffic.requests[before:])
        assert sum(url.endswith(film) for url in traffic.requests) == 1


@pytest.mark.browser
def test_a_page_that_was_left_keeps_what_was_written_and_drawn(
    room: Room, page: Any, opened: Callable[..., Any]
) -> None:
    page.goto(opened(room.session).url)
    on_screen(page)
    page.fill("[data-at=comment]", "half a thought")
    page.keyboard.press("Escape")
    page.keyboard.press("Shift+R")
    page.keyboard.press("Escape")
    press_and_wait(page, "ArrowRight")
    assert (page.input_value("[data-at=comment]"), page.locator(".rv-region").count()) == ("", 0)
    press_and_wait(page, "ArrowLeft")
    assert (page.input_value("[data-at=comment]"), page.locator(".rv-region").count()) == (
        "half a thought",
        1,
    )
    page.click("#page-report-button")
    page.locator(".rv").wait_for(state="hidden")
    page.keyboard.press("a")  # behind another page a key decides nothing
    page.click("#page-review-button")
    on_screen(page)
    assert page.input_value("[data-at=comment]") == "half a thought"
    assert room.session.store.reviews(room.run.run_id) == []


@pytest.mark.browser
def test_regions_are_drawn_with_the_mouse_or_keys_in_fractions_of_the_film(
    room: Room, page: Any, opened: Callable[..., Any]
) -> None:
    page.goto(opened(room.session).url)
    on_screen(page)
    page.keyboard.press("r")
    film = page.locator("[data-at=image]").bounding_box()
    page.mouse.move(film["x"] + 0.25 * film["width"], film["y"] + 0.5 * film["height"])
    page.mouse.down()
    page.mouse.move(film["x"] + 0.5 * film["width"], film["y"] + 0.75 * film["height"], steps=4)
    page.mouse.up()
    page.keyboard.press("Shift+R")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+R")
    page.keyboard.press("Delete")
    assert page.locator(".rv-region").count() == 2
    press_and_wait(page, "a")
    assert page.locator(".rv-region").count() == 0
    drawn, placed = room.session.store.reviews(room.run.run_id)[0].regions
    for value, expected in zip(
        (drawn.x, drawn.y, drawn.width, drawn.height), (0.25, 0.5, 0.25, 0.25), strict=True
    ):
        assert value == pytest.approx(expected, abs=0.01)
    assert (placed.x, placed.height) == pytest.approx((0.41, 0.21))


@pytest.mark.browser
def test_a_store_that_fails_keeps_the_case_and_the_comment_and_says_so(
    room: Room, page: Any, opened: Callable[..., Any]
) -> None:
    page.goto(opened(room.session).url)
    shown = on_screen(page)
    page.fill("[data-at=comment]", "do not lose me")
    page.keyboard.press("Escape")
    with closing(sqlite3.connect(room.session.workspace.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        page.keyboard.press("a")
        page.wait_for_selector("[data-at=toast]:not([hidden])")
        assert "locked" in page.inner_text("[data-at=toast]")
        other.execute("ROLLBACK")
    assert on_screen(page) == shown
    assert page.input_value("[data-at=comment]") == "do not lose me"
    press_and_wait(page, "a")
    assert [review.comment for review in room.session.store.reviews(room.run.run_id)] == ["do not lose me"]


EVIL = [
    "${window.stolen=1}.png",
    "{{constructor.constructor('window.stolen=1')()}}.png",
    "`;window.stolen=1;`.png",
]
EVIL += (
    []
    if sys.platform == "win32"
    else ["<img src=x onerror=window.stolen=1>.png", "<script>window.stolen=1.png"]
)


@pytest.mark.browser
def test_names_that_look_like_code_are_only_names(
    tmp_path: Path, page: Any, opened: Callable[..., Any]
) -> None:
    classes = ("<b onclick=window.stolen=1>normal", "${window.stolen=1}", "{{value}}")
    session = open_session(open_workspace(tmp_path / "workspace"), reader="<svg onload=window.stolen=1>")
    run = replace(
        make_run(session.workspace, classes=classes), dataset_name="<img src=x onerror=window.stolen=1>"
    )
    predictions = fill(session, tmp_path / "films", EVIL, run=run)
    page.goto(opened(session).url)
    for _ in EVIL:
        shown = on_screen(page)
        name = next(one.path.name for one in predictions if one.image_id == shown)
        assert name in page.inner_text("[data-at=corner-name]")
        assert page.locator(".rv-class b").all_text_contents() == list(classes)
        page.fill("[data-at=comment]", name)
        page.keyboard.press("Escape")
        if shown != predictions[-1].image_id and len(session.store.reviews(run.run_id)) < len(EVIL) - 1:
            press_and_wait(page, "u")
    press_and_wait(page, "ArrowLeft")
    assert page.evaluate("window.stolen") is None
    assert page.input_value("[data-at=comment]") in EVIL
    session.store.close()


@pytest.mark.browser
def test_arrows_go_on_after_a_click_on_the_tab_and_stay_with_tabs_reached_by_keyboard(
    room: Room, page: Any, opened: Callable[..., Any]
) -> None:
    page.goto(opened(room.session).url)
    on_screen(page)
    page.get_by_role("tab", name="Share").click()
    page.locator(".rv").wait_for(state="hidden")
    page.get_by_role("tab", name="Review").click()
    page.wait_for_function("() => !document.activeElement.matches('[role=tab]')")
    shown = press_and_wait(page, "ArrowRight")
    page.get_by_role("tab", name="Review").focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(500)
    assert page.get_attribute(".rv", "data-shown") == shown


@pytest.mark.browser
def test_a_film_that_cannot_be_shown_cannot_be_agreed_with(
    room: Room, page: Any, opened: Callable[..., Any]
) -> None:
    for case in room.predictions:
        case.path.unlink()
    page.goto(opened(room.session).url)
    on_screen(page)
    assert "once its file is available again" in page.inner_text("[data-at=notice-text]")
    page.keyboard.press("a")
    page.wait_for_selector("[data-at=toast]:not([hidden])")
    assert room.session.store.reviews(room.run.run_id) == []
    press_and_wait(page, "x")
    page.wait_for_selector(".rv:not([data-guard]):not([data-busy])")
    page.context.set_offline(True)
    page.keyboard.press("x")
    page.wait_for_selector("[data-at=stored] >> text=Not known to be stored, give it again: not diagnostic")
    page.context.set_offline(False)
    press_and_wait(page, "x")
    assert [review.verdict.value for review in room.session.store.reviews(room.run.run_id)] == [
        "not diagnostic"
    ] * 2


@pytest.mark.browser
def test_a_guests_page_has_no_verdict_on_it(room: Room, page: Any, opened: Callable[..., Any]) -> None:
    guest = AppSession(workspace=room.session.workspace, store=room.session.store, read_only=True)
    page.goto(opened(guest).url)
    first = on_screen(page)
    assert (
        page.locator(
            ".rv-verdict, [data-do=agree], [data-at=comment], [data-at=reader], button.rv-class"
        ).count()
        == 0
    )
    assert page.locator("[role=tab]").all_text_contents() == ["Review"]
    page.keyboard.press("a")
    page.keyboard.press("1")
    assert press_and_wait(page, "ArrowRight") != first
    assert room.session.store.reviews(room.run.run_id) == []


@pytest.mark.browser
@pytest.mark.parametrize("size", [(1366, 768), (1366, 640), (1920, 1080)])
def test_film_probabilities_and_verdict_keys_are_in_view_without_scrolling(
    room: Room, page: Any, opened: Callable[..., Any], size: tuple[int, int]
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(opened(room.session).url)
    on_screen(page)
    for part in (
        "[data-at=image]",
        ".rv-class >> nth=1",
        "[data-do=agree]",
        "[data-do=unsure]",
        "[data-do=not-diagnostic]",
        "[data-do=next]",
        "[data-at=comment]",
    ):
        box = page.locator(part).bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= size[1] and box["x"] + box["width"] <= size[0], (
            part
        )
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    film = page.locator("[data-at=image]").bounding_box()
    assert film["height"] > 0.7 * size[1]


@pytest.mark.browser
def test_the_help_lists_the_keys_and_closes_by_key(room: Room, page: Any, opened: Callable[..., Any]) -> None:
    page.goto(opened(room.session).url)
    on_screen(page)
    page.keyboard.press("?")
    assert "Not diagnostic" in page.inner_text("dialog.rv-keys")
    page.keyboard.press("a")  # behind a dialog a key decides nothing
    page.keyboard.press("Escape")
    assert not page.locator("dialog.rv-keys").is_visible()
    assert room.session.store.reviews(room.run.run_id) == []


@pytest.mark.browser
def test_everything_can_be_reached_by_tab_alone(room: Room, page: Any, opened: Callable[..., Any]) -> None:
    page.goto(opened(room.session).url)
    on_screen(page)
    controls = "[...document.querySelectorAll('.rv [data-do], .rv select, .rv input, .rv textarea')]"
    in_view = ".filter(one => one.offsetParent && !one.closest('dialog'))"
    wanted = set(page.evaluate(controls + in_view + ".map(one => one.dataset.do || one.dataset.at)"))
    reached = set()
    for _ in range(90):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate("document.activeElement.dataset.do || document.activeElement.dataset.at || ''")
        )
    assert wanted <= reached


@pytest.mark.browser
def test_another_origin_reaches_neither_page_nor_film(
    room: Room, page: Any, opened: Callable[..., Any]
) -> None:
    window = opened(room.session)
    page.goto(window.url)
    on_screen(page)
    film = page.get_attribute("[data-at=image]", "src")
    request = page.context.request
    assert request.get(window.url + film).status == 200
    assert request.get(window.url + film, headers={"Host": "evil.example"}).status == 403
    assert request.get(window.url + "/config", headers={"Origin": "http://evil.example"}).status == 403
    assert (
        request.post(window.url + "/gradio_api/component_server/", headers={"Origin": "null"}, data={}).status
        == 403
    )


@pytest.mark.browser
@pytest.mark.skipif(sys.platform == "win32", reason="Windows moves no file that is open")
def test_an_answer_that_cannot_be_stored_stays_on_the_screen_until_it_can(
    room: Room, page: Any, opened: Callable[..., Any]
) -> None:
    page.goto(opened(room.session).url)
    shown = on_screen(page)
    page.keyboard.press("c")
    page.keyboard.type("left base")
    page.keyboard.press("Escape")
    root = room.session.workspace.root
    root.rename(root.with_name("elsewhere"))
    page.keyboard.press("a")
    page.get_by_text(f"Not stored: agree (case {shown[:8]})").wait_for()
    page.get_by_text("no longer the file that was opened").wait_for()
    assert on_screen(page) == shown
    root.with_name("elsewhere").rename(root)
    press_and_wait(page, "a")
    page.get_by_text(f"Stored: agree (case {shown[:8]})", exact=True).wait_for()
    (stored,) = room.session.store.reviews(room.run.run_id)
    assert (stored.image_id, stored.comment) == (shown, "left base")


def test_a_workspace_that_may_not_be_written_to_is_reviewed_without_a_bookmark(
    room: Room, read_only: Callable[[Path], Path]
) -> None:
    room.session.store.close()
    with open_store(read_only(room.session.workspace.root) / "overread.db") as store:
        desk = Desk(replace(room.session, store=store))
        opened = open_reading(desk, {})
        asked = {"reading": opened["reading"], "shown": opened["case"]["id"]}
        assert remember(desk, asked) == {}
        assert show_case(desk, {**asked, "to": "next"})["case"]
        with pytest.raises(ReviewError, match="different case"):
            decide(desk, {**asked, "verdict": "unsure"})
        shown = desk.reading(asked).held
        with pytest.raises(StoreError, match="cannot be written to"):
            decide(desk, {**asked, "shown": shown, "verdict": "unsure"})


@pytest.mark.browser
def test_all_that_is_said_of_a_case_of_two_classes_is_in_sight_on_a_small_laptop(
    room: Room, page: Any, opened: Callable[..., Any]
) -> None:
    (room.run.folder / "heatmaps.npz").unlink()  # as of predictions that were imported: without a passport
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(opened(room.session).url)
    page.wait_for_selector("#reading [data-shown]:not([data-busy])", state="attached")
    assert page.locator(".rv-facts").inner_text().count("\n") > 3
    assert page.locator(".rv-findings").evaluate("(one) => one.scrollHeight - one.clientHeight") <= 0
