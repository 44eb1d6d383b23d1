"""A reader chooses how a heatmap is made and for which class: it comes, can be cancelled, and delays no verdict."""

from __future__ import annotations

import base64
import io
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.errors import RecipeError, ReviewError, RunError
from engine.jobs import explaining
from engine.pipeline import read_samples
from engine.prediction import parts_of
from engine.records import Explanation, Prediction, Run
from engine.runs import load_explanations, save_explanations, split_of
from engine.saliency import SALIENCIES
from engine.workspace import Workspace, open_workspace
from gui.pages.review import decide, open_reading, show_case
from gui.pages.review.maps import explain, method_choices, stop_explaining
from gui.pages.review.reading_session import Desk
from gui.web.session import AppSession, open_session
from tests.doubles.half_way import LET_GO, half_way
from tests.gui.conftest import Room
from tests.gui.pages.review.test_map_on_screen import painted
from tests.tiny import with_cells

PATIENCE = 120_000  # milliseconds: the first map waits for a process that imports torch


@dataclass
class Ward:
    """Cases that a real net has predicted and can explain."""

    session: AppSession
    run: Run
    cases: list[Prediction]
    maps: Mapping[str, Explanation]


@pytest.fixture(scope="module")
def ward(trained: tuple[Workspace, Run], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    workspace = open_workspace(tmp_path_factory.mktemp("ward") / "workspace")
    run = with_cells(workspace, trained[1])
    split = split_of(run)
    cases, maps = read_samples(workspace, run, [*split.val, *split.test], parts=parts_of(split), device="cpu")
    save_explanations(run.folder, maps.values())
    session = open_session(workspace, reader="anna")
    session.store.add_run(run)
    session.store.add_cases(run.run_id, cases)
    yield Ward(session, run, cases, load_explanations(run.folder))
    session.explaining.close()
    session.store.close()


def wait(desk: Desk, question: dict[str, Any]) -> dict[str, Any]:
    end = time.monotonic() + PATIENCE / 1000
    while "levels" not in (answer := explain(desk, question)):
        assert time.monotonic() < end, answer
        assert set(answer) == {"shown", "share", "begun"}
        time.sleep(0.05)
    return answer


def levels(answer: dict[str, Any]) -> np.ndarray:
    kind, _, data = answer["levels"].partition(",")
    assert kind == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        return np.asarray(image)


# ------------------------------------------------------------------------------------------ without a browser


def test_every_method_of_the_engine_is_offered_and_those_to_be_doubted_are_marked_with_the_reason(
    ward: Ward,
) -> None:
    offered = {one["value"]: one for one in method_choices(ward.session, ward.run.run_id)}
    assert list(offered) == ["", *SALIENCIES]
    for name, method in SALIENCIES.items():
        assert method.caution() in offered[name]["says"] and method.says in offered[name]["says"]
        assert ("caution" in offered[name]["title"]) == bool(method.caution())


@pytest.mark.parametrize("method", SALIENCIES)
def test_every_method_is_drawn_for_either_class_with_its_own_scale(ward: Ward, method: str) -> None:
    desk = Desk(ward.session)
    reading = open_reading(desk, {"queue": "all"})["reading"]
    case = ward.cases[0]
    drawn = {}
    for target in ward.run.classes:
        answer = wait(desk, {"reading": reading, "shown": case.image_id, "method": method, "target": target})
        assert answer["shown"] == case.image_id and answer["method"] == f"{method}, for {target}"
        legend = answer["legend"]
        assert legend["title"] == f"Evidence for {target}" and legend["method"] == method
        numbers = any(character.isdigit() for _, word in legend["ticks"] for character in word)
        assert numbers == ("log-odds" in legend["unit"]) == (method in ("two-scale-cam", "evidence-cam"))
        assert (legend["caution"] != "") == (method in ("layercam", "grad-cam++"))
        drawn[target] = levels(answer)
    first, second = drawn.values()
    assert not np.array_equal(first, second)


def test_the_map_that_came_with_the_case_is_not_made_again(ward: Ward) -> None:
    desk = Desk(ward.session)
    reading = open_reading(desk, {"queue": "all"})["reading"]
    kept = ward.maps[ward.cases[1].image_id]
    question = {"reading": reading, "shown": kept.image_id, "method": kept.method, "target": kept.target}
    assert "levels" in explain(desk, question)  # at the first time of asking
    assert "levels" in explain(desk, question | {"method": "", "target": ""})


def test_guests_can_make_the_owner_compute_nothing(ward: Ward) -> None:
    guest = Desk(replace(ward.session, read_only=True))
    opened = open_reading(guest, {"queue": "all"})
    assert opened["methods"] == []
    for method in ("", *SALIENCIES):
        question = {"reading": opened["reading"], "shown": ward.cases[0].image_id, "method": method}
        with pytest.raises(ReviewError, match="Guests"):
            explain(guest, question | {"target": "normal"})
    assert stop_explaining(guest, {"reading": opened["reading"]}) == {}
    assert "explaining" not in vars(guest.session)  # nothing was even made ready


def test_what_cannot_be_explained_is_said_and_the_case_can_still_be_read(room: Room) -> None:
    """The room's run has neither weights nor a network."""
    desk = Desk(room.session)
    opened = open_reading(desk, {"queue": "all"})
    question = {"reading": opened["reading"], "shown": opened["case"]["id"], "method": "layercam"}
    with pytest.raises(RunError, match="no finished run"):
        explain(desk, question | {"target": ""})
    verdict = {"shown": opened["case"]["id"], "predicted": opened["case"]["predicted"], "verdict": "unsure"}
    assert decide(desk, {"reading": opened["reading"], **verdict})["stored"]


@pytest.mark.parametrize(
    "nonsense",
    [{"method": "x"}, {"target": "x"}, {"method": ["layercam"], "target": {"a": 1}, "ahead": "yes"}],
)
def test_nonsense_is_refused_in_a_sentence_or_taken_as_no_choice(
    ward: Ward, nonsense: dict[str, Any]
) -> None:
    desk = Desk(ward.session)
    reading = open_reading(desk, {"queue": "all"})["reading"]
    question = {"reading": reading, "shown": ward.cases[2].image_id, **nonsense}
    if "ahead" in nonsense:
        assert "levels" in explain(desk, question)
        return
    with pytest.raises(RecipeError, match="Choose one of"):
        wait(desk, question)


def test_a_verdict_is_stored_while_a_map_is_computed(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explaining, "_explain", half_way)
    desk = Desk(ward.session)
    opened = open_reading(desk, {"queue": "all", "reader": "ben"})
    reading, case = opened["reading"], opened["case"]
    explain(desk, {"reading": reading, "shown": case["id"], "method": "occlusion", "target": "opacity"})
    answer = decide(
        desk,
        {"reading": reading, "shown": case["id"], "predicted": case["predicted"], "verdict": "agree"},
    )
    assert answer["stored"] and ward.session.explaining._working is not None, "the map was waited for"
    (ward.run.folder / LET_GO).touch()
    # and the map of the next case is not that of the one that was left
    following = answer["case"]["id"]
    made = wait(desk, {"reading": reading, "shown": following, "method": "occlusion", "target": "opacity"})
    assert made["shown"] == following


# --------------------------------------------------------------------------------------------- in a browser


def await_map(page: Any, image_id: str, words: str) -> np.ndarray:
    page.wait_for_function(
        "(wanted) => document.querySelector('.rv').dataset.map === wanted",
        arg=f"{image_id} {words}",
        timeout=PATIENCE,
    )
    return painted(page)


def forget(ward: Ward) -> None:
    """End the process that makes maps, and delete what it has kept."""
    ward.session.explaining.close()
    shutil.rmtree(ward.session.workspace.cache / "maps", ignore_errors=True)


def shown_of_all(page: Any) -> str:
    """Go to the queue of all cases; it begins where this reader stopped, which may be at another case."""
    before = page.get_attribute(".rv", "data-reading")
    page.select_option("[data-at=queue]", "all")
    page.wait_for_function("(before) => document.querySelector('.rv').dataset.reading !== before", arg=before)
    return shown(page)


def shown(page: Any) -> str:
    page.wait_for_function("document.querySelector('.rv')?.dataset.shown")
    return str(page.get_attribute(".rv", "data-shown"))


@pytest.mark.browser
def test_a_method_and_a_class_are_chosen_and_picture_and_words_follow_to_the_next_case(
    ward: Ward, page: Any, opened: Callable[..., Any]
) -> None:
    page.goto(opened(ward.session).url)
    page.wait_for_selector(".rv[data-shown]:not([data-guard])")
    case = shown_of_all(page)
    usual = painted(page)
    positive, other = ward.run.positive, next(one for one in ward.run.classes if one != ward.run.positive)
    assert not page.is_visible("[data-at=map-note]")

    page.keyboard.press("=")  # a part of the image is looked at
    page.keyboard.press("m")  # by keyboard alone: the list opens, an entry is chosen
    assert page.evaluate("document.activeElement.dataset.at") == "map-method"
    page.select_option("[data-at=map-method]", "layercam")
    page.wait_for_selector("[data-at=map-note]:not([hidden])")
    first = await_map(page, case, f"layercam, for {positive}")
    assert not np.array_equal(first, usual)
    assert "matrix(1.25, 0, 0, 1.25," in page.get_attribute(
        "[data-at=sheet]", "style"
    )  # and still is, beside the note
    note = page.inner_text("[data-at=map-note]")
    for said in (f"layercam, for {positive}", "relative to this map's own maximum", "Caution", "shuffled"):
        assert said in note
    legend = page.inner_text("[data-at=legend]")
    assert f"Evidence for {positive}" in legend and "layercam" in legend and "most" in legend
    assert "." not in page.inner_text("[data-at=legend-ticks]")  # no number

    page.select_option("[data-at=map-class]", other)
    second = await_map(page, case, f"layercam, for {other}")
    assert not np.array_equal(first, second)
    assert f"Evidence for {other}" in page.inner_text("[data-at=legend]")

    page.select_option("[data-at=map-method]", "evidence-cam")
    await_map(page, case, f"evidence-cam, for {other}")
    assert "log-odds per 1% of the image" in page.inner_text("[data-at=legend]")
    assert "Caution" not in page.inner_text("[data-at=map-note]")

    page.select_option("[data-at=map-method]", "smoothgrad")
    await_map(page, case, f"smoothgrad, for {other}")
    page.wait_for_selector(".rv[data-shown]:not([data-guard])")  # maps that were kept come faster
    page.keyboard.press("a")  # the verdict, and on
    page.wait_for_function(f"document.querySelector('.rv').dataset.shown !== '{case}'")
    assert "Stored: agree" in page.inner_text("[data-at=stored]")
    await_map(page, shown(page), f"smoothgrad, for {other}")
    page.reload()  # the choice stays
    await_map(page, shown(page), f"smoothgrad, for {other}")
    page.select_option("[data-at=map-method]", "")
    page.select_option("[data-at=map-class]", "")
    page.wait_for_function("!document.querySelector('.rv').dataset.map")
    assert not page.is_visible("[data-at=map-note]")


@pytest.mark.browser
def test_a_map_is_cancelled_and_the_usual_one_is_back(
    ward: Ward, page: Any, opened: Callable[..., Any]
) -> None:
    forget(ward)  # the process has to start first: time enough to cancel
    page.goto(opened(ward.session).url)
    shown(page)
    usual = painted(page)
    page.select_option("[data-at=map-method]", "occlusion")
    page.wait_for_selector("[data-do=stop-map]:not([hidden])")
    assert "Computing occlusion for" in page.inner_text("[data-at=map-note]")
    assert page.evaluate("document.querySelector('.rv-heat').style.visibility") == "hidden"
    page.keyboard.press("Escape")
    page.wait_for_selector("[data-at=map-note]", state="hidden")
    assert page.input_value("[data-at=map-method]") == ""
    page.wait_for_function("document.querySelector('.rv-heat').style.visibility === 'visible'")
    assert np.array_equal(painted(page), usual)
    page.wait_for_timeout(500)
    assert np.array_equal(painted(page), usual)  # no late answer is drawn


@pytest.mark.browser
def test_the_answer_to_a_case_that_was_left_is_dropped(
    ward: Ward, page: Any, opened: Callable[..., Any]
) -> None:
    forget(ward)
    page.goto(opened(ward.session).url)
    page.wait_for_selector(".rv[data-shown]:not([data-guard])")
    left = shown_of_all(page)
    page.select_option("[data-at=map-method]", "gradient-shap")
    page.wait_for_selector("[data-do=stop-map]:not([hidden])")
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"document.querySelector('.rv').dataset.shown !== '{left}'")
    assert not page.evaluate(  # the next case waited for no map
        f"(document.querySelector('.rv').dataset.map ?? '').startsWith('{left}')"
    )
    case = shown(page)
    await_map(page, case, f"gradient-shap, for {ward.run.positive}")
    assert case != left


