"""One process of several that go on with a training, started by torchrun where there is no Ray:

    python -m torch.distributed.run --nproc_per_node=2 -m engine.jobs.shared RUN_FOLDER

The run was begun by `overread train`, and was stopped or lost since; the first process predicts and stores as well.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

from engine.jobs.control import training_lock
from engine.jobs.files import load_request
from engine.pipeline import read_run, train_run
from engine.reading import open_store
from engine.runs import load_run
from engine.training import joined, train
from engine.workspace import open_workspace


def main(folder: Path) -> None:
    """Train with the others, by what torchrun says in the environment."""
    request = load_request(folder)
    workspace = open_workspace(request.workspace)
    rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    with joined(rank, world, "env://") as processes:
        trains = partial(train, processes=processes)
        for epoch in train_run(workspace, folder, request.training, resume=True, trains=trains):
            if processes.first:
                print(f"Epoch {epoch.number}: training loss {epoch.train_loss:.6f}", flush=True)
    if rank == 0:
        with training_lock(workspace.root), open_store(workspace.database) as store:
            read_run(workspace, store, load_run(folder), device=request.training.device)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
