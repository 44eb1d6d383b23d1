"""Whatever is brought in, and whatever breaks: one sentence with the remedy, exit code 1, and nothing lost.

The table `COMMANDS` below is the promise: a case, what is typed, the words that must be in the answer. `DAMAGE` is the
same for what can happen to a finished run. What a single module promises of its own bad input stands in its own tests.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.data.index import index_folder
from engine.data.saved import save_index
from engine.data.split import split_index
from engine.errors import DataError, StoreError, WorkspaceError
from engine.images.cache import open_cache
from engine.jobs import control as jobs, files as job_files
from engine.jobs.__main__ import StatusReporter, main as run_process
from engine.models.classifier import build_classifier
from engine.models.frozen import find_frozen_part
from engine.models.trainable import set_trainable
from engine.reading.store import open_store
from engine.recipes.recipe import change_recipe, recipe_to_json
from engine.records import Review, Run, Split, TrainingRequest, Verdict
from engine.runs.folder import list_runs, load_run
from engine.runs.history import load_history
from engine.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from engine.training.feature_bank import PLAIN, FeatureBank
from engine.training.fit import train
from engine.workspace import Workspace, open_workspace
from gui.app import start
from gui.cli.main import main
from gui.pages.train.watch import look
from gui.web.session import open_session
from tests.conftest import TINY_RECIPE, draw_films
from tests.gui.conftest import let_in
from tests.readers import with_readers

ROOT = Path(__file__).parents[1]
HOSTILE = ("<script>alert(1)<", "=cmd()", "${x}", "n" * 200, "‮txet", "two\nlines")

Overread = Callable[..., tuple[int, str, str]]


@pytest.fixture
def overread(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Overread:
    """The command line in a workspace of its own, unless another is named; gives exit code, stdout and stderr."""
    monkeypatch.setenv("OVERREAD_WORKSPACE", str(tmp_path / "workspace"))

    def run(*arguments: object, workspace: Path | None = None) -> tuple[int, str, str]:
        named = () if workspace is None else ("--workspace", workspace)
        code = main([str(argument) for argument in (*arguments, *named)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.fixture
def done(tmp_path: Path, trained: tuple[Workspace, Run]) -> tuple[Workspace, Run]:
    """A copy of a workspace with a finished run, to be spoilt."""
    original, run = trained
    shutil.copytree(original.root, tmp_path / "done")
    workspace = Workspace(tmp_path / "done")
    return workspace, replace(run, folder=workspace.runs / run.run_id)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Small disks of their own, where this user may mount one."""
    mounted: list[Path] = []

    def mount(options: str) -> Path:
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("a small disk cannot be mounted here")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def film(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (24, 24), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def sentence(result: tuple[int, str, str], *words: str) -> None:
    """Check: exit code 1, nothing on stdout, and on stderr one sentence and its remedy that hold these words."""
    code, out, err = result
    last = err.strip().splitlines()[-1]
    assert (code, out) == (1, ""), (code, out[-300:], err[-300:])
    assert re.search(r"[^.]\. [A-Z].*\.$", last), last  # a problem, a remedy
    for raw in ("Traceback", "Errno", "Error:", "itself went wrong", "  "):
        assert raw not in last, last
    for word in words:
        assert word in last, (word, last)


# ------------------------------------------------------------------------------------------ what is brought in


def strange_folder(folder: Path) -> Path:
    """Make every kind of folder and file that cannot be used, each in a folder of its own; return their folder."""
    (folder / "empty").mkdir(parents=True)
    for number in range(5):
        film(folder / "one" / "normal" / f"{number}.png", number)
        film(folder / "two" / "normal" / f"{number}.png", number)
        film(folder / "flat" / f"{number}.png", number)
    for number in range(2):
        film(folder / "two" / "ill" / f"{number}.png", 10 + number)
    for name, data in {"a.png": b"", "b.jpg": b"no image", "c.dcm": b"no film"}.items():
        (folder / "unreadable").mkdir(exist_ok=True)
        (folder / "unreadable" / name).write_bytes(data)
    (folder / "loop" / "inner").mkdir(parents=True)
    (folder / "loop" / "inner" / "back").symlink_to(folder / "loop")
    (folder / "loop" / "itself.png").symlink_to(folder / "loop" / "itself.png")
    tables = {
        "columns.csv": "path,shade\nflat/0.png,x\n",
        "missing.csv": "path,label\nnowhere.png,x\n",
        "endless.csv": "path,label\n" + "q" * 5000 + ".png,x\n",
        "folder.csv": "path,label\nflat,x\n",
        "empty.csv": "",
        "header.csv": "path,label\n",
        "field.csv": 'path,label\n"' + "q" * 200_000 + '",x\n',
    }
    for name, text in tables.items():
        (folder / name).write_text(text)
    (folder / "encoding.csv").write_bytes(b"path,label\n\xff\xfe\x00\x81\x8d\x9d" + bytes(range(256)) * 2)
    (folder / "table.parquet").write_bytes(b"no table")
    (folder / "cut.zip").write_bytes(b"PK\x03\x04 and no more")
    (folder / "recipe.json").write_text("{")
    plain = json.loads(recipe_to_json(TINY_RECIPE))
    for name, fields in {
        "unknown": {"colour": 1},
        "contradictory": {"phases": [{"name": "head", "epochs": 1, "trainable": "head"}]},
        "nothing": {"phases": []},
        "negative": {"batch_size": -1},
    }.items():
        (folder / f"{name}.json").write_text(json.dumps({**plain, **fields}))
    return folder


COMMANDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "a path that is not there": ("index {}/nowhere --json", ("There is no", "typing")),
    "a path of endless names": ("index {}/" + "q" * 5000 + " --json", ("longer than a name", "shorter name")),
    "a data set of an endless name": ("train " + "q" * 5000 + " --json", ("longer than a name", "shorter")),
    "a path that is a loop": ("index {}/loop/itself.png/a --json", ("leads back to itself", "Name the file")),
    "a home of nobody's": ("index ~no-such-user/films --json", ("not a user's home folder", "full path")),
    "a workspace at nobody's": ("runs -w ~no-such-user --json", ("not a user's home folder", "--workspace")),
    "an empty folder": ("index {}/empty --json", ("holds no images", "Choose")),
    "no image that can be read": ("index {}/unreadable --json", ("None of the 3 images", "Open one")),
    "a loop of links": ("index {}/loop --json", ("The only image in", "Open one")),
    "one class": ("train {}/one --json", ("only one class", "another class")),
    "a class with two images": ("train {}/two --json", ("2 cases and needs 3", "Add cases")),
    "no labels to train on": ("train {}/flat --json", ("No image has a label", "Add")),
    "no labels to divide": ("split {}/flat --json", ("No image has a label", "Add")),
    "a table of missing files": ("index {}/missing.csv --json", ("found (", "Choose the folder")),
    "a cell too long for a path": ("index {}/endless.csv --json", ("found (", "Choose the folder")),
    "a table of nothing": ("index {}/empty.csv --json", ("is empty", "Choose")),
    "a table without rows": ("index {}/header.csv --json", ("no rows", "Choose")),
    "an endless field": ("index {}/field.csv --json", ("found (", "Choose the folder")),
    "an unknown encoding": ("index {}/encoding.csv --json", ("encoding", "UTF-8")),
    "no Parquet": ("index {}/table.parquet --json", ("Parquet", "the table as CSV")),
    "an archive cut short": ("index {}/cut.zip --json", ("cut.zip",)),
    "a column that is not there": (
        "index {}/missing.csv --column label=shade --json",
        ("'shade'", "Choose one of these"),
    ),
    "a column without a value": (
        "index {}/header.csv --column label --json",
        ("name and value", "Write NAME=VALUE"),
    ),
    "a recipe that is no JSON": ("train {}/two --recipe {}/recipe.json --json", ("not JSON", "Correct")),
    "a recipe that is a folder": (
        "train {}/two --recipe {} --json",
        ("cannot be read", "Name a recipe file"),
    ),
    "an unknown recipe": ("train {}/two --recipe nobody --json", ("nobody", "Choose")),
    "an unknown field": ("train {}/two --recipe {}/unknown.json --json", ("“colour”", "Choose one of")),
    "a contradiction": (
        "train {}/two --recipe {}/contradictory.json --json",
        ("Only the head", "Set weights"),
    ),
    "a recipe without phases": ("train {}/two --recipe {}/nothing.json --json", ("no phase", "Add")),
    "a negative size": ("train {}/two --recipe {}/negative.json --json", ("batch_size is -1", "to 4,096")),
    "an unknown balance": ("train {}/two --set balance.method=luck --json", ("luck", "class-weights")),
    "shares that are no numbers": ("split {}/two --ratios nan/1/1 --json", ("Shares", "adding up to 100%")),
    "too few shares": ("split {}/two --ratios 80/20 --json", ("three shares", "60/20/20")),
    "a part that is not there": ("split {}/two --given-split --json", ("did not come with", "Let Overread")),
    "neither data set nor path": ("train nowhere --json", ("“nowhere”", "Give a folder")),
    "no run yet": ("report latest --out {}/report --json", ("no finished run", "Train one")),
    "an unknown run": ("predict nobody {}/flat --json", ("no run “nobody”", "Train one first")),
    "a run to watch": ("watch nobody --json", ("nobody", "overread runs")),
    "an unknown part": ("report latest --part some --out {}/report --json", ("“some”", "Choose train")),
}


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return strange_folder(tmp_path_factory.mktemp("strange") / "data")


