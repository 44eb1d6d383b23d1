"""A study is changed from its page with a reason, and doubted labels are read again beside a control."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ReviewError
from engine.labels import suspects_of_run
from engine.reading import Drawn, StudyAnswer
from engine.records import Run
from engine.workspace import Workspace, open_workspace
from gui.pages.studies.changing import change_study, lock_study, reread_labels
from gui.pages.studies.desk import list_studies, show_study
from gui.pages.studies.rounds import Rounds
from gui.web.session import open_session
from tests.gui.pages.studies.conftest import Ward
from tests.readers import with_readers


@pytest.mark.browser
def test_readers_cases_and_deviations_are_recorded_with_their_reason_from_the_page(
    ward: Ward, opened: Callable[..., Any], page: Any
) -> None:
    run_id = ward.session.store.run_ids()[0]
    first, second = (one.image_id for one in ward.predictions[:2])
    study = ward.study("blind", readers=ward.ids("anna"), adjudicator=None, consensus="majority")
    small = ward.session.store.studies.create(
        replace(study.protocol, name="small", drawn=Drawn(rule="filter")), image_ids=[first]
    )
    ward.session.store.studies.lock(small.study_id)
    page.goto(opened(ward.session, page="studies").url)
    page.click(".sd-card:has-text('small') >> text=Open")
    page.click("text=Add readers or cases, or record a deviation")
    form = page.locator("[data-at=study] .sd-change")
    form.get_by_label("ben", exact=True).check()
    form.locator("[name=cases]").fill(ward.predictions[1].path.name)
    form.get_by_text("Record it").click()
    page.wait_for_selector("[data-at=trouble] >> text=is a deviation and needs a reason")
    form.locator("[name=reason]").fill("one reader fell ill")
    form.get_by_text("Record it").click()
    page.wait_for_selector("text=1 case added; each reader gets them after the others. 1 reader added")
    page.wait_for_selector("text=readers from “anna” to “anna, ben”. Reason: one reader fell ill")
    changed = ward.session.store.studies.get("small")
    assert changed.protocol.readers == ward.ids("anna", "ben") and changed.protocol.run_id == run_id
    assert set(ward.session.store.studies.images(small.study_id)) == {first, second}
    assert {one.author for one in changed.deviations} == set(ward.ids("anna"))  # who had chosen their name

    page.click("text=Add readers or cases, or record a deviation")
    page.locator("[data-at=study] .sd-change [name=reason]").fill("the second screen was replaced")
    page.locator("[data-at=study] .sd-change").get_by_text("Record it").click()
    page.wait_for_selector("li:has-text('the second screen was replaced')")
    assert ward.session.store.studies.get("small").deviations[-1].changed == {}


def test_what_may_not_be_changed_is_refused_in_a_sentence(ward: Ward) -> None:
    study, rounds = ward.study("blind"), Rounds(ward.session)
    asked = {"study": study.study_id, "reader": "anna"}
    with pytest.raises(ReviewError, match="not fixed yet, so that nothing can depart from it"):
        change_study(rounds, asked | {"reason": "why"})
    lock_study(rounds, asked)
    with pytest.raises(ReviewError, match="not said what departed"):
        change_study(rounds, asked)
    with pytest.raises(ReviewError, match="in the study already"):
        change_study(rounds, asked | {"cases": ward.predictions[0].path.name, "reason": "why"})
    run_id = ward.session.store.run_ids()[0]
    assert [one["value"] for one in list_studies(rounds, {})["rereads"]] == [run_id]


def test_doubted_labels_are_read_again_beside_a_control_and_what_came_of_it_stands_with_the_study(
    trained: tuple[Workspace, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(trained[0].root, tmp_path / "workspace")
    session = open_session(open_workspace(tmp_path / "workspace"), reader="anna")
    with_readers(session.store, "anna")
    rounds, run_id = Rounds(session), trained[1].run_id
    every = suspects_of_run(session.workspace, session.store, trained[1], parts=("test",), device="cpu")
    doubted = [replace(one, likely=one.label if n else "another") for n, one in enumerate(every)]
    monkeypatch.setattr("engine.labels.suspicion.suspects_of_run", lambda *_, **__: doubted)
    anna = session.store.find_reader("anna")
    assert anna is not None
    asked: dict[str, Any] = {"run": run_id, "readers": [anna.reader_id], "n": "1", "seed": "3", "name": ""}
    for wrong, said in (({"readers": []}, "who reads"), ({"n": "many"}, "not a whole number")):
        with pytest.raises(ReviewError, match=said):
            reread_labels(rounds, asked | wrong)
    made = reread_labels(rounds, asked)
    assert "2 test cases, half of them with a doubted label" in made["said"]
    studies = session.store.studies
    titles = [one["title"] for one in show_study(rounds, {"study": made["study"]})["sections"]]
    assert "Labels read again" not in titles  # before all is read nobody is led
    sitting = studies.begin(made["study"], "anna")
    while task := studies.next(made["study"], "anna"):
        label = session.store.case(run_id, task.image_id).label
        said_of = {"study_id": made["study"], "image_id": task.image_id, "arm": task.arm}
        studies.answer(StudyAnswer(**said_of, verdict="read", label=label), sitting)
    sections = {one["title"]: one for one in show_study(rounds, {"study": made["study"]})["sections"]}
    assert sections["Labels read again"]["lines"][0].startswith("Suspects: 0 of 1 label changed")
    session.store.close()
