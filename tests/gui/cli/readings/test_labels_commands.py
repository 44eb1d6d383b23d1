"""From readings to a version of the labels, and to a training on it, from the command line."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.errors import TrainingError
from engine.reading import Drawn, Protocol, Reader, StudyAnswer, open_store
from engine.recipes import recipe_to_json
from engine.records import Review, Run, Verdict
from engine.runs import load_run, split_of
from engine.workspace import Workspace, open_workspace
from gui.cli.main import main
from tests.tiny import TINY_RECIPE

Overread = Callable[..., tuple[int, str, str]]


@pytest.fixture
def read(
    trained: tuple[Workspace, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Workspace, Run]:
    """A copy of the trained workspace, in which two readers overruled four validation and two test cases."""
    root = tmp_path / "workspace"
    shutil.copytree(trained[0].root, root)
    monkeypatch.setenv("OVERREAD_WORKSPACE", str(root))
    workspace = open_workspace(root)
    run = load_run(workspace.runs / trained[1].run_id)
    with open_store(workspace.database) as store:
        for name in ("Ada", "Ben"):
            store.add_reader(Reader(reader_id="", name=name))
        cases = store.predictions(run.run_id, "val")[:4] + store.predictions(run.run_id, "test")[:2]
        for place, case in enumerate(cases):
            for name in ("Ada", "Ben"):
                wanted = "opacity" if case.label == "normal" else "normal"
                wanted = (
                    str(case.label) if place == 3 and name == "Ben" else wanted
                )  # on the fourth they differ
                verdict = Verdict.AGREE if wanted == case.predicted else Verdict.OVERRULE
                store.add_review(
                    Review(
                        run_id=run.run_id, image_id=case.image_id, reader=name, verdict=verdict, label=wanted
                    )
                )
    return workspace, run


@pytest.fixture
def overread(capsys: pytest.CaptureFixture[str]) -> Overread:
    def run(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def answer(result: tuple[int, str, str]) -> Any:
    code, out, err = result
    assert code == 0, err
    return json.loads(out)


def test_from_readings_to_a_version_to_a_training_on_the_same_parts(
    read: tuple[Workspace, Run], overread: Overread, tmp_path: Path
) -> None:
    workspace, run = read
    data = run.dataset_id
    (first,) = answer(overread("labels", "list", data, "--json"))["versions"]
    assert first["sentence"] == "v1: 40 images, labelled as they came with the data"
    code, out, _ = overread("labels", "make", run.run_id, "--dry-run")
    assert (
        code == 0 and "6 images read, 3 labels changed, 0 confirmed, 1 not settled (readers disagree)" in out
    )
    assert len(answer(overread("labels", "list", data, "--json"))["versions"]) == 1

    made = answer(overread("labels", "make", run.run_id, "--json"))
    assert made["sentence"] == (
        "v2: 3 of 40 labels changed from v1 by assisted readings of Ada and Ben, majority"
    )
    assert sum(made["kept"].values()) == 3 and made["locked"] == len(split_of(run).test)

    file = Path(
        answer(overread("labels", "export", data, "--out", tmp_path / "labels.csv", "--json"))["file"]
    )
    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"))))
    assert sum(row["label"] != row["label it came with"] for row in rows) == 3
    assert sum(bool(row["answers"]) for row in rows) == 6 and len(rows) == 40

    recipe = tmp_path / "tiny.json"
    recipe.write_text(recipe_to_json(TINY_RECIPE))
    trained = answer(
        overread("train", data, "--labels", "v2", "--recipe", recipe, "--device", "cpu", "--json")
    )
    again = load_run(workspace.runs / trained["run_id"])
    assert again.labels is not None and (again.labels.number, again.labels.base_run) == (2, run.run_id)
    assert again.labels.sha256 == made["sha256"] and "2 readers" in again.labels.sentence
    for part in ("train", "val", "test"):
        before, after = (
            {sample.image_id: sample.label for sample in split_of(each).part(part)} for each in (run, again)
        )
        assert before.keys() == after.keys()
        assert sum(before[name] != after[name] for name in before) == (3 if part == "val" else 0)

    compared = answer(overread("labels", "compare", again.run_id, "--out", tmp_path / "compared", "--json"))
    assert [one["name"] for one in compared["runs"]] == [
        "before: trained on labels v1",
        "after: trained on labels v2",
    ]
    assert compared["cases"] == len(split_of(run).test) and "labels v2" in compared["reference"]
    code, _, err = overread("labels", "compare", run.run_id)
    assert code == 1 and "kept the parts of no earlier run" in err

    report = tmp_path / "report"
    assert overread("report", again.run_id, "--out", report)[0] == 0
    said = (report / "report.json").read_text()
    assert made["sha256"] in said and "3 of 40 labels changed" in said and "Ada" not in said


def test_what_cannot_be_made_or_trained_is_said(read: tuple[Workspace, Run], overread: Overread) -> None:
    _, run = read
    for typed, words in (
        (("labels", "make", run.run_id, "--rule", "loudest"), "Choose one of: majority, unanimous"),
        (("labels", "make", run.run_id, "--from", "v4"), "no labels “v4”. Choose one of v1"),
        (("train", run.dataset_id, "--labels", "v2"), "no labels “v2”"),
        (("labels", "export", run.dataset_id, "--out", "x.csv", "--version", "newest"), "no labels “newest”"),
    ):
        code, _, err = overread(*typed)
        assert code == 1 and words in err
    assert overread("labels", "make", run.run_id)[0] == 0
    code, _, err = overread("labels", "make", run.run_id)
    assert code == 1 and "No label would change: 6 images read, 0 labels changed, 3 confirmed" in err
    code, _, err = overread("train", run.dataset_id, "--labels", "v2", "--seed", "7")
    assert code == 1 and "they are locked" in err


def test_a_study_becomes_a_version_and_test_cases_are_read_again_beside_a_control(
    read: tuple[Workspace, Run], overread: Overread
) -> None:
    workspace, run = read
    with open_store(workspace.database) as store:
        for name in ("Cleo", "Dan"):
            store.add_reader(Reader(reader_id="", name=name))
        protocol = Protocol(
            name="blind", run_id=run.run_id, readers=("Cleo", "Dan"), drawn=Drawn(parts=("test",))
        )
        study = store.studies.create(protocol)
        for name in ("Cleo", "Dan"):
            sitting = store.studies.begin(study.study_id, name)
            while (task := store.studies.next(study.study_id, name)) is not None:
                said = StudyAnswer(
                    study_id=study.study_id,
                    image_id=task.image_id,
                    arm=task.arm,
                    verdict="read",
                    label="opacity",
                )
                store.studies.answer(said, sitting, last=task.last)
        normal = sum(case.label == "normal" for case in store.predictions(run.run_id, "test"))
    made = answer(overread("labels", "make", "--study", "blind", "--json"))
    assert made["sentence"] == (
        f"v2: {normal} of 40 labels changed from v1 by blinded consensus of Cleo and Dan"
    )
    code, _, err = overread("labels", "result", "blind")
    assert code == 1 and "holds no suspects" in err
    for typed in (("labels", "make"), ("labels", "make", run.run_id, "--study", "blind")):
        code, _, err = overread(*typed)
        assert code == 1 and "Name a run, or a study" in err
    again = (
        "labels",
        "reread",
        run.run_id,
        "--reader",
        "Cleo",
        "--device",
        "cpu",
        "--n",
        "1",
        "--name",
        "second",
    )
    code, out, err = overread(*again)  # what is doubted of these drawn films is the regression's to say
    assert (code == 0 and "half of them their control" in out) or "No label of the" in err


def test_every_command_that_trains_takes_a_version_and_keeps_the_parts_of_the_run_that_was_read(
    read: tuple[Workspace, Run], overread: Overread, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from engine import jobs
    from engine.experiments import search

    _, run = read
    data, asked = run.dataset_id, []

    def refuse(first: Any, request: Any = None, **_: object) -> None:
        asked.append(request if isinstance(first, Workspace) else first)
        raise TrainingError("Nothing is trained here", "It is a test")

    monkeypatch.setattr(jobs, "submit", refuse)
    monkeypatch.setattr(search, "train", lambda request, split, **_: refuse(request))
    assert overread("labels", "make", run.run_id)[0] == 0
    recipe = tmp_path / "tiny.json"
    recipe.write_text(recipe_to_json(TINY_RECIPE))
    vary = ("--vary", "phases.0.learning_rate=0.1,0.2")
    commands: tuple[tuple[str, ...], ...] = (
        ("train", data, "--recipe", str(recipe)),
        ("compare", data, str(recipe), *vary),
        ("search", str(recipe), data, *vary, "--trials", "1"),
        ("learning-curve", data, "--recipe", str(recipe), "--shares", "25,50,75,100"),
    )
    for command in commands:
        for wanted, number in ((("--labels", "latest"), 2), ((), 1), (("--labels", "v1"), 1)):
            asked.clear()
            _, _, said = overread(*command, *wanted)
            assert f"Labels v{number}: " in said
            assert asked or "Of this search 1 trial is done" in said  # v1 is the search before
            for request in asked:
                used = request.labels
                assert (used.number, used.base_run) == (2, run.run_id) if number == 2 else used is None
    assert answer(overread("labels", "use", data, "latest", "--json"))["number"] == 2
    assert answer(overread("labels", "list", data, "--json"))["in_use"] == 2
    asked.clear()
    overread(*commands[1])
    assert [request.labels.number for request in asked] == [
        2,
        2,
    ]  # what is in use goes where nothing is named
    code, _, said = overread(*commands[1], "--seed", "7")
    assert code == 1 and "they are locked" in said
