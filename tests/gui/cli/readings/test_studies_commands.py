"""A study is made, changed, shown, exported and closed from the command line, by the same engine as on the pages."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.reading import DESIGNS, StudyAnswer, open_store
from engine.records import Run
from engine.workspace import Workspace
from gui.cli.main import main

Command = Callable[..., Any]


@pytest.fixture
def unlabelled(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    generator = np.random.default_rng(0)
    for number in range(5):
        pixels = generator.integers(0, 255, (32, 32), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def study(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """`overread … --json` in a workspace of its own; gives what it prints, or the sentence that it ends with."""
    monkeypatch.setenv("OVERREAD_WORKSPACE", str(tmp_path / "workspace"))
    return command(capsys)


def command(capsys: pytest.CaptureFixture[str]) -> Command:
    def run(*typed: object) -> Any:
        code = main([*map(str, typed), "--json"])
        printed = capsys.readouterr()
        return json.loads(printed.out) if code == 0 else printed.err

    return run


def test_an_unlabelled_folder_is_annotated_by_two_readers_and_leaves_as_files(
    study: Command, unlabelled: Path, tmp_path: Path
) -> None:
    for name in ("Ada", "Ben"):
        study("readers", "add", name)
    made = study(
        "study", "create", "Effusions", "--data", unlabelled, "--design", "annotation", "--reader", "Ada",
        "--choice", "normal", "--choice", "effusion", "--positive", "effusion",
    )  # fmt: skip
    assert made["study"]["protocol"]["drawn"]["n"] == 5 and made["planned"] == "", (
        "one arm, and no difference"
    )
    study_id = made["study"]["study_id"]
    added = study("study", "add", "Effusions", "--reader", "Ben")
    assert len(added["protocol"]["readers"]) == 2 and added["deviations"] == []
    assert study("study", "lock", study_id[:6])["state"] == "locked"
    with open_store(tmp_path / "workspace" / "overread.db") as store:
        for reader in ("Ada", "Ben"):
            sitting = store.studies.begin(study_id, reader)
            while (task := store.studies.next(study_id, reader)) is not None:
                assert task.path.is_file()
                said = StudyAnswer(
                    study_id=study_id, image_id=task.image_id, arm=task.arm, verdict="read", label="effusion"
                )
                store.studies.answer(said, sitting)
    shown = study("study", "show", "Effusions")
    assert [(one["name"], one["read"], one["of"]) for one in shown["progress"]] == [
        ("Ada", 5, 5),
        ("Ben", 5, 5),
    ]
    assert shown["not_settled"] == 0 and shown["state"] == "open"
    files = study("study", "export", "Effusions", "--out", tmp_path / "out")["files"]
    assert {Path(each).name for each in files} == {
        "answers.csv", "cases.csv", "protocol.json", "data-dictionary.csv",
    }  # fmt: skip
    assert "needs a reason" in study("study", "add", "Effusions", "--reader", "Ada")
    assert study("study", "close", "Effusions")["state"] == "closed"
    (listed,) = study("study", "list")["studies"]
    assert (listed["state"], listed["protocol"]["design"]) == ("closed", "annotation")
    assert main(["study", "list"]) == main(["study", "show", "Effusions"]) == 0


def test_a_study_of_a_run_says_what_difference_it_would_see(
    trained: tuple[Workspace, Run], study: Command, tmp_path: Path
) -> None:
    shutil.copytree(trained[0].root, tmp_path / "workspace")
    run = study
    for name in ("Dora", "Emil"):
        run("readers", "add", name, "--another")
    ask = ("--run", "latest", "--reader", "Dora", "--reader", "Emil", "--design", "blind then assisted")
    told = run("study", "create", "Pilot", *ask, "--certainty", "0-100")
    drawn = told["study"]["protocol"]["drawn"]
    assert drawn["positives"] > 0
    assert (
        "2 readers" in told["planned"]
        and "smallest difference in AUC that would be seen is" in told["planned"]
    )
    without = run("study", "create", "Verdicts", *ask)
    assert "smallest difference in sensitivity" in without["planned"] and "--certainty" in without["planned"]
    assert "planned from sensitivity .8)" in without["planned"], "as the study's report has it"
    endpoint = run("study", "create", "Endpoint", *ask, "--primary", "specificity")
    assert "smallest difference in specificity" in endpoint["planned"]
    listed = tmp_path / "ids.txt"
    with open_store(tmp_path / "workspace" / "overread.db") as store:
        first, *rest = store.studies.images("Pilot")
    listed.write_text(f"{first}\n")
    few = run("study", "create", "One", *ask, "--ids", listed)
    assert few["planned"].endswith("it needs cases with the finding, and others without."), (
        "nor does the page"
    )
    assert few["study"]["protocol"]["drawn"]["n"] == 1 and few["study"]["protocol"]["drawn"]["listed"]
    listed.write_text(f"{rest[0]}\n")
    assert run("study", "add", "One", "--ids", listed)["protocol"]["drawn"]["n"] == 2
    assert main(["study", "show", "Pilot"]) == 0


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (("show", "Nothing"), "There is no study “Nothing”"),
        (("add", "Nothing", "--reader", "Ada"), "There is no study “Nothing”"),
        (("create", "x", "--design", "sideways"), "design cannot be 'sideways'"),
        (("create", "x", "--cases", "some"), "drawn rule cannot be 'some'"),
        (("create", "x", "--reader", "Nobody"), "no reader named “Nobody”"),
        (("create", "x", "--run", "latest"), "There is no finished run"),
        (("create", "x", "--reader", "Ada", "--choice", "a", "--choice", "b"), "A study needs images"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    study: Command, typed: tuple[str, ...], sentence: str
) -> None:
    study("readers", "add", "Ada")
    assert sentence in study("study", *typed)


def test_the_help_names_every_design(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study", "create", "--help"]) == 0
    printed = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for name in DESIGNS:
        assert name in printed
