"""What a training begins with: ImageNet weights, weights from a file, or a finished run, said with where it is from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from engine.errors import RunError
from engine.models import (
    LAYOUTS,
    PACKAGED,
    Classifier,
    TimmBackbone,
    build_classifier,
    file_digest,
    find_file,
    kept_in,
    load_pretrained,
    load_weights,
    packaged_file,
    read_weights,
)
from engine.recipes import counts_after
from engine.records import Recipe, Run, Sample, Split, WeightsOrigin, recipe_of
from engine.runs import load_classifier, load_run, run_to_begin_with, split_of
from engine.workspace import Workspace


def starting_net(
    recipe: Recipe, split: Split, *, folder: Path, allow_downloads: bool
) -> tuple[Classifier, tuple[str, WeightsOrigin]]:
    """Return the net as training begins, and where its weights come from; refuse classes that cannot be balanced.

    Args:
        recipe: As it shall be run.
        split: On which it will be trained.
        folder: Of the run or its fold, in its workspace: finished runs lie beside it, added weights above.
        allow_downloads: Whether ImageNet weights may be fetched.

    Returns:
        The net; where its weights are from, in words, and what is known of them.

    Raises:
        WeightsError: They are not on this machine, or do not fit the net.
        RunError: There is no such run, or its net is another one.
    """
    torch.manual_seed(recipe.seed)
    classifier = build_classifier(recipe, len(split.classes))
    labels = np.array([split.classes.index(sample.label or "") for sample in split.train])
    counts_after(labels, recipe.balance, split.classes)
    runs = folder.parents[2] if folder.parent.name == "folds" else folder.parent
    if (begun_with := run_to_begin_with(runs, recipe.weights)) is not None:
        return classifier, _from_run(classifier, recipe, split, runs, begun_with)
    if recipe.weights.startswith("file:"):
        return classifier, _from_file(classifier, recipe, Workspace(runs.parent))
    said = load_pretrained(classifier, recipe.weights, allow_downloads=allow_downloads)
    return classifier, (said, _of_package(classifier, recipe, said))


def _of_package(classifier: Classifier, recipe: Recipe, said: str) -> WeightsOrigin:
    backbone = classifier.backbone
    if recipe.weights == "random" or not isinstance(backbone, TimmBackbone):
        return WeightsOrigin(name=said)
    packaged = packaged_file(backbone.timm_name)
    licence = backbone.licence
    return WeightsOrigin(
        name=PACKAGED[backbone.timm_name][0] if packaged else said,
        sha256=file_digest(packaged) if packaged else "",
        source=said,
        licence=f"{licence}, as timm states for {backbone.timm_name}" if licence else "",
    )


def _from_file(classifier: Classifier, recipe: Recipe, workspace: Workspace) -> tuple[str, WeightsOrigin]:
    path, added = find_file(workspace, recipe.weights)
    name = added.original if added else path.name
    state = read_weights(path)
    layout = load_weights(
        classifier,
        state,
        backbone=recipe.backbone,
        name=name,
        mean=added.mean if added else (),
        std=added.std if added else (),
    )
    digest = file_digest(path)
    origin = WeightsOrigin(
        name=name,
        layout=layout,
        sha256=digest,
        source=added.source if added else "",
        licence=added.licence if added else "",
    )
    kept = f"kept in {words}" if (words := kept_in(state)) else ""
    return (
        f"file {name} ({', '.join(filter(None, (LAYOUTS[layout].title, kept)))}), sha256 {digest[:12]}",
        origin,
    )


def _from_run(
    classifier: Classifier, recipe: Recipe, split: Split, runs: Path, run: Run
) -> tuple[str, WeightsOrigin]:
    before, earlier = recipe_of(run), load_classifier(run)
    try:
        classifier.backbone.load_state_dict(earlier.backbone.state_dict())
    except RuntimeError as error:
        raise RunError(
            f"The network of run {run.run_id} ({before.backbone}, {before.channels} channels, "
            f"{before.image_size} pixels) is another one than the recipe's ({recipe.backbone})",
            f"Set backbone to {before.backbone}, channels to {before.channels} and image_size to {before.image_size}",
        ) from error
    classifier.set_normalisation(earlier.mean.flatten().tolist(), earlier.std.flatten().tolist())
    same_head = run.classes == split.classes and before.head == recipe.head
    if same_head:
        classifier.head.load_state_dict(earlier.head.state_dict())
    head = "its head too" if same_head else "with a new head"
    origin = WeightsOrigin(
        name=run.run_id,
        sha256=file_digest(run.folder / "model.safetensors"),
        source=f"trained on {run.dataset_name}, from {run.weights_source}",
        licence=run.weights_origin.licence if run.weights_origin else "",
        run_id=run.run_id,
        remarks=_leaks(run, split, runs),
    )
    return f"run {run.run_id} of {run.title}, trained on {run.dataset_name}, {head}", origin


def _leaks(run: Run, split: Split, runs: Path) -> tuple[str, ...]:
    """Say which images of the test part a run, or one that it began with, was trained or tuned on."""
    said = []
    for each in _lineage(run, runs):
        before = split_of(each)
        known = [*before.train, *before.val]
        images = {sample.image_id for sample in known}
        everything = {sample.image_id for part in (split.train, split.val, split.test) for sample in part}
        # Where no image is shared, the names of patients may mean other people.
        shared = bool(everything & {sample.image_id for sample in (*known, *before.test)})
        patients = {sample.patient_id for sample in known} if shared else set()
        leaked = [sample for sample in split.test if _is_of(sample, images, patients)]
        if leaked:
            same = sum(sample.image_id in images for sample in leaked)
            said.append(
                f"The starting weights are of run {each.run_id}, which was trained or tuned on {same:,} of the "
                f"{len(split.test):,} images that are now in the test part: results on the test part are too "
                "optimistic."
                if same == len(leaked)
                else f"The starting weights are of run {each.run_id}, which was trained or tuned on {same:,} of the "
                f"{len(split.test):,} images that are now in the test part, and on other images of the patients of "
                f"{len(leaked) - same:,} more: results on the test part are too optimistic."
            )
    return tuple(said)


def _is_of(sample: Sample, images: set[str], patients: set[str]) -> bool:
    return sample.image_id in images or sample.patient_id in patients


def _lineage(run: Run, runs: Path) -> list[Run]:
    """Return a run and those it began with, as far as they are still there."""
    found = [run]
    while (origin := found[-1].weights_origin) is not None and origin.run_id:
        if not (runs / origin.run_id / "run.json").is_file():
            break
        found.append(load_run(runs / origin.run_id))
    return found
