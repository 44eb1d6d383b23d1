"""Labels that are shares: blended with the image they are blended with, smoothed by as much as was asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from engine.recipes.class_balance import focal_loss
from engine.recipes.label_mixing import label_mixer, mixes_images
from engine.records import Phase

PHASE = Phase(name="all", epochs=2, trainable="all")
LABELS = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])


def of_their_class(side: int = 16) -> torch.Tensor:
    """(8, 1, side, side): every pixel says the class."""
    return LABELS[:, None, None, None].float().expand(-1, 1, side, side).clone()


def test_a_phase_that_asks_for_nothing_leaves_labels_alone() -> None:
    assert label_mixer(PHASE, 3) is None
    assert not mixes_images(replace(PHASE, label_smoothing=0.2))


def test_smoothing_is_torchs_own() -> None:
    mixer = label_mixer(replace(PHASE, label_smoothing=0.2), 3)
    assert mixer is not None
    images, shares = mixer(of_their_class(), LABELS)
    logits = torch.randn(8, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(images, of_their_class())
    torch.testing.assert_close(
        focal_loss(logits, shares, 0.0), functional.cross_entropy(logits, LABELS, label_smoothing=0.2)
    )


@pytest.mark.parametrize("given", [{"mixup": 1.0}, {"cutmix": 1.0}, {"mixup": 0.4, "cutmix": 2.0}])
def test_an_images_label_says_how_much_of_each_class_its_pixels_show(given: dict[str, float]) -> None:
    mixer = label_mixer(replace(PHASE, **given), 3)
    assert mixer is not None
    torch.manual_seed(3)
    changed = False
    for _ in range(20):
        images, shares = mixer(of_their_class(), LABELS)
        torch.testing.assert_close(shares.sum(1), torch.ones(8))
        # A pixel of class k is worth k: the mean pixel is the mean of the classes by their shares.
        torch.testing.assert_close(images.mean((1, 2, 3)), shares @ torch.arange(3.0), atol=1e-5, rtol=0)
        changed |= not torch.equal(images, of_their_class())
    assert changed


def test_with_both_some_batches_are_blended_and_some_cut() -> None:
    mixer = label_mixer(replace(PHASE, mixup=1.0, cutmix=1.0), 3)
    assert mixer is not None
    torch.manual_seed(1)
    # Cut, a pixel is of one of the two; blended, all pixels of an image are alike.
    alike = [bool((mixer(of_their_class(), LABELS)[0].std((1, 2, 3)) < 1e-6).all()) for _ in range(30)]
    assert 5 < sum(alike) < 25


@pytest.mark.parametrize("gamma", [0.0, 2.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_of_a_whole_label_is_that_of_its_class(gamma: float, weighted: bool) -> None:
    logits = torch.randn(8, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    weights = torch.tensor([0.5, 1.0, 3.0], dtype=torch.float64) if weighted else None
    whole = functional.one_hot(LABELS, 3).double()
    torch.testing.assert_close(
        focal_loss(logits, whole, gamma, weights), focal_loss(logits, LABELS, gamma, weights)
    )
