"""The whole report with all its intervals, beside a bootstrap that calls scikit-learn for every resample."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    confusion_matrix,
    f1_score,
    roc_auc_score,
)

from benchmarks.measuring import LeftOut, Row, Setting, in_process, seconds_of
from benchmarks.synthetic import RUN_ID, synthetic_predictions, synthetic_run
from engine.data import save_split
from engine.reading import Store, open_store
from engine.records import Explanation, Prediction, Sample, Split
from engine.report import build_report, export_report
from engine.runs import settings_of
from engine.workspace import Workspace, open_workspace

MANY = 50  # classes
RESAMPLES = 2000  # what a bootstrap would take; the report has intervals that need none

MEMORY = """
import sys
import time
from pathlib import Path
from benchmarks.synthetic import synthetic_predictions, synthetic_run
from engine.report.build import build_report
count, classes = map(int, sys.argv[2:])
predictions = synthetic_predictions(count, classes)
started = time.process_time()
build_report(synthetic_run(Path(sys.argv[1]), classes), predictions, history=())
print(time.process_time() - started)
"""

FIRST_FIGURES = """
import sys
import time
from pathlib import Path
from engine.reading import open_store
from engine.workspace import open_workspace
from gui.pages.report.computed import report_of
from gui.pages.report.parts import performance
from gui.web import AppSession
workspace = open_workspace(Path(sys.argv[1]))
with open_store(workspace.database) as store:
    session = AppSession(workspace=workspace, store=store)
    for run_id in sys.argv[2:]:  # with the first comes what is imported when it is first asked for
        started = time.perf_counter()
        performance(session, report_of(session, run_id, "test"), ())
