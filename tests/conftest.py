"""What tests share: a workspace, forty small films with a known finding, and a run that was really trained on them."""

from __future__ import annotations

import gc
import io
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings

from engine.records import DataIssueKind, Index, Run, Split, TrainingRequest
from engine.workspace import Workspace, open_workspace
from tests import clusters
from tests.chromium import browser as browser
from tests.orthanc import Orthanc, archive
from tests.postgresql import PostgreSQL, running
from tests.stores import Buckets, buckets
from tests.tiny import TINY_RECIPE, draw_films


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Set up what all tests share; a tenth of a run's processor time went into looking for rubbish among what stays."""
    # Before a test a worker tells pytest-rerunfailures two short things: the second waited 40 ms for a receipt.
    telling = getattr(getattr(config, "failures_db", None), "sock", None)
    if telling is not None:
        telling.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    gc.set_threshold(10_000, 10, 20)
    # Nor does any test fail because the machine was busy: that is no fault of what it tries out.
    settings.register_profile("without a clock", deadline=None)
    settings.load_profile("without a clock")


def pytest_collection_finish() -> None:
    """Look no more at what was imported."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "workspace")


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_films(tmp_path_factory.mktemp("films") / "films")


@pytest.fixture(scope="session")
def tiny_index(films: Path) -> Index:
    from engine.data.index import index_folder

    index = index_folder(films)
    named = tuple(replace(s, patient_id=s.path.stem.partition("-")[0]) for s in index.samples)
    return replace(index, samples=named)


@pytest.fixture(scope="session")
def tiny_split(tiny_index: Index) -> Split:
    from engine.data.split import split_index

    return split_index(tiny_index, seed=1)


def once(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Workspace], None]) -> Workspace:
    """Return a workspace of this worker's own that only the first worker who asks has filled; the others copy it."""
    own = tmp_path_factory.mktemp(name)
    if "PYTEST_XDIST_WORKER" not in os.environ:
        make(open_workspace(own / "workspace"))
        return open_workspace(own / "workspace")
    shared = tmp_path_factory.getbasetemp().parent / name
    with FileLock(shared.with_suffix(".lock")):
        if not shared.exists():
            make(open_workspace(own / "making"))
            (own / "making").rename(shared)
    shutil.copytree(shared, own / "workspace")
    return open_workspace(own / "workspace")


@pytest.fixture(scope="session")
def trained(
    tmp_path_factory: pytest.TempPathFactory, tiny_index: Index, tiny_split: Split
) -> tuple[Workspace, Run]:
    """A workspace with one trained, predicted, explained and stored run. Do not change it: copy it."""
    from engine.data.saved import save_index
    from engine.pipeline import read_run
    from engine.reading.store import open_store
    from engine.runs.folder import load_run
    from engine.training.fit import train

    workspace = open_workspace(tmp_path_factory.mktemp("trained") / "workspace")
    save_index(workspace, tiny_index)
    folder = workspace.runs / "20260101-000000-tiny"
    for _ in train(
        TrainingRequest(recipe=TINY_RECIPE, dataset_id=tiny_index.dataset_id, device="cpu"),
        tiny_split,
        folder=folder,
        cache_dir=workspace.cache,
        dataset_name=tiny_index.name,
    ):
        pass
    run = load_run(folder)
    with open_store(workspace.database) as store:
        read_run(workspace, store, run, device="cpu")
    return workspace, run


DEMO = "demo.json"
"""In the walked workspace: what the demonstration printed."""


def walk(workspace: Workspace) -> None:
    """The demonstration: index → split → train → predict → explain on the sample films, in a workspace."""
    from engine.data.saved import list_indexes, load_index
    from engine.runs.folder import list_runs, split_of
    from gui.cli.main import main

    printed = io.StringIO()
    with redirect_stdout(printed):
        assert main(["demo", "--no-gui", "--json", "--workspace", str(workspace.root)]) == 0
    (workspace.root / DEMO).write_text(printed.getvalue(), encoding="utf-8")
    (kept,) = list_indexes(workspace)
    index = load_index(workspace, kept.dataset_id)
    assert [issue.kind for issue in index.issues] == [DataIssueKind.UNREADABLE]
    assert len(index.samples) == 399
    (run,) = list_runs(workspace)
    split = split_of(run)
    parts = [{sample.patient_id for sample in split.part(part)} for part in ("train", "val", "test")]
    assert not parts[0] & parts[1] | parts[0] & parts[2] | parts[1] & parts[2]


@pytest.fixture(scope="session")
def walked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Run]:
    """The sample films, a run that was really trained on them, and what it says of them. Do not change it: copy it."""
    from engine.runs.folder import list_runs

    workspace = once(tmp_path_factory, "walked", walk)
    (run,) = list_runs(workspace)
    return workspace, run


@pytest.fixture
def own_walk(walked: tuple[Workspace, Run], tmp_path: Path) -> tuple[Workspace, Run]:
    """A copy of the walked workspace to write reviews into."""
    from engine.runs.folder import find_run

    root = tmp_path / "walked"
    shutil.copytree(walked[0].root, root)
    workspace = open_workspace(root)
    return workspace, find_run(workspace, walked[1].run_id)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A real server for the whole session; a test that kills one starts its own."""
    with running() as server:
        yield server


@pytest.fixture(scope="session")
def orthanc() -> Iterator[Orthanc]:
    """A real archive for the whole session; each test asks for its own patients."""
    with archive() as server:
        yield server


@pytest.fixture(scope="session")
def all_buckets() -> Iterator[Buckets]:
    """A real store that speaks S3 for the whole session."""
    with buckets() as store:
        yield store


@pytest.fixture
def s3(all_buckets: Buckets, monkeypatch: pytest.MonkeyPatch) -> Iterator[Buckets]:
    """The store, with the credentials for it; each test has folders of its own."""
    for name, value in all_buckets.environment.items():
        monkeypatch.setenv(name, value)
    yield all_buckets
    all_buckets.front.instead.clear()
    all_buckets.front.asked.clear()


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[None]:
    """A real cluster of two workers for the whole session."""
    with clusters.running():
        yield


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """An empty database, once as a file and once on a real server: what a test says of one holds for the other."""
    if request.param == "sqlite":
        return tmp_path / "overread.db"
    return request.getfixturevalue("postgresql").fresh()


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing in a test may ask a hub or a telemetry host."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
    monkeypatch.delenv("OVERREAD_DATABASE_URL", raising=False)
    for name in ("TOKEN", "TOKEN_FILE", "USER", "PASSWORD"):
        monkeypatch.delenv(f"OVERREAD_DICOMWEB_{name}", raising=False)
    yield


@pytest.fixture
def read_only() -> Iterator[Callable[[Path], Path]]:
    """Return a function that makes a folder read-only until the test is over, and returns it.

    Root may write whatever the rights say: for root, the folder becomes a disk that is mounted read-only.
    """
    made: list[Path] = []
    root = hasattr(os, "geteuid") and os.geteuid() == 0

    def make(folder: Path) -> Path:
        if sys.platform == "win32":
            pytest.skip("Windows has other rights")
        if not root:
            for path in (*folder.rglob("*"), folder):
                path.chmod(path.stat().st_mode & ~0o222)
        elif subprocess.run(["mount", "--bind", folder, folder], capture_output=True).returncode:
            pytest.skip("a disk cannot be mounted here")
        else:
            subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
        made.append(folder)
        return folder

    yield make
    for folder in made:
        if root:
            subprocess.run(["umount", "--lazy", folder], check=True)
        else:
            folder.chmod(0o700)
            for path in folder.rglob("*"):
                path.chmod(0o700)
