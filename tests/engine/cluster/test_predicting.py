"""Images are read by the workers of a real cluster; a worker that is killed costs nothing but time."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from engine.cluster import predict_on, predicting
from engine.cluster.predicting import Reader
from engine.errors import ClusterError
from engine.prediction import predict_and_explain
from engine.records import Explanation, Prediction, Run, Sample
from engine.runs import split_of
from engine.workspace import Workspace
from gui.cli import main
from tests.clusters import kill_one, workers

Told = tuple[Prediction, Explanation | None]


@pytest.fixture
def images(trained: tuple[Workspace, Run]) -> list[Sample]:
    split = split_of(trained[1])
    return [*split.train, *split.val, *split.test]


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predicting, "LARGEST", 8)


def same(told: list[Told], other: list[Told]) -> bool:
    assert [one.image_id for one, _ in told] == [one.image_id for one, _ in other]
    for (one, why), (two, because) in zip(told, other, strict=True):
        assert np.allclose(one.probabilities, two.probabilities, atol=1e-6)
        rounded = [(each.predicted, each.label, each.part, each.conformal_set) for each in (one, two)]
        assert rounded[0] == rounded[1]
        assert (one.distance is None) == (two.distance is None)
        assert (why is None) == (because is None)
        if why is not None and because is not None:
            assert (why.target, why.method) == (because.target, because.method)
            # the root of a product, which near nought makes 1e-4 of a rounding of 1e-8
            assert np.allclose(why.heatmap, because.heatmap, atol=1e-4)
    return True


def test_a_cluster_says_what_one_process_says_though_a_worker_is_killed(
    ray_cluster: None,
    trained: tuple[Workspace, Run],
    images: list[Sample],
    small_pieces: None,
    tmp_path: Path,
) -> None:
    workspace, run = trained
    gone = [
        replace(each, path=tmp_path / each.path.name, image_id=f"{number:064x}")
        for number, each in enumerate(images[:9])
    ]
    given = [*gone, *images]  # of the first piece, nothing can be read
    alone = list(predict_and_explain(run, given, cache_dir=workspace.cache))
    killed = list[int]()

    def kill_in_the_middle(done: int, of: int) -> None:
        if not killed:
            killed.append(done)
            kill_one("Reader")

    told = list(predict_on("ray", 2, run, given, cache_dir=workspace.cache, progress=kill_in_the_middle))
    assert killed[0] < len(given)
    assert same(told, alone)
    for _ in range(600):
        if not workers("Reader"):
            break
        time.sleep(0.1)
    assert not workers("Reader"), "the workers go when the work is done"


def test_a_run_that_a_worker_does_not_have_is_said_in_a_sentence(
    images: list[Sample], tmp_path: Path
) -> None:
    given = {"cache_dir": tmp_path, "device": "cpu", "parts": {}, "method": None, "target": None}
    with pytest.raises(ClusterError, match=r"is not there on .*Keep the workspace and the images on a disk"):
        Reader(tmp_path / "gone", 40, **given).read(images)


def test_more_workers_than_there_are_cores_are_refused(
    ray_cluster: None, trained: tuple[Workspace, Run], images: list[Sample]
) -> None:
    workspace, run = trained
    with pytest.raises(ClusterError, match="3 workers were asked for, and the cluster has 2 cores"):
        list(predict_on("ray", 3, run, images, cache_dir=workspace.cache))


def test_the_command_adds_the_same_lines_to_the_table(
    ray_cluster: None, trained: tuple[Workspace, Run], films: Path, tmp_path: Path
) -> None:
    workspace, run = trained
    written = [tmp_path / "here.csv", tmp_path / "there.csv"]
    for table, options in zip(written, ((), ("--on", "ray", "--workers", "1")), strict=True):
        asked = ["predict", run.run_id, str(films), "-w", str(workspace.root), "--out", str(table), *options]
        assert CliRunner().invoke(main.app, asked).exit_code == 0
    here, there = ([line.split(",") for line in table.read_text().splitlines()] for table in written)
    assert [line[:4] for line in here] == [line[:4] for line in there]
    assert len(here) == 41


def test_the_command_refuses_what_is_no_address(trained: tuple[Workspace, Run], films: Path) -> None:
    workspace, run = trained
    asked = ["predict", run.run_id, str(films), "-w", str(workspace.root), "--on", "cluster"]
    done = CliRunner().invoke(main.app, asked)
    assert isinstance(done.exception, ClusterError)
