"""Published systems: each a valid recipe, with the printed settings and the printed counts of parameters.

Nets are built on PyTorch's "meta" device, where a parameter has a shape and no values: enough to count.
"""

from __future__ import annotations

import pytest
import torch

from engine.models.backbone import BACKBONES
from engine.models.classifier import build_classifier
from engine.models.nets.catalogue import NETS
from engine.models.trainable import count_parameters, set_trainable
from engine.recipes.builtin import RECIPES
from engine.recipes.check import check_recipe
from engine.recipes.class_balance import BALANCERS
from engine.recipes.published import PUBLISHED
from engine.recipes.recipe import recipe_from_json, recipe_to_json

CLASSES = {"scnnb": 10, "cifar": 10, "affect": 8}


def classes_of(name: str) -> int:
    return CLASSES.get(name.split("-")[0], 2)


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_recipe_is_valid_and_survives_json(name):
    recipe = PUBLISHED[name]
    assert recipe.name == name
    assert RECIPES[name] is recipe
    check_recipe(recipe)
    assert recipe_from_json(recipe_to_json(recipe)) == recipe
    assert recipe.title and recipe.source
    for expected in recipe.expected:
        assert 0 < expected.value <= 1 and 0 < expected.tolerance < 0.1
        assert expected.data and expected.device == "as published"


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_recipe_builds_and_each_phase_trains_something(name):
    recipe = PUBLISHED[name]
    assert recipe.backbone in BACKBONES
    with torch.device("meta"):
        classifier = build_classifier(recipe, classes_of(name))
        images = torch.empty(2, recipe.channels, recipe.image_size, recipe.image_size)
        assert classifier.eval()(images).shape == (2, classes_of(name))
        for phase in recipe.phases:
            assert set_trainable(classifier, phase.trainable)


@pytest.mark.parametrize("name", PUBLISHED)
def test_nets_that_timm_lacks_start_at_random_and_the_others_from_imagenet(name):
    recipe = PUBLISHED[name]
    assert (recipe.weights == "random") == (recipe.backbone in NETS)
    from_the_start = recipe.phases[0].trainable == "all"  # as covid-efficientnet-b3 is printed
    assert from_the_start == (recipe.backbone in NETS or name == "covid-efficientnet-b3")


@pytest.mark.parametrize(
    ("name", "trained"),
    [
        # 2048 → 10 → 6 at each of 6 x 6 positions, 216 → 2: 20,490 + 66 + 434
        ("pneumonia-inception-v3", 20_990),
        ("pneumonia-inception-v3-dropout", 20_990),
        ("pneumonia-inception-v3-duplicated", 20_990),
        # 2048 → 8 → 5 at each of 8 x 8 positions, 320 → 2: 16,392 + 45 + 642
        ("pneumonia-resnet50", 17_079),
        # 1024 → 8 → 5 at each of 8 x 8 positions, 320 → 2: 8,200 + 45 + 642; no other widths give this total
        ("pneumonia-densenet121", 8_887),
        # Head 2048 → 10, 360 → 2: 20,490 + 722. Then 18,432 + 64 + 5,120. Keras' batch normalisation has a
        # shift and no scale in this net; PyTorch's scale (64 more) stays as the weights file says.
        ("pneumonia-inception-v3-third-conv", 44_828),
        # The same head, 393,216 of the 2048 → 192 convolution, and 320 shifts.
        ("pneumonia-inception-v3-last-conv", 414_748),
    ],
)
def test_printed_counts_of_trained_parameters(name, trained):
    with torch.device("meta"):
        assert count_parameters(PUBLISHED[name], 2)[1] == trained


def test_densenet_widths_are_the_only_ones_that_fit_the_printed_count():
    fits = [
        (first, second)
        for first in range(1, 40)
        for second in range(1, 40)
        if 1025 * first + (first + 1) * second + (64 * second + 1) * 2 == 8_887
    ]
    assert fits == [(8, 5)]


def test_the_pneumonia_recipe_as_printed():
    recipe = PUBLISHED["pneumonia-efficientnet-b2"]
    head, everything = recipe.phases
    assert (head.optimizer, head.learning_rate, head.epochs) == ("adam", 5e-5, 29)
    assert (everything.optimizer, everything.learning_rate, everything.epochs) == ("adam", 5e-6, 15)
    assert (head.trainable, everything.trainable) == ("head", "all")
    assert head.schedule == "plateau" and head.monitor == "val_accuracy"
    assert everything.schedule == "constant"
    assert recipe.head.hidden == (128, 64) and recipe.head.dropout == (0.3, 0.2)
    assert recipe.head.output == "sigmoid" and recipe.image_size == recipe.batch_size == 128


def test_what_printed_code_does_otherwise_than_a_reader_may_expect_is_kept_or_said():
    for name in ("covid-cnn", "covid-efficientnet-b3"):
        augmentation = PUBLISHED[name].augmentation
        assert augmentation.fill == "black" and augmentation.zoom_each_axis
        assert [phase.trainable for phase in PUBLISHED[name].phases] == ["all"], "nothing is frozen"
    for name in ("duplicated", "augmented", "dropout"):
        assert PUBLISHED[f"pneumonia-inception-v3-{name}"].head.dropout == (0.2,)
    for name, recipe in PUBLISHED.items():
        if name.startswith(("covid-", "pneumonia-")):  # Keras zooms each axis by itself
            assert recipe.augmentation.zoom_each_axis == bool(recipe.augmentation.zoom), name
        if recipe.head.pooling == "per-position":
            assert "pixels from 0 to 1; here they are normalised" in recipe.source
    for name in ("alexnet", "vggnet"):
        assert (
            "convolution, batch normalisation, ReLU, pooling and dropout"
            in PUBLISHED[f"affect-{name}"].source
        )
    assert "TensorFlow pads the far sides alone" in PUBLISHED["affect-mobilenet"].source


def test_every_way_of_balancing_that_duplicates_or_weighs_has_a_published_example():
    used = {recipe.balance.method for recipe in PUBLISHED.values()}
    assert used == set(BALANCERS) - {"weighted-sampling"}


def test_the_ablations_change_one_thing_each():
    base = PUBLISHED["cifar-cnn"]
    for name in ("no-hidden", "two-hidden", "tanh", "sigmoid", "sgd", "one-7x7", "one-3x3", "no-batch-norm"):
        other = PUBLISHED[f"cifar-cnn-{name}"]
        assert (other.backbone, other.head, other.phases) != (base.backbone, base.head, base.phases)
        assert (other.batch_size, other.image_size, other.balance) == (
            base.batch_size,
            base.image_size,
            base.balance,
        )
