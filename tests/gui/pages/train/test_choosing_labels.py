"""The Train page offers the versions of the labels, and a run on one keeps the parts of the run that was read."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import jobs
from engine.jobs import load_request
from engine.labels import draft_from_run, make
from engine.reading import Reader
from engine.records import Review, Run, Verdict
from engine.runs import load_run
from engine.workspace import Workspace, open_workspace
from gui.pages.train.plan import data_facts, label_choices, use_labels
from gui.pages.train.recipe_form import values_of
from gui.pages.train.starting import start_on
from gui.web.session import AppSession, open_session
from tests.tiny import TINY_RECIPE


@pytest.fixture
def read(trained: tuple[Workspace, Run], tmp_path: Path) -> Iterator[tuple[AppSession, Run]]:
    """A window on a workspace in which one validation label was overruled and became labels v2."""
    shutil.copytree(trained[0].root, tmp_path / "workspace")
    session = open_session(open_workspace(tmp_path / "workspace"), reader="Ada")
    session.store.add_reader(Reader(reader_id="", name="Ada"))
    run = load_run(session.workspace.runs / trained[1].run_id)
    case = session.store.predictions(run.run_id, "val")[0]
    wanted = "opacity" if case.label == "normal" else "normal"
    verdict = Verdict.AGREE if wanted == case.predicted else Verdict.OVERRULE
    session.store.add_review(
        Review(run_id=run.run_id, image_id=case.image_id, reader="Ada", verdict=verdict, label=wanted)
    )
    make(
        session.workspace,
        session.store,
        run.dataset_id,
        draft_from_run(session.workspace, session.store, run),
    )
    yield session, run
    session.store.close()


def test_a_run_on_a_version_is_asked_for_with_the_parts_of_the_run_that_was_read(
    read: tuple[AppSession, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    session, run = read
    use_labels(session, run.dataset_id, 2)
    offered = label_choices(session, run.dataset_id)
    assert offered.visible and [number for _, number in offered.choices] == [1, 2] and offered.value == 2
    assert f"in run {run.run_id}" in data_facts(session, run.dataset_id, 0, 2)
    assert "they are locked" in data_facts(session, run.dataset_id, 4, 2)
    start_on(session, "", 2, run.dataset_id, 0, TINY_RECIPE, *values_of(TINY_RECIPE))
    (job,) = [one for one in jobs.list_jobs(session.workspace) if one.job_id != run.run_id]
    jobs.stop(job.folder)
    asked = load_request(job.folder).training
    assert asked.labels is not None and (asked.labels.number, asked.labels.base_run) == (2, run.run_id)
    list(jobs.watch(job.folder))


@pytest.mark.browser
def test_in_a_browser_the_chosen_version_says_how_it_will_be_split(
    read: tuple[AppSession, Run], page: Any, opened: Callable[..., Any]
) -> None:
    session, run = read
    page.goto(opened(session, page="train").url)
    page.wait_for_selector("#train-labels input")
    page.locator("#train-labels input").click()
    page.get_by_role("option", name="v2: 1 of 40").click()
    page.wait_for_function(
        "run => document.querySelector('#train-data-facts').innerText.includes(run)", arg=run.run_id
    )
