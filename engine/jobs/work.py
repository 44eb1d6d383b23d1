"""What a training process does: train, predict and explain, store."""

from __future__ import annotations

from pathlib import Path

from engine import cluster, prediction, training
from engine.errors import TrainingStopped
from engine.jobs.files import JobReporter, load_request
from engine.pipeline import read_run, train_run
from engine.reading import open_store
from engine.runs import load_run
from engine.workspace import open_workspace


def load() -> None:
    """Load what training and predicting stand on, PyTorch among it, before it is known what shall be trained."""
    _ = training.train, prediction.predict_and_explain  # a chapter loads what is named of it


def run_job(folder: Path, report: JobReporter) -> None:
    """Do the work of one training process: train, then predict and explain, then store.

    Args:
        folder: The run's folder, with job.json in it.
        report: Told how far the work is; asked whether to stop.

    Raises:
        EngineError: In words for the person at the screen.
    """
    request = load_request(folder)
    workspace = open_workspace(request.workspace)

    def on_fold(number: int, of: int) -> None:
        report.fold(number, of)
        report.stage("training", f"Fold {number} of {of}: reading and decoding the images")

    total = sum(phase.epochs for phase in request.training.recipe.phases)
    if not (folder / "run.json").exists():  # a resumed run may have been trained to its end already
        report.stage("training", "Reading and decoding the images")
        for epoch in train_run(
            workspace,
            folder,
            request.training,
            resume=request.resume,
            should_stop=report.should_stop,
            on_batch=report.batch,
            on_trained=lambda: report.stage("calibrating", "Calibrating on the validation images"),
            on_fold=on_fold,
            trains=cluster.trains_on(request.on, request.workers),
        ):
            report.epoch(epoch, total)
    run = load_run(folder)
    report.stage("predicting", "Predicting and explaining validation and test images")

    def progress(done: int, of: int) -> None:
        if report.should_stop():
            raise TrainingStopped("The run was stopped", "Resume it: it is trained already")
        report.batch(done, of)

    with open_store(workspace.database) as store:
        read_run(workspace, store, run, device=request.training.device, progress=progress)
