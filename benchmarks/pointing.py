"""Does the map's peak lie on the finding? Fresh cohorts of synthetic films, the demonstration trained on each.

`python -m benchmarks pointing`: five cohorts, several minutes each on two cores. The share of hits is of all films
with the finding, and of those predicted positive; its interval is by patient, over all cohorts together. A test part
has some twenty such films, so that each net reads another fresh cohort too, which has a hundred.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from benchmarks.films import train_all
from benchmarks.measuring import LeftOut, Row, Setting
from engine.data import index_data, read_mask, split_index
from engine.pipeline import read_run, read_samples
from engine.reading import open_store
from engine.recipes import RECIPES
from engine.records import Augmentation, Estimate, Explanation, Prediction, Run, Sample
from engine.runs import load_run
from engine.saliency import POINTING_TOLERANCE, pointing_game
from engine.statistics import auroc
from engine.workspace import Workspace, open_workspace
from sample_data import SAMPLE_TABLE
from sample_data.generate import main as generate

COHORTS = 5
FIRST_SEED = 7001
ANOTHER = 1000  # seeds further on
BEFORE = "grad-cam"  # what stood in its place


@dataclass
class Pool:
    """Films with the finding, over all cohorts; each image's id with its cohort before it."""

    maps: dict[str, Explanation] = field(default_factory=dict)
    before: dict[str, Explanation] = field(default_factory=dict)
    masks: dict[str, np.ndarray] = field(default_factory=dict)
    patients: dict[str, str] = field(default_factory=dict)
    positive: set[str] = field(default_factory=set)
    areas: list[float] = field(default_factory=list)


def measure(setting: Setting) -> Iterator[Row | LeftOut]:
    """Measure."""
    test, others = Pool(), Pool()
    seeds = range(FIRST_SEED, FIRST_SEED + (1 if setting.quick else COHORTS))
    for seed in seeds:
        _add(test, others, setting, seed)
    cohorts = f"{len(seeds)} cohorts"
    yield from _rows(test, "test films", cohorts)
    if not setting.quick:
        yield from _rows(others, "films", f"{cohorts} beside the {len(seeds)} that were learnt from")


def _rows(pool: Pool, films: str, cohorts: str) -> Iterator[Row | LeftOut]:
    chosen = {"all": set(pool.masks), "predicted positive": pool.positive}
    for which, ids in chosen.items():
        if not ids:
            yield LeftOut(
                work=f"pointing game, {which}", reason="no film with the finding was predicted positive"
            )
            continue
        ours, theirs = (_game(pool, maps, ids) for maps in (pool.maps, pool.before))
        goal = 0.9 if which == "all" else 0.95
        yield Row(
            work=f"pointing game on {ours.n} {films} with the finding, {which}, {cohorts}",
            ours=ours.value,
            unit="share of hits",
            peer=BEFORE,
            theirs=theirs.value,
            ratio=ours.value / theirs.value if theirs.value else None,
            budget=f"≥ {goal:g}",
            met=ours.value >= goal,
            quality=f"95% interval {ours.low:.2f} to {ours.high:.2f}, {BEFORE} {theirs.low:.2f} to {theirs.high:.2f}; "
            f"AUROC by cohort {', '.join(f'{area:.3f}' for area in pool.areas)}",
        )


def _game(pool: Pool, maps: Mapping[str, Explanation], ids: set[str]) -> Estimate:
    masks = {name: pool.masks[name] for name in sorted(ids)}
    return pointing_game(maps, masks, tolerance=POINTING_TOLERANCE, patients=pool.patients)


def _add(test: Pool, others: Pool, setting: Setting, seed: int) -> None:
    table = SAMPLE_TABLE if setting.quick else _drawn(setting, seed)
    split = split_index(index_data(table, near_duplicates=False), seed=0)
    recipe = RECIPES["demo"]
    if setting.quick:
        recipe = replace(
            recipe, phases=(replace(recipe.phases[0], epochs=2),), views=0, augmentation=Augmentation()
        )
    workspace = open_workspace(setting.scratch / f"workspace-{seed}")
    run_folder = workspace.runs / "20260101-000000-0000"
    train_all(recipe, split, run_folder, workspace.cache)
    run = load_run(run_folder)
    with open_store(workspace.database) as store:
        predictions, maps = read_run(workspace, store, run)
    _keep(test, seed, split.test, predictions, maps, run, workspace)
    if not setting.quick:
        films = index_data(_drawn(setting, seed + ANOTHER), near_duplicates=False).samples
        _keep(others, seed, films, *read_samples(workspace, run, films), run, workspace)


def _drawn(setting: Setting, seed: int) -> Path:
    folder = setting.scratch / f"cohort-{seed}"
    folder.mkdir()
    with redirect_stdout(sys.stderr):  # it counts films
        generate([str(folder), "--seed", str(seed)])
    return folder / "cases.csv"


def _keep(
    pool: Pool,
    seed: int,
    samples: Sequence[Sample],
    predictions: Sequence[Prediction],
    maps: Mapping[str, Explanation],
    run: Run,
    workspace: Workspace,
) -> None:
    asked = {sample.image_id for sample in samples}
    told = [one for one in predictions if one.image_id in asked]
    at = run.classes.index(run.positive)
    truth = np.array([one.label == run.positive for one in told])
    pool.areas.append(auroc(truth, np.array([one.probabilities[at] for one in told])).value)
    ill = [sample for sample in samples if sample.label == run.positive and sample.mask_path is not None]
    before = read_samples(workspace, run, ill, method=BEFORE)[1]
    predicted = {one.image_id for one in told if one.predicted == run.positive}
    for sample in ill:
        if sample.image_id in maps:
            name = f"{seed}/{sample.image_id}"
            pool.maps[name], pool.before[name] = maps[sample.image_id], before[sample.image_id]
            pool.masks[name] = read_mask(sample)
            pool.patients[name] = f"{seed}/{sample.patient_id}"
            if sample.image_id in predicted:
                pool.positive.add(name)
