"""From a folder without labels to a model, its correction and the comparison, all of it in Chromium."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.data import index_folder, save_index
from engine.errors import ReviewError
from engine.reading import Reader
from engine.recipes import keep_own
from engine.records import Index
from engine.runs import list_runs, split_of
from gui.pages.data.labelled.pane import make_of_study, told, use
from gui.pages.studies.reading import answer, open_study
from gui.pages.studies.rounds import Rounds
from gui.web.session import AppSession
from tests.gui.conftest import draw_film
from tests.gui.pages.report.test_relabelling import wait_for_run
from tests.gui.pages.studies.test_studies_page import back, press, shown
from tests.gui.pages.train.test_train_page import expert
from tests.tiny import TINY_RECIPE

FILMS = 16
KEYS = {"normal": "1", "opacity": "2"}
OTHER = {"normal": "opacity", "opacity": "normal"}


def truth_of(image: Path) -> str:
    return "opacity" if int(image.stem) % 2 else "normal"


@pytest.fixture
def films(session: AppSession, tmp_path: Path) -> Index:
    """Sixteen images without a label, and two readers."""
    (tmp_path / "films").mkdir()
    for number in range(FILMS):
        draw_film(tmp_path / "films" / f"{number:02d}.png", number, side=64, opacity=bool(number % 2))
    index = index_folder(tmp_path / "films", near_duplicates=False)
    save_index(session.workspace, index)
    for name in ("Dr Test", "Ben"):
        if session.store.find_reader(name) is None:
            session.store.add_reader(Reader(reader_id="", name=name))
    return index


def read_as(session: AppSession, study_id: str, name: str, truth: dict[str, str], *, wrong: str) -> None:
    """Give every answer of a reader through the functions that the page calls; one of them otherwise."""
    rounds = Rounds(session)
    seen = open_study(rounds, {"study": study_id, "reader": name, "page": "theirs"})
    reading = seen["reading"]
    while (case := seen["case"]) is not None:
        label = truth[case["id"]]
        said = OTHER[label] if case["id"] == wrong else label
        sent = {"reading": reading, "shown": case["id"], "arm": case["arm"], "verdict": "read", "label": said}
        seen = answer(rounds, sent)


def to_labels(page: Any) -> Any:
    """Come to the tab with the labels of the Data page, and return the versions on it."""
    page.get_by_role("tab", name="Data", exact=True).click()
    page.locator("#page-data, body").first.get_by_role("tab", name="Labels").first.click()
    page.wait_for_selector("#data-labels-versions tbody tr", state="visible")
    return page.locator("#data-labels-versions")


@pytest.mark.browser
def test_from_a_folder_without_labels_to_a_model_its_correction_and_the_comparison(
    session: AppSession, films: Index, page: Any, opened: Callable[..., Any]
) -> None:
    from playwright.sync_api import expect

    truth = {one.image_id: truth_of(one.path) for one in films.samples}
    keep_own(session.workspace, replace(TINY_RECIPE, title="Tiny"))
    page.goto(opened(session, page="data").url)
    page.wait_for_selector("#data-summary >> text=without a label")
    page.click("#data-label")
    form = page.locator(".sd-form")
    form.locator("[name=name]").fill("first labels")
    form.locator("[name=findings]").fill("normal\nopacity")
    for name in ("Dr Test", "Ben"):
        form.get_by_label(name, exact=True).check()
    page.wait_for_selector(f"[data-at=summary] >> text=2 readers × {FILMS} cases")
    page.click("[data-at=make]")
    page.click("text=Begin reading")
    for _ in range(FILMS):
        shown(page, "annotation")
        press(page, KEYS[truth[str(page.get_attribute(".st-room", "data-shown")).split()[-1]]])
    study = session.store.studies.get("first labels")
    expect(to_labels(page)).to_contain_text("v1 · in use")
    expect(page.locator("#data-labels-studies")).to_contain_text("still being read")
    expect(page.locator("#data-labels-make")).to_be_hidden()

    read_as(session, study.study_id, "Ben", truth, wrong=films.samples[0].image_id)
    page.get_by_role("tab", name="Studies").click()
    back(page)
    page.click("text=← All studies")
    page.click(".sd-card >> text=Open")
    page.wait_for_selector(f"text=Consensus on {FILMS - 1} of {FILMS} cases.")
    page.wait_for_selector("text=The readers did not agree on 1; 0 of these settled.")
    page.reload()
    expect(to_labels(page)).to_contain_text("v1 · in use")
    page.click("#data-labels-make")
    expect(page.locator("#data-labels-versions")).to_contain_text("v2 · in use")
    expect(page.locator("#data-labels-versions")).to_contain_text("study “first labels”")
    expect(page.locator("#data-labels-versions")).to_contain_text(f"{FILMS - 1} of {FILMS}")
    expect(page.locator("#data-labels-versions")).to_contain_text("1 not settled (readers disagree)")
    expect(page.locator("#data-split")).to_contain_text("opacity")
    page.click("#data-labels-changed summary")
    expect(page.locator("#data-labels-changed")).to_contain_text("no label → opacity")

    page.click("#data-labels-train")
    expect(page.locator("#train-labels input")).to_have_value(re.compile("v2: 15 of 16"))
    expect(page.locator("#train-facts")).to_contain_text("parameters trained")
    expert(page)
    page.locator("#train-recipe input").click()
    page.locator("#train-recipe input").fill("Mine")
    page.get_by_role("option", name="Mine — Tiny").click()
    expect(page.locator("#train-recipe-card")).to_contain_text("tests")
    page.locator("#train-start").click()
    expect(page.locator("#train-status")).to_contain_text("Done", timeout=180_000)
    (first,) = list_runs(session.workspace)
    assert first.labels is not None and first.labels.number == 2
    assert sum(len(split_of(first).part(part)) for part in ("train", "val", "test")) == FILMS - 1

    page.locator("#train-review").click()
    page.wait_for_selector(".rv[data-shown]:not([data-busy])")
    page.select_option("[data-at=part]", "val")
    corrected: set[str] = set()
    while len(corrected) < 2:  # one of each class, so that validation keeps both
        page.wait_for_selector(".rv[data-shown]:not([data-busy]):not([data-guard])")
        image_id = str(page.get_attribute(".rv", "data-shown"))
        case = session.store.case(first.run_id, image_id)
        assert case.part == "val" and case.label is not None
        said = case.label if case.label in corrected else OTHER[case.label]
        corrected.add(case.label)
        page.keyboard.press(KEYS[said])
        page.wait_for_function("was => document.querySelector('.rv').dataset.shown !== was", arg=image_id)

    page.get_by_role("tab", name="Report").click()
    page.wait_for_selector("#report-run", state="visible")
    page.get_by_role("tab", name="Labels").last.click()
    expect(page.locator("#labels-versions")).to_contain_text("2 labels changed")
    page.locator("#labels-retrain").click()
    expect(page.locator("#labels-said")).to_contain_text("trains on these labels")
    again = wait_for_run(session.workspace)
    end = time.monotonic() + 120
    while len(session.store.predictions(again.run_id, "test")) < len(split_of(again).test):
        assert time.monotonic() < end
        time.sleep(0.2)
    assert again.labels is not None and (again.labels.number, again.labels.base_run) == (3, first.run_id)

    page.goto(opened(session, page="report", run_id=again.run_id).url)
    page.get_by_role("tab", name="Labels").last.click()
    expect(page.locator("#labels-compared")).to_contain_text("before: trained on labels v2")
    expect(page.locator("#labels-compared")).to_contain_text("after: trained on labels v3")
    tested = [{one.image_id for one in split_of(run).test} for run in (first, again)]
    assert tested[0] == tested[1]

    page.goto(opened(session, page="data").url)
    versions = to_labels(page)
    expect(versions).to_contain_text(f"assisted: Dr Test, run {first.run_id}")
    assert versions.locator("tbody tr").count() == 3
    assert versions.locator("tbody tr").last.inner_text().split("\t")[3] == f"2 of {FILMS}"
    assert versions.locator("tbody tr").last.inner_text().split("\t")[5] == str(len(tested[0]))
    page.locator("#data-labels-changed summary").first.click()
    expect(page.locator("#data-labels-changed")).to_contain_text("v3: 2 labels changed from v2")


def test_labels_are_made_of_a_study_that_is_read_and_guests_make_none(
    session: AppSession, films: Index
) -> None:
    from engine.reading import Protocol

    truth = {one.image_id: truth_of(one.path) for one in films.samples}
    ben = session.store.find_reader("Ben")
    assert ben is not None
    study = session.store.studies.create(
        Protocol(
            name="alone",
            design="annotation",
            dataset_id=films.dataset_id,
            readers=(ben.reader_id,),
            classes=("normal", "opacity"),
        ),
        samples=films.samples,
    )
    with pytest.raises(ReviewError, match="still being read"):
        make_of_study(session, films.dataset_id, study.study_id)
    read_as(session, study.study_id, "Ben", truth, wrong="")
    said, versions, choice, *_ = make_of_study(session, films.dataset_id, study.study_id)
    assert "The next training uses labels v2" in said and "v2 · in use" in versions and choice.value == 2
    *_, offered, button = told(session, films.dataset_id)
    assert not offered.visible and not button.visible  # nothing is in it that v2 has not
    assert "labels v2 were made of it" in told(session, films.dataset_id)[4]
    said, versions, *_ = use(session, films.dataset_id, 1)
    assert "labels v1" in said and "v1 · in use" in versions
    guest = replace(session, read_only=True)
    for work in (use, make_of_study):
        with pytest.raises(ReviewError, match="Guests"):
            work(guest, films.dataset_id, 2)  # type: ignore[arg-type]
