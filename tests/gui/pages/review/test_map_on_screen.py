"""The map on the review page: its numbers, class and method are visible, and no control of it asks the server."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine.runs import load_explanations, save_explanations
from tests.gui.conftest import Room, Traffic

SCALE = 60.0


@pytest.fixture
def scaled(room: Room) -> Iterator[Room]:
    """The room with maps in log-odds: strong ones in films that are predicted ill, faint ones in the others."""
    told = load_explanations(room.run.folder)
    ill = {one.image_id for one in room.predictions if one.predicted == room.run.positive}
    evident = []
    for image_id, one in told.items():
        heat = one.heatmap * (SCALE if image_id in ill else 0.1 * SCALE)
        heat[0, 0] = -SCALE  # evidence against, in the corner
        evident.append(
            replace(
                one, heatmap=heat, target=room.run.positive, method="two-scale-cam", scale=SCALE, rest=-4.0
            )
        )
    save_explanations(room.run.folder, evident)
    yield room


DRAWN = """() => {  // as one string: a list of 262,144 numbers is on its way for seconds
  const { data } = document.querySelector('.rv-heat').getContext('2d').getImageData(0, 0, 256, 256);
  let bytes = '';
  for (let at = 0; at < data.length; at += 8192) bytes += String.fromCharCode(...data.subarray(at, at + 8192));
  return btoa(bytes);
}"""


def painted(page: Any) -> np.ndarray:
    """Return the heatmap as it is drawn, (256, 256, 4)."""
    page.wait_for_function("document.querySelector('.rv-heat')?.hasAttribute('data-painted')")
    drawn = base64.b64decode(page.evaluate(DRAWN))
    return np.frombuffer(drawn, np.uint8).astype(int).reshape(256, 256, 4)


def show(page: Any, room: Room, image_id: str) -> None:
    page.wait_for_function("document.querySelector('.rv')?.dataset.shown")
    page.evaluate("(id) => overread.go({ case: id })", image_id)
    page.evaluate("sessionStorage.setItem('overread.queue', 'all')")
    page.reload()
    page.wait_for_function(f"document.querySelector('.rv')?.dataset.shown === '{image_id}'")


@pytest.mark.browser
def test_numbers_class_and_method_stand_beside_the_film_and_sliders_ask_nothing(
    scaled: Room, page: Any, opened: Callable[..., Any], traffic: Traffic
) -> None:
    page.goto(opened(scaled.session).url)
    ill = next(one for one in scaled.predictions if one.predicted == scaled.run.positive)
    show(page, scaled, ill.image_id)
    legend = page.inner_text("[data-at=legend]")
    for said in (
        "Evidence for pneumonia",
        "two-scale-cam",
        "log-odds per 1% of the image",
        "rest −4.00",
        ".3",
        ".6",
    ):
        assert said in legend
    assert page.locator("[data-at=legend]").is_visible()
    before = painted(page)
    assert before[:, :, 3].max() > 200 and before[5, 5, 3] == 0  # evidence against is off by default
    asked = traffic.settle(page)  # the films of the next cases and the bookmark
    page.locator("[data-at=threshold]").fill("80")
    after = painted(page)
    shown, kept = (before[:, :, 3] > 0).sum(), (after[:, :, 3] > 0).sum()
    assert 0 < kept < 0.5 * shown
    assert np.array_equal(after[after[:, :, 3] > 0], before[after[:, :, 3] > 0])  # what stays looks as it did
    assert page.inner_text("[data-at=threshold-number]") == ".48"
    page.locator("[data-at=threshold]").fill("0")
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    assert painted(page)[5, 5, 3] > 100
    assert "and against it" in page.inner_text("[data-at=legend-title]")
    page.select_option("[data-at=colours]", "viridis")
    changed = painted(page)
    place = np.unravel_index(before[:, :, 3].argmax(), (256, 256))
    assert changed[place][3] == before[place][3] and not np.array_equal(changed[place], before[place])
    assert len([url for url in traffic.requests[asked:] if "heartbeat" not in url]) == 0


@pytest.mark.browser
def test_a_film_with_little_evidence_shows_little(
    scaled: Room, page: Any, opened: Callable[..., Any]
) -> None:
    page.goto(opened(scaled.session).url)
    well = next(one for one in scaled.predictions if one.predicted != scaled.run.positive)
    show(page, scaled, well.image_id)
    assert painted(page)[:, :, 3].max() < 50


@pytest.mark.browser
def test_a_map_of_an_earlier_version_is_said_to_be_relative(
    room: Room, page: Any, opened: Callable[..., Any]
) -> None:
    page.goto(opened(room.session).url)
    show(page, room, room.predictions[0].image_id)
    assert "relative to this map's own maximum" in page.inner_text("[data-at=legend]")
    assert painted(page)[:, :, 3].max() > 200
