"""torchrun trains one model in several processes as one process does."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.data import Choices, training_request
from engine.data.saved import save_index
from engine.jobs.files import JobRequest, save_request
from engine.pipeline import train_run
from engine.recipes import RECIPES
from engine.records import Index
from engine.runs import load_history, load_run
from engine.workspace import Workspace

ROOT = Path(__file__).parents[3]


def test_two_processes_of_torchrun_give_the_curve_of_one(workspace: Workspace, tiny_index: Index) -> None:
    """The recipe that most people use: a head on the feature bank, then the last blocks through the net."""
    save_index(workspace, tiny_index)
    phases = tuple(
        replace(each, epochs=epochs) for each, epochs in zip(RECIPES["default"].phases, (2, 1), strict=True)
    )
    recipe = replace(RECIPES["default"], phases=phases, batch_size=7, image_size=64)
    request = training_request(recipe, tiny_index, Choices(seed=1), device="cpu")
    alone, both = workspace.runs / "20260101-000000-one", workspace.runs / "20260101-000001-two"
    epochs = list(train_run(workspace, alone, request))
    both.mkdir()
    save_request(both, JobRequest(workspace=workspace.root, training=request))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = [
        "--nproc_per_node=2",
        "--master_addr=127.0.0.1",
        f"--master_port={port}",
        "-m",
        "engine.jobs.shared",
    ]
    subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", *started, str(both)],
        check=True,
        cwd=ROOT,
        timeout=300,
        env={**os.environ, "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"},
    )
    together = load_history(both)
    assert [one.phase for one in together] == ["head", "head", "fine-tune"]
    for one, other in zip(together, epochs, strict=True):
        assert np.allclose([one.train_loss, one.val_loss], [other.train_loss, other.val_loss], atol=1e-5)
    assert load_run(both).classes == load_run(alone).classes
