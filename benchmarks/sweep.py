"""Trainings on a Ray cluster of this computer: six runs, a worker killed; one model by two processes.

Held against the same trainings in one process without Ray: what is asked is equal curves, what is told is the time.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.cluster import kill_a_worker
from benchmarks.films import films
from benchmarks.measuring import LeftOut, Row, Setting
from engine.cluster import train_on
from engine.data import Choices, save_index, split_index, training_request
from engine.experiments import entries_of, train_entries_on
from engine.pipeline import train_run
from engine.recipes import RECIPES
from engine.records import Epoch, Index, Recipe, TrainingRequest
from engine.runs import load_history
from engine.workspace import Workspace, open_workspace

RUNS = 6


def measure(setting: Setting) -> Iterator[Row | LeftOut]:
    """Measure."""
    index = films(setting, 60 if setting.quick else 240)
    choices = Choices(seed=1)
    yield _sweep(setting, index, choices)
    yield _together(setting, index, choices)


def _sweep(setting: Setting, index: Index, choices: Choices) -> Row:
    scnnb = RECIPES["scnnb"]
    recipe = replace(scnnb, phases=tuple(replace(each, epochs=3) for each in scnnb.phases))
    entries = entries_of([recipe], vary=None, seeds=RUNS)
    here, there = _workspaces(setting, "sweep", index)
    began = time.monotonic()
    alone = {
        entry.label: _alone(here, training_request(entry.recipe, index, choices, device="cpu"))
        for entry in entries
    }
    one_process, began = time.monotonic() - began, time.monotonic()
    with _killed_after_an_epoch(there) as killed:
        attempts = list(train_entries_on("ray", 2, there, entries, index, choices, device="cpu"))
    on_ray = time.monotonic() - began
    difference = max(
        _apart(load_history(attempt.run.folder), alone[attempt.entry.label]) if attempt.run else np.inf
        for attempt in attempts
    )
    return Row(
        work=f"{RUNS} runs of scnnb by 2 workers of Ray, {'one of them killed' if killed else 'none killed'}",
        ours=on_ray,
        unit="s",
        peer="one process without Ray, no images predicted",
        theirs=one_process,
        ratio=one_process / on_ray,
        budget="all finished, curves equal to 1e-6",
        met=bool(killed) and len(attempts) == RUNS and difference <= 1e-6,
        quality=f"largest difference in losses {difference:.1e}",
        note=f"3 epochs on {len(index.samples)} films, start of Ray, predictions and heatmaps counted; {_load()}",
    )


def _together(setting: Setting, index: Index, choices: Choices) -> Row:
    default = RECIPES["default"]
    epochs = zip(default.phases, (2, 1), strict=True)
    recipe: Recipe = replace(
        default, phases=tuple(replace(each, epochs=number) for each, number in epochs), image_size=64
    )
    request = training_request(recipe, index, choices, device="cpu")
    here, there = _workspaces(setting, "together", index)
    began = time.monotonic()
    alone = _alone(here, request)
    one_process, began = time.monotonic() - began, time.monotonic()
    both = list(
        train_on(
            "ray", 2, request, split_index(index, seed=1), folder=there.runs / "both", cache_dir=there.cache,
            dataset_name=index.name,
        )
    )  # fmt: skip
    difference, on_ray = _apart(both, alone), time.monotonic() - began
    return Row(
        work="one model (default, 64 px) trained by 2 processes of Ray",
        ours=on_ray,
        unit="s",
        peer="one process without Ray",
        theirs=one_process,
        ratio=one_process / on_ray,
        budget="curve equal to 1e-5",
        met=difference <= 1e-5,
        quality=f"largest difference in losses {difference:.1e}",
        note=f"2 epochs of the head and 1 of the last blocks on {len(index.samples)} films; {_load()}",
    )


def _workspaces(setting: Setting, name: str, index: Index) -> tuple[Workspace, Workspace]:
    made = [open_workspace(setting.scratch / f"{name}-{where}") for where in ("here", "there")]
    for workspace in made:
        save_index(workspace, index)
    return made[0], made[1]


def _alone(workspace: Workspace, request: TrainingRequest) -> list[Epoch]:
    number = len(list(workspace.runs.iterdir()))
    return list(train_run(workspace, workspace.runs / f"20260101-{number:06d}-one", request))


def _apart(some: list[Epoch], others: list[Epoch]) -> float:
    """Return the largest difference between two curves; infinite where they have not the same epochs."""
    curves = [np.array([[one.train_loss, one.val_loss] for one in each]) for each in (some, others)]
    return float(np.abs(curves[0] - curves[1]).max()) if curves[0].shape == curves[1].shape else np.inf


@contextmanager
def _killed_after_an_epoch(workspace: Workspace) -> Iterator[list[int]]:
    """Kill a worker once a training has an epoch behind it; yield a list that its process id is put into."""
    killed, over = list[int](), threading.Event()

    def watch() -> None:
        while not over.wait(0.2) and not killed:
            if any(map(_has_epochs, workspace.runs.glob("*/history.csv"))):
                killed.extend(kill_a_worker("Trainer.advance"))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()


def _has_epochs(history: Path) -> bool:
    return len(history.read_text(encoding="utf-8").splitlines()) > 1


def _load() -> str:
    return f"load {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores" if hasattr(os, "getloadavg") else ""
