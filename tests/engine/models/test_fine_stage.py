"""Promises of engine.models.fine_stage: the finer map leads to the same last map, with gradients, in every family."""

from __future__ import annotations

import pytest
import torch

from engine.models.classifier import build_classifier
from engine.models.fine_stage import find_fine_stage
from engine.records import Head, Recipe


def net(backbone: str, size: int) -> torch.nn.Module:
    torch.manual_seed(0)
    recipe = Recipe(
        name="x", title="", source="", backbone=backbone, weights="random", image_size=size, head=Head()
    )
    return build_classifier(recipe, 2).eval()


@pytest.mark.parametrize(
    ("backbone", "size", "in_a_row"),
    [
        ("efficientnet-lite0", 64, True),
        ("resnet18", 64, True),
        ("cifar-cnn", 32, True),
        ("mobilenet-v3", 64, False),
        ("regnety_002", 64, False),
        ("convnext_atto", 64, False),  # channels last
    ],
)
def test_the_finer_map_leads_to_the_last_map_with_gradients(backbone: str, size: int, in_a_row: bool) -> None:
    classifier = net(backbone, size)
    images = torch.rand(2, 3, size, size)
    stage = find_fine_stage(classifier, channels=3, size=size)
    assert stage is not None and (stage.front is not None) is in_a_row
    fine, last = stage.maps(images)
    assert tuple(fine.shape[2:]) == stage.extent and fine.shape[2] > last.shape[2]
    with torch.no_grad():
        expected = classifier.features(images)  # batch norms are folded: the same up to rounding
        assert torch.allclose(last.detach(), expected, rtol=0, atol=1e-5 * float(expected.abs().max()))
        if stage.front is not None:
            assert torch.equal(stage.maps(images, stage.front(images))[1].detach(), last.detach())
    (gradient,) = torch.autograd.grad(classifier.head(last)[:, 0].sum(), fine)
    assert gradient.abs().sum() > 0
    assert torch.is_grad_enabled()


def test_a_net_of_one_grid_has_no_finer_map() -> None:
    assert find_fine_stage(net("vit_tiny_patch16_224", 224), channels=3, size=224) is None