@pytest.mark.browser
def test_a_map_that_cannot_be_made_is_said_below_the_image(
    ward: Ward, page: Any, opened: Callable[..., Any]
) -> None:
    forget(ward)
    weights = ward.run.folder / "model.safetensors"
    aside = weights.rename(ward.run.folder / "aside")
    try:
        page.goto(opened(ward.session).url)
        case = shown(page)
        page.wait_for_selector(".rv:not([data-guard])")
        page.select_option("[data-at=map-method]", "occlusion")
        page.wait_for_selector("[data-at=map-note][data-wrong]", timeout=PATIENCE)
        assert "The checkpoint of run" in page.inner_text("[data-at=map-note]")
        page.keyboard.press("u")
        page.wait_for_function(f"document.querySelector('.rv').dataset.shown !== '{case}'")
        assert "Stored: unsure" in page.inner_text("[data-at=stored]")
    finally:
        aside.rename(weights)


@pytest.mark.browser
def test_a_guests_page_offers_no_other_map(ward: Ward, page: Any, opened: Callable[..., Any]) -> None:
    page.goto(opened(replace(ward.session, read_only=True)).url)
    shown(page)
    assert page.locator("[data-at=map-method], [data-at=map-class]").count() == 0
    painted(page)
    assert "Evidence for" in page.inner_text("[data-at=legend]")


def test_the_page_is_told_which_case_comes_next_so_that_its_map_can_be_made_ahead(ward: Ward) -> None:
    desk = Desk(ward.session)
    first = open_reading(desk, {"queue": "all"})
    following = show_case(desk, {"reading": first["reading"], "to": "next", "shown": first["case"]["id"]})
    assert first["upcoming"][0]["id"] == following["case"]["id"]
    question = {"reading": first["reading"], "shown": following["case"]["id"], "method": "hirescam"}
    assert "share" in explain(desk, question | {"ahead": True})
    wait(desk, question)
