"""What tests share: a workspace, forty small films with a known finding, and a run that was really trained on them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.records import Augmentation, DataIssueKind, Index, Run, Split, TrainingRequest
from engine.workspace import Workspace, open_workspace
from tests.tiny import TINY_RECIPE, draw_films


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


@pytest.fixture(scope="session")
def walked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Run]:
    """index → split → train → predict → explain on the sample films, without fine-tuning and augmented views."""
    from engine.data.index import index_data
    from engine.data.saved import save_index
    from engine.data.split import split_index
    from engine.pipeline import read_run
    from engine.reading.store import open_store
    from engine.recipes.builtin import RECIPES
    from engine.runs.folder import load_run
    from engine.training.fit import train
    from sample_data import SAMPLE_TABLE

    demo = RECIPES["demo"]
    quick = replace(demo, phases=(replace(demo.phases[0], epochs=15),), augmentation=Augmentation())
    workspace = open_workspace(tmp_path_factory.mktemp("line") / "workspace")
    index = index_data(SAMPLE_TABLE)
    save_index(workspace, index)
    assert [issue.kind for issue in index.issues] == [DataIssueKind.UNREADABLE]
    assert len(index.samples) == 399

    split = split_index(index, seed=0)
    parts = [{sample.patient_id for sample in split.part(part)} for part in ("train", "val", "test")]
    assert not parts[0] & parts[1] | parts[0] & parts[2] | parts[1] & parts[2]

    folder = workspace.runs / "20260101-000000-line"
    epochs = list(
        train(
            TrainingRequest(recipe=quick, dataset_id=index.dataset_id, device="cpu"),
            split,
            folder=folder,
            cache_dir=workspace.cache,
            dataset_name=index.name,
        )
    )
    assert len(epochs) == 15
    run = load_run(folder)
    with open_store(workspace.database) as store:
        read_run(workspace, store, run, device="cpu")
    return workspace, run


@pytest.fixture
def own_walk(walked: tuple[Workspace, Run], tmp_path: Path) -> tuple[Workspace, Run]:
    """A copy of the walked workspace, without its cache, to write reviews into."""
    from engine.runs.folder import find_run

    root = tmp_path / "walked"
    shutil.copytree(walked[0].root, root, ignore=shutil.ignore_patterns("cache"))
    workspace = open_workspace(root)
    return workspace, find_run(workspace, walked[1].run_id)


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing in a test may ask a hub or a telemetry host."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
    yield