@pytest.mark.parametrize("case", COMMANDS)
def test_what_cannot_be_used_is_said_with_the_remedy(case: str, overread: Overread, strange: Path) -> None:
    typed, words = COMMANDS[case]
    sentence(overread(*typed.format(strange, strange).split(" ")), *words)


def test_one_bad_file_stops_no_other(overread: Overread, tmp_path: Path) -> None:
    folder = tmp_path / "films" / "normal"
    for number in range(4):
        film(folder / f"{number}.png", number)
    pixels = np.random.default_rng(9).integers(0, 255, (24, 24, 4), dtype=np.uint8)
    Image.fromarray(pixels, "CMYK").save(folder / "cmyk.jpg")
    Image.fromarray(pixels[:, :, 0].astype(np.uint16) * 200).save(folder / "deep.png")
    Image.fromarray(pixels[:, :, 1]).convert("P").save(folder / "palette.png")
    whole = (folder / "0.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "nothing.png").write_bytes(b"")
    (folder / "text.png").write_text("text")
    Image.new("1", (20_000, 20_000)).save(folder / "huge.png")
    shutil.copy(folder / "1.png", tmp_path / "films" / "copy.png")
    (tmp_path / "films" / "ill").mkdir()
    shutil.copy(folder / "2.png", tmp_path / "films" / "ill" / "other.png")
    code, out, err = overread("index", tmp_path / "films", "--json")
    found = json.loads(out)
    kinds = {Path(path).name: issue["kind"] for issue in found["issues"] for path in issue["paths"]}
    assert (code, err) == (0, "")
    assert {name for name, kind in kinds.items() if kind == "unreadable"} == {
        "cut.png",
        "nothing.png",
        "text.png",
        "huge.png",
    }
    assert kinds["other.png"] == "label conflict"
    assert found["images"] == 6  # 0, 1, 3 and those that are merely unusual; 2 has two labels


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every name is text")
def test_names_that_are_no_text_are_left_out_and_said(overread: Overread, tmp_path: Path) -> None:
    for number in range(3):
        film(tmp_path / "films" / "ok" / f"{number}.png", number)
    film(Path(os.fsdecode(os.fsencode(tmp_path) + b"/films/caf\xe9/3.png")), 3)
    code, out, _ = overread("index", tmp_path / "films", "--json")
    found = json.loads(out)
    assert code == 0 and found["classes"] == {"ok": 3}
    said = next(issue["message"] for issue in found["issues"] if issue["serious"])
    assert said.startswith("1 name is not UTF-8 text") and said.endswith("rename them")


def test_any_name_can_be_printed_on_any_terminal(tmp_path: Path) -> None:
    for number in range(3):
        film(tmp_path / "films" / "ärztlich 日本" / f"{number}.png", number)
    for arguments in (["--json"], []):
        done = subprocess.run(
            [sys.executable, "-m", "gui", "index", str(tmp_path / "films"), *arguments],
            cwd=ROOT,
            env={**os.environ, "OVERREAD_WORKSPACE": str(tmp_path / "w s é"), "PYTHONIOENCODING": "ascii"},
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0 and b"Traceback" not in done.stderr
    data = tmp_path / "films"
    assert json.loads(main_json(["index", str(data), "--json"], tmp_path))["classes"] == {"ärztlich 日本": 3}


def main_json(arguments: list[str], folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "gui", *arguments],
        cwd=folder,  # not where the program lies
        env={
            **os.environ,
            "OVERREAD_WORKSPACE": "a relative workspace",
            "PYTHONPATH": str(ROOT),
            "PYTHONIOENCODING": "latin-1",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert (folder / "a relative workspace" / "overread.db").parent.is_dir()
    return done.stdout


# --------------------------------------------------------------------------------- what happens to a finished run


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def newer(database: Path) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute("INSERT INTO schema_version VALUES (99)")
    connection.close()


REPORT, PREDICT, EXPLAIN = "report latest --out {out}", "predict latest {films}", "explain latest --out {out}"
DAMAGE: dict[str, tuple[Callable[[Workspace, Path], object], str, tuple[str, ...]]] = {
    "model cut short": (lambda w, run: cut(run / "model.safetensors"), PREDICT, ("cut short", "train again")),
    "model gone": (lambda w, run: (run / "model.safetensors").unlink(), EXPLAIN, ("missing", "train again")),
    "heatmaps cut short": (lambda w, run: cut(run / "heatmaps.npz"), REPORT, ("heatmaps", "Delete")),
    "heatmaps cut, reviewing": (lambda w, run: cut(run / "heatmaps.npz"), PREDICT + " --review", ("Delete",)),
    "run.json cut short": (lambda w, run: cut(run / "run.json"), REPORT, ("run.json", "backup")),
    "recipe cut short": (lambda w, run: cut(run / "recipe.json"), REPORT, ("recipe", "backup")),
    "recipe gone": (lambda w, run: (run / "recipe.json").unlink(), PREDICT, ("recipe", "backup")),
    "split cut short": (lambda w, run: cut(run / "split.csv"), REPORT, ("split.csv", "copy")),
    "split gone": (lambda w, run: (run / "split.csv").unlink(), PREDICT, ("split.csv", "copy")),
    "curves of something else": (
        lambda w, run: (run / "history.csv").write_text("a,b\n1,2\n"),
        REPORT,
        ("curves", "history.csv"),
    ),
    "curves that are no text": (
        lambda w, run: (run / "history.csv").write_bytes(b"\xff\xfe\x00"),
        REPORT,
        ("curves", "history.csv"),
    ),
    "database of nonsense": (
        lambda w, run: w.database.write_bytes(b"x" * 5000),
        REPORT,
        ("damaged", "backup"),
    ),
    "database cut short": (lambda w, run: cut(w.database), REPORT, ("damaged", "backup")),
    "database newer": (lambda w, run: newer(w.database), REPORT, ("newer", "pdate")),
    "database gone": (lambda w, run: w.database.unlink(), REPORT, ("no predictions", "predict")),
    "a file in the cache's place": (
        lambda w, run: (shutil.rmtree(w.cache), w.cache.touch()),
        REPORT,
        ("cache is not a folder", "Move"),
    ),
    "a file where the report should go": (
        lambda w, run: None,
        "report latest --out {run}/run.json",
        ("not a folder", "another"),
    ),
    "a file above where the report should go": (
        lambda w, run: None,
        "report latest --out {run}/run.json/a/b",
        ("/run.json is not a folder", "another"),
    ),
    "a folder where the table should go": (
        lambda w, run: None,
        PREDICT + " --out {run}",
        ("not a table", "--out"),
    ),
    "an image where the table should go": (
        lambda w, run: None,
        PREDICT + " --out {image}",
        ("not a table", "--out"),
    ),
    "a name longer than names may be": (
        lambda w, run: None,
        "report latest --out {out}/" + "n" * 300,
        ("longer", "shorter"),
    ),
    "going on with what is done": (lambda w, run: None, "resume latest", ("is done", "new run")),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_what_is_damaged_is_said_with_the_remedy(
    case: str, overread: Overread, done: tuple[Workspace, Run], films: Path, tmp_path: Path
) -> None:
    workspace, run = done
    spoil, typed, words = DAMAGE[case]
    # resume knows jobs alone: let the run be one
    jobs.write_status(jobs.JobStatus(job_id=run.run_id, folder=run.folder, state="done", message="Done."))
    spoil(workspace, run.folder)
    before = state_of(films)
    image = next(films.rglob("*.png"))
    filled = typed.format(out=tmp_path / "out", films=films, run=run.folder, image=image)
    sentence(overread(*filled.split(" "), "--json", workspace=workspace.root), *words)
    assert state_of(films) == before


def test_one_damaged_run_or_data_set_hides_no_other(
    overread: Overread, done: tuple[Workspace, Run], films: Path
) -> None:
    workspace, run = done
    for name, spoilt in (("20250101-000000-dead", "recipe.json"), ("20250102-000000-dead", "run.json")):
        shutil.copytree(run.folder, workspace.runs / name)
        cut(workspace.runs / name / spoilt)
        (workspace.runs / name / "status.json").write_text("[")
    for index in workspace.datasets.glob("*/index.json"):
        cut(index)
    code, out, err = overread("runs", "--json", workspace=workspace.root)
    assert code == 0, err
    code, out, err = overread("split", films, "--json", workspace=workspace.root)  # which mends the index
    assert code == 0, err
    code, out, err = overread("split", json.loads(out)["dataset_id"], "--json", workspace=workspace.root)
    assert code == 0, err
    assert [found.run_id for found in list_runs(workspace)] == [run.run_id]


def test_a_locked_database_is_said_and_loses_no_review(
    overread: Overread, done: tuple[Workspace, Run], films: Path
) -> None:
    workspace, run = done
    holder = sqlite3.connect(workspace.database, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        result = overread("predict", "latest", films, "--review", "--json", workspace=workspace.root)
    finally:
        holder.close()
    sentence(result, "locked by another program", "Close")
    with open_store(workspace.database) as store:
        assert store.predictions(run.run_id)


def test_a_run_whose_images_and_heatmaps_are_gone_is_still_reported(
    overread: Overread, tmp_path: Path, done: tuple[Workspace, Run]
) -> None:
    workspace, run = done
    with open_store(workspace.database) as store:
        cases = store.predictions(run.run_id, part="test")
        moved = [replace(case, path=tmp_path / "gone" / case.path.name) for case in cases]
        store.add_cases(run.run_id, moved)
    shutil.rmtree(workspace.cache)
    (run.folder / "heatmaps.npz").unlink()
    code, out, err = overread(
        "report", "latest", "--out", tmp_path / "report", "--json", workspace=workspace.root
    )
    assert code == 0, err
    assert Path(json.loads(out)["html"]).stat().st_size > 10_000


def test_images_that_went_or_changed_are_said_and_come_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    films = draw_films(tmp_path / "films", patients=12)
    split = split_index(index_folder(films))

    def train_once(name: str) -> Run:
        folder = tmp_path / name
        list(
            train(
                TrainingRequest(
                    recipe=change_recipe(TINY_RECIPE, {"phases.0.epochs": "1"}), dataset_id="d", device="cpu"
                ),
                split,
                folder=folder,
                cache_dir=tmp_path / "cache",
                dataset_name="d",
            )
        )
        return load_run(folder)

    films.rename(tmp_path / "away")
    with pytest.raises(DataError, match=r"can be read any more .*Put the images back"):
        train_once("gone")
    (tmp_path / "away").rename(films)
    film(split.train[0].path, 99)
    caplog.clear()
    train_once("changed")  # with what is left
    said = [record.getMessage() for record in caplog.records if record.name == "engine.training.batches"]
    assert said == [f"{split.train[0].path.name} has changed since it was indexed; it was left out"]


# ------------------------------------------------------------------------------------------------- full and read-only


def test_a_full_disk_is_said_wherever_it_fills_and_nothing_is_lost(
    overread: Overread,
    disk: Callable[[str], Path],
    films: Path,
    trained: tuple[Workspace, Run],
    tmp_path: Path,
) -> None:
    sentence(
        overread("index", films, "--json", workspace=disk("size=4k") / "w"), "is full", "Free some space"
    )
    volume = disk("size=4m")
    workspace = Workspace(volume / "w")
    shutil.copytree(trained[0].root, workspace.root, ignore=shutil.ignore_patterns("cache"))
    open_workspace(workspace.root)
    run_id = trained[1].run_id
    with open_store(workspace.database) as store:
        case = store.predictions(run_id)[0]
        review = Review(
            run_id=run_id, image_id=case.image_id, reader="anna", verdict=Verdict.UNSURE, label=None
        )
        with_readers(store, "anna").add_review(review)
        fill_up(volume)
        kept = 1
        with pytest.raises(StoreError, match="disk is full"):
            for _ in range(1000):
                store.add_review(replace(review, comment="c" * 1000))
                kept += 1
    fill_up(volume)
    for typed in (
        f"predict latest {films}",
        f"explain latest --out {volume}/why",
        f"report latest --out {volume}/r",
    ):
        sentence(overread(*typed.split(), "--json", workspace=workspace.root), "full")
    assert overread("runs", "--json", workspace=workspace.root)[0] == 0  # reading needs no room
    (volume / "filling").unlink()
    with open_store(workspace.database) as store:
        assert len(store.reviews(run_id)) == kept
        assert len(store.predictions(run_id)) == len(open_cases(trained))
    assert not list(volume.rglob(".writing-*"))


def fill_up(volume: Path) -> None:
    with (volume / "filling").open("ab", buffering=0) as stream, pytest.raises(OSError, match="No space"):
        while True:
            stream.write(bytes(4096))


def open_cases(trained: tuple[Workspace, Run]) -> list[object]:
    with open_store(trained[0].database) as store:
        return list(store.predictions(trained[1].run_id))


@pytest.mark.parametrize("kilobytes", [250, 420])  # at the decoded images or the bank; at the model
def test_a_training_on_a_full_disk_fails_in_a_sentence(
    kilobytes: int, disk: Callable[[str], Path], films: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # this process is not the training's own
    workspace = open_workspace(disk(f"size={kilobytes}k") / "w")
    index = index_folder(films)
    save_index(workspace, index)
    recipe = change_recipe(TINY_RECIPE, {"phases.0.trainable": "last 1", "phases.0.epochs": "1"})
    folder = workspace.runs / "20260101-000000-full"
    folder.mkdir()
    job_files.save_request(
        folder,
        jobs.JobRequest(
            workspace=workspace.root, training=TrainingRequest(recipe=recipe, dataset_id=index.dataset_id)
        ),
    )
    job_files.write_status(jobs.JobStatus(job_id=folder.name, folder=folder, state="starting"))
    assert run_process(folder) == 1
    told = jobs.status(folder)
    assert told.state == "failed"
    assert "full" in told.message or "MB free" in told.message
    assert "Free some space" in told.message
    assert not list(folder.glob(".*")) and not (folder / "reserve").exists()


def test_a_disk_that_is_full_for_a_while_ends_no_training_and_no_heartbeat(
    disk: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log, to which it is said, lies on the same disk."""
    folder = disk("size=256k") / "20260101-000000-full"
    folder.mkdir()
    job_files.write_status(jobs.JobStatus(job_id=folder.name, folder=folder, state="starting"))
    reporter = StatusReporter(folder)
    filler = folder.parent / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(512))
    refused: list[str] = []

    def refuse(_self: object, told: str) -> int:
        refused.append(told)
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", type("Log", (), {"write": refuse, "flush": lambda _self: None})())
        reporter.stage("training", "Training.")
        deadline = time.monotonic() + 60
        while len(refused) < 3:  # the stage, and two beats of the heart
            assert time.monotonic() < deadline, "its heart stands still"
            time.sleep(0.05)
    assert job_files.read_status(folder).state == "starting"  # there was no room to say more
    filler.unlink()
    while job_files.read_status(folder).state != "training":
        assert time.monotonic() < deadline + 60, "it has not gone on"
        time.sleep(0.05)
    reporter.end("done", "Done.")


def test_a_checkpoint_on_a_full_disk_keeps_the_last_one(disk: Callable[[str], Path]) -> None:
    folder = disk("size=1m")
    begun = Checkpoint(
        phase=0,
        epochs=1,
        model={"a": torch.ones(200_000)},  # three bytes each, and the fourth deflated
        best=None,
        average=None,
        progress={},
        optimizer=None,
        seconds=0,
    )
    save_checkpoint(folder, begun)
    with pytest.raises(WorkspaceError, match="full"):
        save_checkpoint(folder, replace(begun, epochs=2))
    kept = load_checkpoint(folder)
    assert kept is not None and kept.epochs == 1
    assert [path.name for path in folder.iterdir()] == ["checkpoint.safetensors"]


def test_a_bank_on_a_full_disk_is_refused_before_it_is_written_to(
    disk: Callable[[str], Path], tiny_split: Split, tmp_path: Path
) -> None:
    classifier = build_classifier(TINY_RECIPE, 2)
    set_trainable(classifier, "head")
    cut = find_frozen_part(classifier)
    assert cut is not None
    cache = open_cache(tmp_path, tiny_split.train, size=32, channels=3)
    bank = FeatureBank(
        disk("size=12k") / "features", cache, cut, augmentation=TINY_RECIPE.augmentation, seed=0, device="cpu"
    )
    with pytest.raises(WorkspaceError, match=r"needs [\d.]+ kB, and the disk .* has [\d.]+ kB free"):
        bank.view(PLAIN, np.arange(len(cache.images)))


def test_a_read_only_workspace_says_so_where_something_would_be_written(
    overread: Overread, disk: Callable[[str], Path], trained: tuple[Workspace, Run], films: Path
) -> None:
    volume = disk("size=8m")
    shutil.copytree(trained[0].root, volume / "w", ignore=shutil.ignore_patterns("cache"))
    (volume / "w" / "cache").mkdir()
    subprocess.run(["mount", "-o", "remount,ro", str(volume)], check=True)
    assert overread("runs", "--json", workspace=volume / "w")[0] == 0
    for typed in (("index", films), ("train", films, "--recipe", "head-only"), ("predict", "latest", films)):
        sentence(overread(*typed, "--json", workspace=volume / "w"), "cannot be written", "--workspace")


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user"
)
def test_what_another_user_owns_is_said(overread: Overread) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        place = Path(name)
        place.chmod(0o755)
        film(place / "films" / "normal" / "0.png")
        (place / "films").chmod(0o700)
        for workspace, mode in (("mine", 0o777), ("theirs", 0o755)):
            (place / workspace).mkdir()
            (place / workspace).chmod(mode)
        overread("index", place / "films", "--json")  # so that all is imported
        os.seteuid(65534)  # nobody
        try:
            unread = overread("index", place / "films", "--json", workspace=place / "mine" / "w")
            unwritten = overread("runs", "--json", workspace=place / "theirs")
        finally:
            os.seteuid(0)
    sentence(unread, "cannot be read", "right to read")
    sentence(unwritten, "cannot be written", "right to write", "--workspace")


# ------------------------------------------------------------------------------------------------------- processes


def test_a_killed_training_is_seen_as_lost_and_resumes_to_the_same_curve(
    overread: Overread, tmp_path: Path, films: Path
) -> None:
    workspace = open_workspace(tmp_path / "workspace")
    index = index_folder(films)
    save_index(workspace, index)
    recipe = change_recipe(TINY_RECIPE, {"phases.0.epochs": "12"})
    request = TrainingRequest(recipe=recipe, dataset_id=index.dataset_id, device="cpu")
    job = jobs.submit(workspace, request)
    until(lambda: jobs.status(job.folder).epoch >= 3)
    os.kill(jobs.status(job.folder).pid, signal.SIGKILL)
    until(lambda: jobs.status(job.folder).state == "lost")
    (told,) = json.loads(overread("runs", "--json")[1])["runs"]
    assert told["state"] == "lost" and "Resume it" in told["message"]
    session = open_session(workspace)
    assert "Interrupted. The training process ended" in str(look(session, job.job_id, "")[1])
    session.store.close()
    code, _, err = overread("resume", "latest", "--json")
    assert code == 0, err
    whole = train(
        request,
        split_index(index),
        folder=tmp_path / "whole",
        cache_dir=workspace.cache,
        dataset_name=index.name,
    )
    losses = [epoch.train_loss for epoch in whole]
    assert len(losses) == 12 and losses == [epoch.train_loss for epoch in load_history(job.folder)]
    assert not [
        path for path in workspace.root.rglob("*") if path.name in ("reserve", ".checkpoint.safetensors")
    ]


def until(so: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


CTRL_C_WHILE_IT_WORKS = """
import os, signal, sys
from engine import runs
from gui.cli.main import main

find_run = runs.find_run

def pressed(*arguments):
    os.kill(os.getpid(), signal.SIGINT)
    return find_run(*arguments)

signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started the tests may ignore Ctrl-C
runs.find_run = runs.find_trained = pressed
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("command", ["predict latest {films}", "report latest --out {out}"])
def test_ctrl_c_ends_a_command_without_a_trace(
    command: str, done: tuple[Workspace, Run], films: Path, tmp_path: Path
) -> None:
    typed = command.format(films=films, out=tmp_path / "out").split()
    ended = subprocess.run(
        [sys.executable, "-c", CTRL_C_WHILE_IT_WORKS, *typed, "--json", "--workspace", str(done[0].root)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_two_windows_on_one_workspace_keep_what_both_say(done: tuple[Workspace, Run]) -> None:
    workspace, run = done
    sessions = [open_session(workspace), open_session(workspace)]
    windows = [start(session) for session in sessions]
    try:
        assert windows[0].port != windows[1].port
        for number, (session, window) in enumerate(zip(sessions, windows, strict=True)):
            with let_in(window) as owner:
                assert owner.get("/").status_code == 200
            case = session.store.predictions(run.run_id)[number]
            with_readers(session.store, f"reader {number}").add_review(
                Review(
                    run_id=run.run_id,
                    image_id=case.image_id,
                    reader=f"reader {number}",
                    verdict=Verdict.UNSURE,
                    label=None,
                )
            )
        for session in sessions:
            assert {one.reader for one in session.store.reviews(run.run_id)} == {"reader 0", "reader 1"}
    finally:
        for session, window in zip(sessions, windows, strict=True):
            window.close()
            session.store.close()


# ---------------------------------------------------------------------------------------------------- the user's own


def state_of(folder: Path) -> dict[str, tuple[int, str]]:
    """Return time and hash of every file, and the times of the folders, which change when a file comes or goes."""
    return {
        str(path.relative_to(folder)): (
            path.stat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        )
        for path in (folder, *folder.rglob("*"))
    }


def test_the_whole_line_bears_hostile_names_and_writes_nothing_beside_the_data(
    overread: Overread, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    for number, name in enumerate(HOSTILE):
        for copy in range(5):
            film(data / "films" / name / f"{name[:60]}{copy}.png", 100 * number + copy)
    film(data / "films" / HOSTILE[1] / ("f" * 250 + ".png"), 1)
    shutil.make_archive(str(data / "films"), "zip", data / "films")
    (tmp_path / "tiny.json").write_text(recipe_to_json(TINY_RECIPE))
    before = state_of(data)
    steps = (
        ("index", data / "films.zip"),
        ("split", data / "films"),
        ("train", data / "films", "--recipe", tmp_path / "tiny.json", "--epochs", 1),
        ("predict", "latest", data / "films", "--review"),
        ("explain", "latest", data / "films", "--out", tmp_path / "why"),
        ("report", "latest", "--out", tmp_path / "report"),
    )
    for step in steps:
        code, out, err = overread(*step, "--json")
        assert code == 0, err
        json.loads(out)
    assert state_of(data) == before
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    for table in (tmp_path / "report").glob("*.csv"):
        cells = re.split(r"[,\n]", table.read_text(encoding="utf-8-sig"))
        assert not [cell for cell in cells if cell.strip('"').startswith("=")], table.name
