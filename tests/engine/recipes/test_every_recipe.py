"""Every recipe walks the whole line, and every family of nets looks where the evidence lies.

Each net is trained for real, by one epoch of a few small images; nets that several recipes share are built once, and
the other recipes of a heavy net put a tiny one in its place, so that what is their own (balance, augmentation, phases)
is walked all the same.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from engine.data.index import index_folder
from engine.data.split import split_index
from engine.models.backbone import BACKBONES
from engine.models.classifier import build_classifier, load_pretrained
from engine.models.nets.catalogue import NETS
from engine.prediction.predictor import parts_of, predict_and_explain
from engine.recipes.builtin import RECIPES
from engine.records import Augmentation, Head, Phase, Recipe, Split, TrainingRequest
from engine.runs.folder import load_run
from engine.runs.history import load_history
from engine.saliency.methods import explain
from engine.training.fit import train

SMALLEST = {"inception-v3": 75, "covid-cnn": 94, "swin-tiny": 64}  # pixels; the others take 32
TINY = "test_efficientnet"


def net_of(recipe: Recipe) -> tuple[object, ...]:
    return recipe.backbone, tuple(phase.trainable for phase in recipe.phases if "." in phase.trainable)


def small(recipe: Recipe) -> Recipe:
    """The recipe on small images, an epoch a phase, from random weights unless it freezes batch norm."""
    firsts = {net_of(other): name for name, other in reversed(RECIPES.items())}
    frozen = any(phase.freeze_batch_norm for phase in recipe.phases)
    own = recipe.backbone in NETS or frozen or firsts[net_of(recipe)] == recipe.name
    return replace(
        recipe,
        backbone=recipe.backbone if own else TINY,
        weights=recipe.weights if frozen else "random",
        image_size=SMALLEST.get(recipe.backbone, 32),
        head=replace(recipe.head, hidden=tuple(min(width, 16) for width in recipe.head.hidden)),
        phases=tuple(
            # A head alone on random weights is refused in a recipe of one phase; by its name it is not.
            replace(
                phase,
                epochs=1,
                warm_up=0,  # an epoch of warm-up alone is refused
                trainable="head.*" if phase.trainable == "head" else phase.trainable,
            )
            for phase in recipe.phases
        ),
        balance=replace(recipe.balance, target=("opacity",) if recipe.balance.target else ()),
        views=min(recipe.views, 1),
        batch_size=4,
        train_limit=min(recipe.train_limit, 6),
    )


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Split:
    """Twelve films of two classes."""
    folder = tmp_path_factory.mktemp("twelve")
    generator = np.random.default_rng(0)
    for name, brightness, count in (("normal", 70, 7), ("opacity", 180, 5)):
        (folder / name).mkdir()
        for number in range(count):
            pixels = generator.normal(brightness, 25, (40, 40)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return split_index(index_folder(folder, near_duplicates=False), ratios=(0.5, 0.25, 0.25))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_trains_saves_loads_predicts_and_explains(
    name: str, split: Split, cache: Path, tmp_path: Path
) -> None:
    recipe = small(RECIPES[name])
    folder = tmp_path / "run"
    epochs = list(
        train(
            TrainingRequest(recipe=recipe, dataset_id="d", device="cpu"),
            split,
            folder=folder,
            cache_dir=cache,
            dataset_name="twelve films",
        )
    )
    assert [epoch.phase for epoch in epochs] == [phase.name for phase in recipe.phases]
    assert all(np.isfinite((epoch.train_loss, epoch.val_loss)).all() for epoch in epochs)
    run = load_run(folder)
    assert run.recipe == recipe
    assert load_history(folder) == epochs
    assert 0 < run.trained_parameters <= run.parameters
    told = list(predict_and_explain(run, split.test, cache_dir=cache, device="cpu", parts=parts_of(split)))
    assert len(told) == len(split.test)
    for prediction, explanation in told:
        assert sum(prediction.probabilities) == pytest.approx(1, abs=1e-5)
        assert prediction.part == "test"
        assert explanation is not None
        assert explanation.heatmap.ndim == 2
        assert np.isfinite(explanation.heatmap).all()
        assert 0 <= explanation.heatmap.min() <= explanation.heatmap.max() <= 1


# ------------------------------------------------------------------------------ where the evidence lies

# One small member of each family of timm's, with a size that gives a map of at least 4 x 4; and all nets of ours.
FAMILIES: dict[str, int] = {
    "test_efficientnet": 128,
    "tf_efficientnet_lite0": 128,
    "resnet18": 128,
    "inception_v3": 171,
    "densenet121": 128,
    "mobilenetv3_small_100": 192,
    "convnext_atto": 128,
    "vit_tiny_patch16_224": 96,
    "swin_tiny_patch4_window7_224": 96,
    **{name: {"covid": 150, "affect": 128}.get(name.split("-")[0], 32) for name in NETS},
}


def chequered(images: torch.Tensor, corner: tuple[int, int] | None) -> torch.Tensor:
    """Plant a chequered patch, a quarter of the side wide, into a corner (0 or 1 down, 0 or 1 across)."""
    if corner is None:
        return images
    side = images.shape[-1]
    patch = side // 4
    tile = (torch.arange(patch)[:, None] // 2 + torch.arange(patch)[None] // 2) % 2
    top, left = (place * (side - patch) for place in corner)
    planted = images.clone()
    planted[..., top : top + patch, left : left + patch] = tile.float()
    return planted


@pytest.mark.parametrize("name", FAMILIES)
def test_the_heatmap_finds_evidence_that_was_planted_in_a_corner(name: str) -> None:
    """A linear head learns to tell planted images from plain ones; maps must then differ in the planted quadrant."""
    torch.manual_seed(0)
    size = FAMILIES[name]
    recipe = Recipe(
        name="family",
        title="",
        source="",
        backbone=name,
        weights="random",
        image_size=size,
        head=Head(),
        phases=(Phase(name="all", epochs=1, trainable="all"),),
        augmentation=Augmentation(),
    )
    classifier = build_classifier(recipe, 2)
    if name == "tf_efficientnet_lite0":
        load_pretrained(classifier, "imagenet")  # the one whose weights are here
    corners = [(0, 0), (0, 1), (1, 0), (1, 1)]
    plain = torch.rand(16, 3, size, size) * 0.2 + 0.4
    images = torch.cat([plain, *(chequered(plain[4 * n : 4 * n + 4], at) for n, at in enumerate(corners))])
    labels = torch.arange(32) // 16
    with torch.no_grad():
        for module in classifier.modules():  # random nets need statistics of their own input
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.momentum = None
        classifier.backbone.train()
        classifier.features(images)
        classifier.eval()
        pooled = classifier.head.pool(classifier.features(images))
    # Ridge regression without a constant: plain images must come out below nought and planted ones above it.
    scale = pooled.std(0) + 1e-3 * pooled.std() + 1e-12
    rows = (pooled / scale).double()
    alike = rows @ rows.T
    answers = torch.linalg.solve(alike + 1e-4 * alike.trace() / 32 * torch.eye(32), labels.double() * 2 - 1)
    with torch.no_grad():
        classifier.head.output.weight[1] = (rows.T @ answers).float() / scale
        classifier.head.output.weight[0] = -classifier.head.output.weight[1]
        classifier.head.output.bias.zero_()
    unseen = torch.rand(8, 3, size, size) * 0.2 + 0.4
    averages = {
        at: explain(classifier, chequered(unseen, at), torch.ones(8, dtype=torch.int64)).mean(axis=0)
        for at in corners
    }
    everywhere = np.mean(
        list(averages.values()), axis=0
    )  # a deep net with random weights looks at the middle too
    for (down, across), average in averages.items():
        h, w = average.shape
        row, column = divmod(int((average - everywhere).argmax()), w)
        assert ((row + 0.5) / h > 0.5, (column + 0.5) / w > 0.5) == (bool(down), bool(across)), average.round(
            2
        )


def test_every_backbone_of_the_menu_belongs_to_a_family_that_is_tested() -> None:
    from engine.models.backbone import TimmBackbone

    kinds = set()
    for name, size in FAMILIES.items():
        if name not in NETS:
            with torch.device("meta"):
                kinds.add(type(TimmBackbone(name, channels=3, image_size=size).net))
    for name, build in BACKBONES.items():
        if name in NETS:
            assert name in FAMILIES
            continue
        with torch.device("meta"):
            assert type(build(3, 224).net) in kinds, name
