"""A report against a chosen version of the labels: it says which, and nobody is held against an answer of their own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.labels import draft_from_study, make
from engine.pipeline import report_run
from engine.reading import Drawn, Protocol, Reader, Store, StudyAnswer, open_store
from engine.records import Run
from engine.report.figures.of_report import caption_of, figures_of
from engine.report.named.names import CAME
from engine.runs import load_run, split_of
from engine.workspace import Workspace, open_workspace
from gui.cli.main import main

OTHER = {"normal": "opacity", "opacity": "normal"}
V2 = "labels v2, corrected by readers"


@pytest.fixture
def read(trained: tuple[Workspace, Run], tmp_path: Path) -> Iterator[tuple[Workspace, Store, Run]]:
    """Ada and Ben read the test cases blind and correct the label of one: labels v2. Cleo read them by herself."""
    shutil.copytree(trained[0].root, tmp_path / "workspace", ignore=shutil.ignore_patterns("cache"))
    workspace = open_workspace(tmp_path / "workspace")
    run = load_run(workspace.runs / trained[1].run_id)
    wrong = split_of(run).test[0].image_id
    with open_store(workspace.database) as store:
        for name in ("Ada", "Ben", "Cleo"):
            store.add_reader(Reader(reader_id="", name=name))
        labels = {case.image_id: str(case.label) for case in store.predictions(run.run_id, "test")}
        for title, readers in (("pair", ("Ada", "Ben")), ("alone", ("Cleo",))):
            study = store.studies.create(
                Protocol(name=title, run_id=run.run_id, readers=readers, drawn=Drawn(parts=("test",)))
            )
            for name in readers:
                sitting = store.studies.begin(study.study_id, name)
                while (task := store.studies.next(study.study_id, name)) is not None:
                    own = labels[task.image_id]
                    said = StudyAnswer(
                        study_id=study.study_id,
                        image_id=task.image_id,
                        arm=task.arm,
                        verdict="read",
                        label=OTHER[own] if task.image_id == wrong else own,
                    )
                    store.studies.answer(said, sitting, last=task.last)
            store.studies.close(study.study_id)
        pair = store.studies.get("pair")
        made = make(workspace, store, run.dataset_id, draft_from_study(workspace, store, pair))
        assert (made.number, made.changed) == (2, 1)
        yield workspace, store, run


def test_readers_stand_against_every_standard_that_does_not_rest_on_their_own_answers(
    read: tuple[Workspace, Store, Run],
) -> None:
    workspace, store, run = read
    cases = len(split_of(run).test)

    def points(labels: str | None) -> dict[tuple[str, str], Any]:
        report = report_run(workspace, store, run, labels=labels)
        return {(one.study, one.standard): one for one in report.readers if one.reader == "R1"}

    own = points(None)
    assert own["pair", CAME].own == own["alone", CAME].own == 0
    missed = own["pair", CAME].blind  # one label of the data is not what the reader says
    assert missed.cases == cases and min(missed.sensitivity, missed.specificity) < 1
    corrected = points("latest")
    assert (corrected["pair", V2].own, corrected["pair", V2].blind) == (cases, None)
    alone = corrected["alone", V2]
    assert (alone.own, alone.blind.cases) == (0, cases)
    assert alone.blind.sensitivity == alone.blind.specificity == 1
    consensus = "blinded consensus of readers (study {})"
    assert corrected["pair", consensus.format("pair")].blind is None
    assert corrected["pair", consensus.format("alone")].blind.cases == cases

    report = report_run(workspace, store, run, labels="v2")
    (against,) = (one for one in report.against if one.name == V2)
    told = caption_of("roc", report, against)
    assert f"rests on the reader's own answer are left out (R1 of pair: {cases}, R2 of pair: {cases})" in told
    assert "Arrows: each reader" in told and "roc" in figures_of(report, against)


def test_a_report_says_which_labels_were_chosen_and_its_bundle_computes_them_again(
    read: tuple[Workspace, Store, Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, _, run = read
    asked = ["report", run.run_id, "--labels", "latest", "-w", str(workspace.root)]
    assert main([*asked, "--out", str(tmp_path / "out"), "--format", "json", "--format", "html"]) == 0
    told = json.loads((tmp_path / "out" / "report.json").read_text())
    assert told["labels"] is None and told["held_against"]["number"] == 2
    assert V2 in told["against"] if isinstance(told["against"], dict) else V2 in json.dumps(told["against"])
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Chosen for this report" in page and "those that came with the data (v1)" in page
    assert main([*asked, "--out", str(tmp_path / "bundle"), "--format", "bundle"]) == 0
    capsys.readouterr()
    assert main(["verify", str(tmp_path / "bundle" / "bundle.zip")]) == 0, capsys.readouterr().out

    assert main([*asked[:2], "--labels", "v7", *asked[4:], "--out", str(tmp_path / "none")]) == 1
    assert "has no labels “v7”" in capsys.readouterr().err
    assert main(["report", "pair", "--labels", "v2", *asked[4:], "--out", str(tmp_path / "none")]) == 1
    assert "--labels can be said of runs alone, and “pair” is a study" in capsys.readouterr().err
