"""Labels corrected on the Review page, one click, a new run, and both compared on the same test cases."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ReviewError
from engine.experiments import compare_before_after, verify
from engine.language import speaking
from engine.records import Run
from engine.runs import list_runs, load_run, split_of
from engine.workspace import Workspace, open_workspace
from gui.pages.report.relabelling import of_run, retrain, suspect
from gui.web.session import AppSession, open_session

RUN = "20260101-000000-tiny"


@pytest.fixture
def session(trained: tuple[Workspace, Run], tmp_path: Path) -> Iterator[AppSession]:
    """A window on a copy of a workspace with one trained run."""
    shutil.copytree(trained[0].root, tmp_path / "workspace")
    opened = open_session(open_workspace(tmp_path / "workspace"), reader="Dr Test")
    yield opened
    opened.store.close()


def wait_for_run(workspace: Workspace, seconds: float = 240) -> Run:
    end = time.monotonic() + seconds
    while len(list_runs(workspace)) < 2:
        assert time.monotonic() < end, [path.read_text() for path in workspace.runs.glob("*/job.log")]
        time.sleep(0.2)
    return list_runs(workspace)[0]


@pytest.mark.browser
def test_labels_corrected_on_review_one_click_a_new_run_and_a_comparison_on_the_same_test_cases(
    session: AppSession, page: Any, opened: Callable[..., Any], tmp_path: Path
) -> None:
    page.goto(opened(session, page="review", run_id=RUN).url)
    shown = ".rv[data-shown]:not([data-busy])"
    page.wait_for_selector(shown)
    page.select_option("[data-at=part]", "val")
    page.wait_for_selector(shown)
    for _ in range(3):  # whatever is predicted, the reader says that it is the other class than the label
        page.wait_for_selector(
            f"{shown}:not([data-guard])"
        )  # no verdict from who cannot have seen the film yet
        image_id = page.get_attribute(".rv", "data-shown")
        case = session.store.case(RUN, str(image_id))
        assert case.part == "val"
        page.keyboard.press("2" if case.label == "normal" else "1")
        page.wait_for_function("was => document.querySelector('.rv').dataset.shown !== was", arg=image_id)

    page.get_by_role("tab", name="Report").click()
    page.get_by_role("tab", name="Labels").click()
    page.wait_for_function(
        "() => document.querySelector('#labels-versions').innerText.includes('3 labels changed')"
    )
    page.locator("#labels-retrain").click()
    page.wait_for_function(
        "() => document.querySelector('#labels-said').innerText.includes('trains on these labels')"
    )
    again = wait_for_run(session.workspace)
    assert again.labels is not None and (again.labels.number, again.labels.base_run) == (2, RUN)
    end = time.monotonic() + 120
    while len(session.store.predictions(again.run_id, "test")) < len(split_of(again).test):
        assert time.monotonic() < end
        time.sleep(0.2)

    page.goto(opened(session, page="report", run_id=again.run_id).url)
    page.get_by_role("tab", name="Labels").click()
    page.wait_for_function(
        "() => document.querySelector('#labels-compared').innerText.includes('Before and after')"
    )
    words = page.locator("#labels-compared").inner_text()
    assert "before: trained on labels v1" in words and "after: trained on labels v2" in words
    told = page.locator("#labels-compared svg[role=img]").first.get_attribute("aria-label")
    assert "before: trained on labels v1" in told and "after: trained on labels v2" in told
    assert "none of these labels differs from those that came with the data" in words
    assert "v2" in page.locator("#labels-versions").inner_text()
    with page.expect_download() as download:
        page.locator("#labels-download").click()
    file = tmp_path / "compared.html"
    download.value.save_as(file)
    assert "held against the same labels of the same" in file.read_text(encoding="utf-8")
    with page.expect_download() as download:
        page.locator("#labels-bundle").click()
    assert download.value.suggested_filename == f"overread-{again.run_id}-before-and-after-bundle.zip"
    assert verify(Path(download.value.path())).holds

    first = load_run(session.workspace.runs / RUN)
    for part in ("train", "val", "test"):
        ids = [{sample.image_id for sample in split_of(run).part(part)} for run in (first, again)]
        assert ids[0] == ids[1]
    comparison = compare_before_after(session.workspace, session.store, again)
    assert comparison.cases == len(split_of(first).test)


def test_nothing_read_nothing_to_train_on(session: AppSession) -> None:
    versions, again, doubt, *_ = of_run(session, RUN)
    assert "no case has been read" in versions and not again.interactive and doubt.interactive
    with speaking("fa"):
        assert "as they came with the data" not in of_run(session, RUN)[0]
    with pytest.raises(ReviewError, match="No label would change: no case has been read"):
        retrain(session, RUN)
    assert [path.name for path in session.workspace.runs.iterdir()] == [RUN]


def test_guests_change_no_label(session: AppSession) -> None:
    guest = replace(session, read_only=True)
    _, again, doubt, *_ = of_run(guest, RUN)
    assert not again.interactive and not doubt.interactive
    for work in (retrain, suspect):
        with pytest.raises(ReviewError, match="Guests"):
            work(guest, RUN)


def test_what_is_suspected_is_said_and_stands_in_the_queue(session: AppSession) -> None:
    assert "likely mislabelled" in suspect(session, RUN)
    assert session.store.count(RUN, "likely mislabelled", "Dr Test") >= 0
