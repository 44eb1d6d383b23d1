"""The film as radiologists expect it: every value of the file comes to light, and the view moves as the hand does."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.records import Prediction
from tests.chromium import PATIENCE
from tests.engine.images import raw
from tests.gui.conftest import Room, make_run
from tests.gui.pages.review.test_review_page import on_screen

pytestmark = pytest.mark.browser
Grey = Callable[[float, float], int]


def planted(room: Room, folder: Path, films: dict[str, bytes]) -> None:
    """Give the room a newer run of these films, in their order."""
    run = make_run(room.session.workspace, run_id="20260202-120000-film")
    run.folder.mkdir(parents=True)
    cases = []
    for name, data in films.items():
        path = folder / name
        path.write_bytes(data)
        shares = {"probabilities": (0.7, 0.3), "predicted": "normal", "entropy": 0.6}
        told = {"image_id": sha256(data).hexdigest(), "path": path, "label": "normal", "patient_id": "P1"}
        cases.append(Prediction(**told, **shares, part="test"))  # type: ignore[arg-type]
    room.session.store.add_run(run)
    room.session.store.add_cases(run.run_id, cases)


def core(**attributes: Any) -> bytes:
    """A body of 1,200 in a window of 1,200/400; in it a core of 3,000 with a nodule of 3,600; a mark at the left."""
    pixels = np.full((600, 400), 1200, np.int16)
    pixels[200:400, 100:300] = 3000
    pixels[260:340, 160:240] = 3600
    pixels[20:60, 20:60] = 1050
    told = {
        "PixelRepresentation": 1,
        "WindowCenter": 1200,
        "WindowWidth": 400,
        "BitsStored": 16,
        "HighBit": 15,
    }
    return raw.dicom(pixels, **told | attributes)


LOOK = """([x, y]) => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {
    const canvas = document.querySelector('.rv-film'), sheet = document.querySelector('.rv-sheet');
    const across = x / 400 * parseFloat(sheet.style.width), down = y / 600 * parseFloat(sheet.style.height);
    const there = new DOMMatrix(getComputedStyle(sheet).transform).transformPoint(new DOMPoint(across, down));
    const ratio = canvas.width / canvas.getBoundingClientRect().width;
    const pixel = [Math.round(there.x * ratio), Math.round(there.y * ratio)];
    done(canvas.getContext('2d').getImageData(...pixel, 1, 1).data[0]);
})))"""


def grey_of(page: Any) -> Grey:
    """What a place of the film, in its own pixels, looks like on the screen."""
    return lambda x, y: int(page.evaluate(LOOK, [x, y]))


def film_there(page: Any) -> None:
    on_screen(page)
    page.wait_for_selector(".rv[data-film]")


def test_a_core_outside_the_window_is_brought_to_light_and_measured(
    room: Room, page: Any, opened: Callable[..., Any], tmp_path: Path
) -> None:
    planted(room, tmp_path, {"core.dcm": core(Modality="CT")})
    page.goto(opened(room.session).url)
    film_there(page)
    grey = grey_of(page)
    assert (grey(120, 220), grey(200, 300)) == (255, 255)  # flat, as the file asks
    assert grey(80, 100) == pytest.approx(128, abs=1)
    assert "centre 1200 width 400" in page.inner_text("[data-at=corner-view]")
    page.fill("[data-at=centre]", "3300")
    page.fill("[data-at=width]", "1200")
    page.keyboard.press("Enter")
    # PS3.3 C.11.2.1.2.1: ((x - (c - .5)) / (w - 1) + .5) × 255
    assert grey(120, 220) == pytest.approx(((3000 - 3299.5) / 1199 + 0.5) * 255, abs=1)
    assert grey(200, 300) == pytest.approx(((3600 - 3299.5) / 1199 + 0.5) * 255, abs=1)
    assert grey(80, 100) == 0
    page.keyboard.press("i")
    assert grey(80, 100) == 255
    page.keyboard.press("Shift+3")  # lung, of a CT
    assert page.input_value("[data-at=centre]") == "-600"
    page.keyboard.press("f")
    assert (grey(120, 220), grey(80, 100)) == (255, 128)
    box = page.locator(".rv-stage").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert page.inner_text("[data-at=corner-value]").startswith("3600 HU at ")
    page.mouse.down(button="right")
    page.mouse.move(box["x"] + box["width"] / 2 + 400, box["y"] + box["height"] / 2 + 100, steps=4)
    page.mouse.up(button="right")
    assert float(page.input_value("[data-at=width]")) > 800
    assert float(page.input_value("[data-at=centre]")) > 1300


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_low_values_are_white_where_the_file_says_so_in_every_window(
    room: Room, page: Any, opened: Callable[..., Any], tmp_path: Path, photometric: str
) -> None:
    planted(room, tmp_path, {"core.dcm": core(PhotometricInterpretation=photometric, PixelPaddingValue=1050)})
    page.goto(opened(room.session).url)
    film_there(page)
    grey, white_first = grey_of(page), photometric == "MONOCHROME1"
    assert grey(200, 300) == (0 if white_first else 255)
    assert grey(40, 40) == 0  # padding, in either
    page.locator("[data-at=centre]").select_text()
    page.keyboard.type("۳۳۰۰٫۵")  # as on a Persian keyboard
    assert page.input_value("[data-at=centre]") == "3300.5"
    page.fill("[data-at=width]", "1200")
    page.keyboard.press("Enter")
    assert (grey(120, 220) > grey(200, 300)) == white_first
    assert grey(40, 40) == 0


def test_turned_and_mirrored_the_film_its_values_and_its_regions_agree_and_nothing_of_it_is_stored(
    room: Room, page: Any, opened: Callable[..., Any], tmp_path: Path
) -> None:
    planted(room, tmp_path, {"core.dcm": core()})
    page.goto(opened(room.session).url)
    film_there(page)
    grey = grey_of(page)
    for key in ("o", "Shift+O", "o", "p", "o", "o", "p"):
        page.keyboard.press(key)
        assert grey(40, 40) < 60 < grey(80, 100) < 200 < grey(120, 220)
    words = page.inner_text("[data-at=corner-view]")
    assert "turned" in words and "mirrored" not in words
    page.keyboard.press("+")
    assert grey(80, 200) < 200 < grey(120, 220)
    page.keyboard.press("f")
    page.keyboard.press("o")
    page.keyboard.press("r")
    # a quarter to the right: the film's upper left is at the upper right of the screen
    film = page.locator(".rv-sheet").bounding_box()
    page.mouse.move(film["x"] + 0.9 * film["width"], film["y"] + 0.2 * film["height"])
    page.mouse.down()
    page.mouse.move(film["x"] + 0.6 * film["width"], film["y"] + 0.5 * film["height"], steps=3)
    page.mouse.up()
    page.keyboard.press("u")
    page.wait_for_selector(".rv[data-empty]")
    (region,) = room.session.store.reviews("20260202-120000-film")[0].regions
    assert (region.x, region.y, region.width, region.height) == pytest.approx((0.2, 0.1, 0.3, 0.3), abs=0.01)


def test_two_fingers_pinch_and_move_whatever_the_tool(
    room: Room, page: Any, opened: Callable[..., Any], tmp_path: Path
) -> None:
    planted(room, tmp_path, {"core.dcm": core()})
    page.goto(opened(room.session).url)
    film_there(page)
    page.keyboard.press("r")
    fingers = page.context.new_cdp_session(page)
    box = page.locator(".rv-stage").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def touch(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": left, "y": top, "id": number} for number, (left, top) in enumerate(places)]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", (x - 50, y))
    touch("touchStart", (x - 50, y), (x + 50, y))
    for spread in (80, 110, 150):
        touch("touchMove", (x - spread, y + 20), (x + spread, y + 20))
    touch("touchEnd")
    zoom = page.evaluate("new DOMMatrix(getComputedStyle(document.querySelector('.rv-sheet')).transform).a")
    assert zoom == pytest.approx(3, rel=0.05)
    assert page.locator(".rv-region").count() == 0
    page.keyboard.press("0")
    assert "100%" in page.inner_text("[data-at=corner-view]")


def test_regions_of_every_shape_are_drawn_changed_named_and_stored_in_the_films_own_places(
    room: Room, page: Any, opened: Callable[..., Any], tmp_path: Path
) -> None:
    planted(room, tmp_path, {"core.dcm": core(PixelSpacing="0.2\\0.2")})
    page.goto(opened(room.session).url)
    film_there(page)
    film = page.locator(".rv-sheet").bounding_box()

    def at(x: float, y: float) -> tuple[float, float]:
        return film["x"] + x * film["width"], film["y"] + y * film["height"]

    def drag(*places: tuple[float, float]) -> None:
        page.mouse.move(*at(*places[0]))
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*at(*place), steps=3)
        page.mouse.up()

    page.keyboard.press("d")
    drag((0.25, 0.5), (0.75, 0.5))
    assert page.inner_text(".rv-tags") == "40.0 mm"  # 200 pixels of 0.2
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    page.select_option("[data-at=shape]", "ellipse")
    drag((0.1, 0.1), (0.3, 0.3))
    page.fill("[data-at=finding]", "nodule")
    page.keyboard.press("Enter")
    drag((0.1, 0.2), (0.2, 0.2))  # by its line: moved
    drag((0.4, 0.3), (0.5, 0.4))  # by its lower right corner: reshaped
    page.select_option("[data-at=shape]", "polygon")
    for place in ((0.6, 0.1), (0.9, 0.1), (0.9, 0.4)):
        page.mouse.click(*at(*place))
    page.keyboard.press("Enter")  # closes it, and is no verdict
    page.select_option("[data-at=shape]", "freehand")
    drag((0.2, 0.7), (0.5, 0.7), (0.5, 0.9), (0.2, 0.9), (0.2, 0.72))
    page.select_option("[data-at=shape]", "box")
    drag((0.6, 0.6), (0.9, 0.9))
    page.keyboard.press("Tab")
    page.locator(".rv-region").last.focus()
    page.keyboard.press("Delete")
    assert page.locator(".rv-region").count() == 3
    page.keyboard.press("u")
    page.wait_for_selector(".rv[data-empty]")
    ellipse, polygon, freehand = room.session.store.reviews("20260202-120000-film")[0].regions
    assert (ellipse.shape, ellipse.label) == ("ellipse", "nodule")
    assert (ellipse.x, ellipse.y, ellipse.width, ellipse.height) == pytest.approx(
        (0.2, 0.1, 0.3, 0.3), abs=0.02
    )
    assert (polygon.shape, polygon.label) == ("polygon", "")
    assert np.array(polygon.points) == pytest.approx(np.array([(0.6, 0.1), (0.9, 0.1), (0.9, 0.4)]), abs=0.01)
    assert freehand.shape == "polygon" and 4 <= len(freehand.points) <= 6  # thinned to its corners
    assert (freehand.x, freehand.y, freehand.width, freehand.height) == pytest.approx(
        (0.2, 0.7, 0.3, 0.2), abs=0.01
    )


def test_fingers_draw_move_reshape_and_close_regions_and_the_page_stays_where_it_is(
    room: Room, page: Any, opened: Callable[..., Any], tmp_path: Path
) -> None:
    planted(room, tmp_path, {"core.dcm": core()})
    page.goto(opened(room.session).url)
    film_there(page)
    page.keyboard.press("r")
    fingers = page.context.new_cdp_session(page)
    film = page.locator(".rv-sheet").bounding_box()

    def drag(*places: tuple[float, float]) -> None:
        for number, (x, y) in enumerate(places):
            point = {"x": film["x"] + x * film["width"], "y": film["y"] + y * film["height"], "id": 1}
            kind = "touchMove" if number else "touchStart"
            fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
        fingers.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    drag((0.2, 0.2), (0.3, 0.3), (0.4, 0.4))
    drag((0.2, 0.3), (0.3, 0.3))  # by its line: moved to the right by a tenth
    drag((0.5, 0.4), (0.6, 0.5))  # by its lower right corner
    page.select_option("[data-at=shape]", "polygon")
    for place in ((0.1, 0.7), (0.4, 0.7), (0.2, 0.9), (0.1, 0.7)):  # the first point again closes it
        drag(place)
    assert page.evaluate("scrollY") == 0
    page.keyboard.press("u")
    page.wait_for_selector(".rv[data-empty]")
    box, polygon = room.session.store.reviews("20260202-120000-film")[0].regions
    assert (box.x, box.y, box.width, box.height) == pytest.approx((0.3, 0.2, 0.3, 0.3), abs=0.02)
    assert np.array(polygon.points) == pytest.approx(np.array([(0.1, 0.7), (0.4, 0.7), (0.2, 0.9)]), abs=0.02)


def test_on_a_tablet_all_of_it_is_on_the_first_screen_and_large_enough_for_fingers(
    room: Room, browser: Any, opened: Callable[..., Any]
) -> None:
    tablet = {"viewport": {"width": 820, "height": 1180}, "has_touch": True, "is_mobile": True}
    context = browser.new_context(**tablet, color_scheme="dark")
    context.set_default_timeout(PATIENCE)
    window = opened(room.session)
    context.request.get(window.address)
    context.add_cookies([{"name": "overread-guide", "value": "seen", "url": window.url}])
    page = context.new_page()
    page.goto(window.url)
    film_there(page)
    small = page.evaluate(
        """[...document.querySelectorAll('.rv :is(button, select, input, textarea)')]
            .filter((one) => one.offsetParent && !one.closest('dialog') && !one.matches('.rv-link'))
            .map((one) => [one.dataset.do ?? one.dataset.at ?? one.className, one.getBoundingClientRect()])
            .filter(([, { width, height, bottom, right }]) =>
                Math.min(width, height) < 43.9 || bottom > innerHeight || right > innerWidth)
            .map(([name, box]) => `${name} ${box.width} × ${box.height} down to ${box.bottom}`)"""
    )
    assert small == []
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    assert page.locator(".rv-stage").bounding_box()["height"] > 340
    for tab, there in (
        ("data", "#data-apply-split"),
        ("train", "#train-start"),
        ("studies", ".sd-main"),
        ("share", "#share-consent"),
    ):
        page.click(f"#page-{tab}-button")
        page.wait_for_selector(f"{there}:visible")
        cut = page.evaluate(
            """[...document.querySelectorAll('#pages input[type=number]')]
                .filter((one) => one.checkVisibility() && getComputedStyle(one.parentElement).overflowY === 'hidden')
                .filter((one) => one.parentElement.clientHeight < one.offsetHeight)
                .map((one) => one.ariaLabel)"""
        )
        assert cut == []
        low = page.evaluate(
            """[...document.querySelectorAll('#pages :is(button, select, [role=tab])')]
                .filter((one) => one.checkVisibility({ opacityProperty: true, visibilityProperty: true }))
                .map((one) => [one.id || one.className || one.outerHTML, one.getBoundingClientRect()])
                .filter(([, { width, height, left }]) => height > 1 && left < innerWidth)
                .filter(([, { width, height }]) => Math.min(width, height) < 43.9)
                .map(([name, { width, height }]) => `${name} ${width} × ${height}`)"""
        )
        assert (tab, low) == (tab, [])
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.goto("about:blank")
    context.close()