print(time.perf_counter() - started)
"""


def measure(setting: Setting) -> Iterator[Row | LeftOut]:
    """Measure."""
    run = synthetic_run(setting.scratch / RUN_ID)
    for count in (200, 1000) if setting.quick else (1000, 10_000, 100_000):
        predictions = synthetic_predictions(count)
        rounds = 1 if setting.quick else 3
        ours: list[float] = []
        loops: list[float] = []
        for _ in range(rounds):
            ours.append(seconds_of(partial(build_report, run, predictions, history=())))
            loops.append(_loop(predictions, resamples=10 if count <= 10_000 else 5))
        report = build_report(run, predictions, history=())
        area = report.against[0].estimates["AUROC"].value
        expected = roc_auc_score(
            [each.label == "opacity" for each in predictions], [each.probabilities[1] for each in predictions]
        )
        _, memory = in_process(MEMORY, str(run.folder), str(count), "2")
        mine, theirs = float(np.median(ours)), float(np.median(loops))
        largest = count == 100_000
        yield Row(
            work=f"report on {count:,} predictions",
            ours=mine,
            unit="s",
            peer=f"{RESAMPLES:,} bootstrap resamples by scikit-learn in a loop",
            theirs=theirs,
            ratio=theirs / mine,
            budget="≥ 50×" if largest else "",
            met=theirs / mine >= 50 if largest else None,
            quality=f"largest difference in AUROC {abs(area - expected):.0e}, peak memory {memory:.0f} MB",
            note="the loop's seconds are those of a few resamples, counted up; it does seven figures, ours the report",
        )
        yield from _first_figures(setting, predictions)
        yield Row(
            work=f"peak memory of a process that makes a report on {count:,} predictions",
            ours=memory,
            unit="MB",
            budget="≤ 500 MB" if largest else "",
            met=memory <= 500 if largest else None,
            note="the predictions and all that is imported are in it",
        )
        yield from _many_classes(run.folder, count, largest=largest)
    yield from _written(setting)


def _many_classes(folder: Path, count: int, *, largest: bool) -> Iterator[Row]:
    """Measure a report on fifty classes, in a process of its own."""
    seconds, memory = in_process(MEMORY, str(folder), str(count), str(MANY))
    yield Row(
        work=f"report on {count:,} predictions of {MANY} classes",
        ours=seconds,
        unit="s",
        budget="≤ 60 s" if largest else "",
        met=seconds <= 60 if largest else None,
        note="of the processor",
    )
    yield Row(
        work=f"peak memory of a process that makes a report on {count:,} predictions of {MANY} classes",
        ours=memory,
        unit="MB",
        budget="≤ 600 MB" if largest else "",
        met=memory <= 600 if largest else None,
        note="the predictions and all that is imported are in it",
    )


def _first_figures(setting: Setting, predictions: Sequence[Prediction]) -> Iterator[Row]:
    """Measure how long the Report page waits for its first figures, everything imported and nothing computed before.

    In a process of its own, as a window is one: among the records of all other rows a search for garbage takes longer.
    """
    count, small = len(predictions), f"{RUN_ID[:-1]}1"
    workspace = open_workspace(setting.scratch / f"workspace-{count}")
    with open_store(workspace.database) as store:
        _keep(workspace, store, small, synthetic_predictions(100))
        _keep(workspace, store, RUN_ID, predictions)
    taken, _ = in_process(FIRST_FIGURES, str(workspace.root), small, RUN_ID)
    most = 1.0 if count <= 1000 else 5.0
    yield Row(
        work=f"first figures of the Report page, {count:,} images",
        ours=taken,
        unit="s",
        budget=f"≤ {most:g} s" if count != 10_000 else "",
        met=taken <= most if count != 10_000 else None,
    )


def _keep(workspace: Workspace, store: Store, run_id: str, predictions: Sequence[Prediction]) -> None:
    """Keep a run and what it predicted as a workspace has them."""
    run = synthetic_run(workspace.runs / run_id)
    run.folder.mkdir()
    for name, text in settings_of(run).items():
        (run.folder / name).write_text(text, encoding="utf-8")
    cases = [
        Sample(path=one.path, image_id=one.image_id, label=one.label, patient_id=one.patient_id)
        for one in predictions
    ]
    split = Split(train=(), val=(), test=tuple(cases), classes=run.classes, seed=0, method="all are tested")
    save_split(split, run.folder / "split.csv")
    store.add_run(run)
    store.add_cases(run.run_id, predictions)


def _written(setting: Setting) -> Iterator[Row]:
    """Measure the files of a report: a page and its PDF with as many images as they hold, and a large bundle."""
    run = synthetic_run(setting.scratch / f"{RUN_ID}-files")
    film, heat = _film(), _heat()
    few, many = (200, 200) if setting.quick else (1000, 10_000)
    for count, name, budget in ((few, "html", 15.0), (few, "pdf", 60.0), (many, "bundle", 60.0)):
        cases = [  # patients whose ids are no numbers that a bundle gives
            replace(one, patient_id=f"patient of {one.patient_id}") for one in synthetic_predictions(count)
        ]
        maps = {
            each.image_id: Explanation(
                image_id=each.image_id,
                heatmap=np.zeros((7, 7), dtype=np.float32),
                target=each.predicted,
                method="grad-cam",
            )
            for each in cases
        }
        report = build_report(run, cases, history=(), explanations=maps)
        folder = setting.scratch / f"{name}-{count}"
        taken = seconds_of(
            partial(
                export_report,
                report,
                folder,
                picture=lambda _: film,
                heatmap=lambda _: heat,
                formats=(name,),
            )
        )
        size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
        in_size = name == "html"
        yield Row(
            work=f"{WRITTEN[name]} of {count:,} images",
            ours=size if in_size else taken,
            unit="MB" if in_size else "s",
            budget=f"≤ {budget:g} {'MB' if in_size else 's'}" if name != "pdf" else "",
            met=(size if in_size else taken) <= budget if name != "pdf" else None,
            note=f"{taken:.1f} s" if in_size else f"{size:.1f} MB",
        )


WRITTEN = {"html": "report as HTML", "pdf": "report as PDF", "bundle": "checkable bundle"}


def _film() -> bytes:
    """Return a picture with the noise that films have, which no compression takes away."""
    rng = np.random.default_rng(0)
    shade = np.add.outer(np.linspace(40, 160, 512), np.linspace(0, 60, 512)) + rng.normal(0, 6, (512, 512))
    stream = io.BytesIO()
    Image.fromarray(shade.clip(0, 255).astype(np.uint8)).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def _heat() -> bytes:
    rows, columns = np.mgrid[:512, :512]
    alpha = 180 * np.exp(-((rows - 200) ** 2 + (columns - 300) ** 2) / 9000)
    layers = [np.full_like(alpha, 200), np.zeros_like(alpha), np.zeros_like(alpha), alpha]
    stream = io.BytesIO()
    Image.fromarray(np.stack(layers, axis=2).astype(np.uint8), "RGBA").save(stream, "PNG")
    return stream.getvalue()


def _loop(predictions: Sequence[Prediction], *, resamples: int) -> float:
    """Return how long the loop takes for all resamples, from a few."""
    y = np.array([each.label == "opacity" for each in predictions])
    p = np.array([each.probabilities[1] for each in predictions])
    patients = np.array([each.patient_id for each in predictions])
    # Kindly: patients are numbered and their rows found once, not in each resample.
    _, number = np.unique(patients, return_inverse=True)
    rows = np.split(np.argsort(number, kind="stable"), np.cumsum(np.bincount(number))[:-1])
    rng = np.random.default_rng(0)
    started = time.perf_counter()
    for _ in range(resamples):
        drawn = np.concatenate([rows[patient] for patient in rng.integers(len(rows), size=len(rows))])
        truth, score = y[drawn], p[drawn]
        predicted = score >= 0.5
        roc_auc_score(truth, score)
        average_precision_score(truth, score)
        brier_score_loss(truth, score)
        accuracy_score(truth, predicted)
        f1_score(truth, predicted)
        confusion_matrix(truth, predicted)  # sensitivity and specificity
    return (time.perf_counter() - started) / resamples * RESAMPLES
