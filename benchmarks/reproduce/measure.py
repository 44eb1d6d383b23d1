"""One recipe on one split: train (or find the finished run, or go on with an unfinished one), predict, measure."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.images import open_cache
from engine.prediction import parts_of, predict_and_explain
from engine.reading import open_store
from engine.recipes import recipe_to_json
from engine.records import Epoch, Estimate, Index, Prediction, Recipe, Run, Split, TrainingRequest, recipe_of
from engine.runs import load_history, load_run, split_of
from engine.statistics import classification_table, overall
from engine.training import train
from engine.workspace import Workspace

PUBLISHED_NAMES = {
    "AUC": "AUROC",
    "precision": "positive predictive value",
    "recall": "sensitivity",
}
"""What papers call a figure → what the engine calls it."""


def run_folder(workspace: Workspace, study: str, recipe: Recipe, index: Index, split: Split) -> Path:
    """Return the run's folder: equal recipe, data and split, equal folder."""
    parts = [sorted(sample.image_id for sample in part) for part in (split.train, split.val, split.test)]
    said = json.dumps([recipe_to_json(recipe), index.dataset_id, parts])
    return workspace.runs / f"{study}-{recipe.name}-{hashlib.sha256(said.encode()).hexdigest()[:8]}"


def trained(
    workspace: Workspace,
    study: str,
    recipe: Recipe,
    index: Index,
    split: Split,
    *,
    device: str = "auto",
    tell: Callable[[Epoch], None] = lambda epoch: None,
) -> Run:
    """Return the finished run, training what is missing of it."""
    folder = run_folder(workspace, study, recipe, index, split)
    if not (folder / "run.json").exists():
        epochs = train(
            TrainingRequest(recipe=recipe, dataset_id=index.dataset_id, device=device),
            split,
            folder=folder,
            cache_dir=workspace.cache,
            dataset_name=index.name,
            resume=True,
        )
        for epoch in epochs:
            tell(epoch)
    return load_run(folder)


def predictions_of(workspace: Workspace, run: Run, *, device: str = "auto") -> list[Prediction]:
    """Predict a run's test images, and store that: `overread compare --reuse` then draws runs beside each other."""
    split = split_of(run)
    cache = open_cache(
        workspace.cache,
        [*split.train, *split.val, *split.test],  # as training decoded them: found, not made again
        size=recipe_of(run).image_size,
        channels=recipe_of(run).channels,
    )
    told = predict_and_explain(
        run,
        split.test,
        cache_dir=workspace.cache,
        device=device,
        parts=parts_of(split),
        method=None,
        cache=cache,
        batch_size=256,
    )
    predictions = [prediction for prediction, _ in told]
    with open_store(workspace.database) as store:
        store.add_run(run)
        store.add_cases(run.run_id, predictions)
    return predictions


def figures_of(run: Run, predictions: list[Prediction]) -> dict[str, Estimate]:
    """Estimate every figure of the test predictions, with "F1 of C" for each class."""
    code = {name: number for number, name in enumerate(run.classes)}
    truth = np.array([code[each.label or ""] for each in predictions], dtype=np.int64)
    predicted = np.array([code[each.predicted] for each in predictions], dtype=np.int64)
    probabilities = np.array([each.probabilities for each in predictions])
    patients = np.array([each.patient_id for each in predictions])
    figures = overall(truth, predicted, probabilities, run.classes, positive=run.positive, groups=patients)
    rows = classification_table(truth, predicted, run.classes, groups=patients)
    return figures | {f"F1 of {row.name}": row.f1 for row in rows}


def published_of(recipe: Recipe, published_on: str) -> dict[str, float]:
    """Return the published figures that a study is held to, by the engine's names."""
    return {
        PUBLISHED_NAMES.get(expected.metric, expected.metric): expected.value
        for expected in recipe.expected
        if expected.data.startswith(published_on)
    }


def row_of(
    run: Run, predictions: list[Prediction], *, published: Mapping[str, float], quick: bool
) -> dict[str, Any]:
    """Return what is kept of a run: figures and how they came about; no path, no patient."""
    split, history = split_of(run), load_history(run.folder)
    environment = json.loads((run.folder / "environment.json").read_text())
    figures = figures_of(run, predictions)
    shown = {"accuracy", "AUROC", "macro F1", "sensitivity", "specificity", *published}
    shown |= {name for name in figures if name.startswith("F1 of ")}
    return {
        "recipe": run.name,
        "title": run.title,
        "quick": quick,
        "backbone": recipe_of(run).backbone,
        "weights": run.weights_source,
        "parameters": run.parameters,
        "trained_parameters": run.trained_parameters,
        "seed": recipe_of(run).seed,
        "split": split.method,
        "images": {"train": len(split.train), "val": len(split.val), "test": len(split.test)},
        "figures": {
            name: {"value": one.value, "low": one.low, "high": one.high, "method": one.method, "n": one.n}
            for name, one in figures.items()
            if name in shown
        },
        "published": dict(published),
        "epochs": len(history),
        "epochs_at_most": sum(phase.epochs for phase in recipe_of(run).phases),
        "seconds": round(run.seconds, 1),
        "seconds_an_epoch": round(float(np.median([epoch.seconds for epoch in history])), 2),
        "device": run.device,
        "threads": torch.get_num_threads() if run.device == "cpu" else os.cpu_count(),
        "versions": {"python": environment["python"], **environment["packages"]},
        "created": f"{run.created:%Y-%m-%d}",
    }
