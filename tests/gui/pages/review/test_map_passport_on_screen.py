"""A map whose passport says no is off on the review page, says why, and is the reader's to switch on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from engine.language import speaking
from engine.records import Estimate, MapFigure, Passport
from engine.runs import load_explanations, save_passport
from gui.pages.review.remarks import passport_remark
from tests.gui.conftest import Room


def keep_passport(room: Room, correlation: float, method: str | None = None) -> None:
    """Keep a passport of the room's maps: how alike they are to those of a model that has forgotten."""
    shown = next(iter(load_explanations(room.run.folder).values())).method
    alike = Estimate(value=correlation, low=correlation - 0.02, high=correlation + 0.02, method="", n=24)
    hits = Estimate(value=0.9, low=0.7, high=0.97, method="Wilson", n=20)
    figures = [MapFigure(name=name, estimate=alike, limit=0.71) for name in ("head", "half", "network")]
    figures += [
        MapFigure(name=name, estimate=hits, limit=limit)
        for name, limit in (("pointing", 0.5), ("inside", 0.1))
    ]
    save_passport(
        room.run.folder,
        Passport(
            method=method or shown,
            settings=None,
            images=24,
            of=30,
            seed=0,
            seconds=1,
            figures=tuple(figures),
            reasons={},
        ),
    )


def is_on(page: Any) -> bool:
    return page.evaluate("document.querySelector('.rv-heat').style.visibility") == "visible"


def wait_for_case(page: Any, other_than: str = "") -> str:
    page.wait_for_function(
        f"(document.querySelector('.rv')?.dataset.shown ?? '{other_than}') !== '{other_than}'"
    )
    return str(page.evaluate("document.querySelector('.rv').dataset.shown"))


@pytest.mark.browser
def test_a_map_that_does_not_follow_the_model_is_off_until_the_reader_switches_it_on(
    room: Room, page: Any, opened: Callable[..., Any]
) -> None:
    keep_passport(room, 0.97)
    page.goto(opened(room.session).url)
    first = wait_for_case(page)
    assert not is_on(page)
    assert page.get_attribute("[data-do=heat]", "aria-pressed") == "false"
    said = page.inner_text("[data-at=map-off]")
    assert said.startswith("The heatmap is off until you switch it on (H). This map follows its model: no.")
    assert ".97 (.95–.99)" in said and "the limit is .71" in said and "finds" not in said
    page.keyboard.press("h")
    assert is_on(page)
    page.keyboard.press("ArrowRight")
    wait_for_case(page, first)
    assert is_on(page), "it stays on for this run"
    page.keyboard.press("h")
    assert not is_on(page)


@pytest.mark.browser
def test_a_map_that_passes_is_on_and_its_passport_stands_beside_it(
    room: Room, page: Any, opened: Callable[..., Any]
) -> None:
    keep_passport(room, 0.1)
    page.goto(opened(room.session).url)
    wait_for_case(page)
    assert is_on(page)
    assert not page.locator("[data-at=map-off]").is_visible()
    said = page.inner_text("[data-at=passport]")
    assert "This map follows its model: yes. " in said
    assert "It finds the finding: in 18 of 20 (.70–.97)." in said
    assert "It stays on the body: cannot be said." in said
    page.keyboard.press("h")
    page.reload()
    wait_for_case(page)
    assert not is_on(page), "what the reader chose is kept"


def test_a_passport_of_other_maps_says_nothing_of_these(room: Room) -> None:
    keep_passport(room, 0.97, method="evidence-cam")
    shown = next(iter(load_explanations(room.run.folder).values())).method
    said = passport_remark(room.run.folder, shown)
    assert said["map_off"] == ""
    assert said["passport"].endswith(
        f"made for heatmaps by evidence-cam: it does not apply to those by {shown}."
    )


def test_what_is_kept_to_be_said_again_is_kept_by_language(room: Room) -> None:
    keep_passport(room, 0.1)
    shown = next(iter(load_explanations(room.run.folder).values())).method
    said = []
    for code, digits in (("fa", "۱۸"), ("he", "18"), ("en", "18")):
        with speaking(code):
            said.append(passport_remark(room.run.folder, shown)["passport"])
        assert digits in said[-1]
    assert len(set(said)) == 3


def test_no_passport_and_a_damaged_one_are_named_and_hide_nothing(room: Room) -> None:
    folder = room.run.folder
    assert f"overread passport {folder.name}" in passport_remark(folder, "grad-cam")["passport"]
    assert passport_remark(folder, None) == {"passport": "", "map_off": ""}
    (folder / "passport.json").write_text('{"schema_version": 2, "method": 7}')
    said = passport_remark(folder, "grad-cam")
    assert "passport.json is damaged" in said["passport"] and ".." not in said["passport"]
    assert said["map_off"] == ""
    keep_passport(room, 0.97)
    shown = next(iter(load_explanations(folder).values())).method
    assert passport_remark(folder, shown)["map_off"], "a passport that is made meanwhile is read"
