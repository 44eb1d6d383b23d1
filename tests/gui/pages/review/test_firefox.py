"""Review in a real Firefox: film and heatmap are painted, the window moves, a key answers and brings the next case."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from engine.records import Verdict
from tests.firefox import Firefox, firefox as firefox
from tests.gui.conftest import Room

THERE = (
    "document.querySelector('.rv[data-film][data-shown]:not([data-busy]):not([data-guard])')?.dataset.shown"
)
GREYS = """(() => {
    const film = document.querySelector('.rv-film');
    const seen = film.getContext('2d').getImageData(0, 0, film.width, film.height).data;
    let sum = 0, squares = 0, count = 0;
    for (let at = 0; at < seen.length; at += 4 * 17) { sum += seen[at]; squares += seen[at] ** 2; count += 1; }
    return [sum / count, Math.sqrt(squares / count - (sum / count) ** 2)];
})()"""
WINDOW = "[...document.querySelectorAll('[data-at=centre], [data-at=width]')].map((one) => Number(one.value))"
PAINTED = """(() => {
    const map = document.querySelector('.rv-heat[data-painted]');
    const seen = map?.getContext('2d').getImageData(0, 0, map.width, map.height).data ?? [];
    return seen.filter((value, at) => at % 4 === 3 && value > 0).length;
})()"""
STAGE = """(() => {
    const box = document.querySelector('.rv-stage').getBoundingClientRect();
    return [box.x + box.width / 2, box.y + box.height / 2];
})()"""


@pytest.mark.browser
def test_a_case_is_seen_windowed_and_answered_in_firefox(
    room: Room, firefox: Firefox, opened: Callable[..., Any]
) -> None:
    window = opened(room.session, page="review", run_id=room.run.run_id)
    firefox.go(window.address)
    firefox.keep_cookie("overread-guide", "seen")  # somebody who has seen the guide
    firefox.go(window.url)
    first = firefox.wait(THERE)
    assert "Firefox" in firefox.agent
    mean, spread = firefox.evaluate(GREYS)
    assert 20 < mean < 235 and spread > 10  # a film, and no even grey
    firefox.wait(PAINTED)
    before = firefox.evaluate(WINDOW)
    x, y = firefox.evaluate(STAGE)
    firefox.drag((x, y), (x - 40, y - 30), (x - 80, y - 60), button=2)
    after = firefox.wait(f"JSON.stringify({WINDOW}) === arguments[0] ? null : {WINDOW}", json.dumps(before))
    assert after[1] < before[1]  # to the left: narrower
    firefox.wait(f"Math.abs({GREYS}[1] - arguments[0]) > 5", spread)  # and what is painted follows
    firefox.press("a")
    second = firefox.wait(f"({THERE} ?? arguments[0]) !== arguments[0] && {THERE}", first)
    firefox.wait(PAINTED)
    (review,) = room.session.store.reviews(room.run.run_id)
    assert (review.image_id, review.verdict) == (first, Verdict.AGREE) and second != first
