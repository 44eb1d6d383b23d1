"""A net cut where it is frozen gives what the whole net gives."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from engine.models.classifier import build_classifier
from engine.models.frozen import find_frozen_part
from engine.models.trainable import set_trainable
from tests.tiny import TINY_RECIPE


@pytest.mark.parametrize("backbone", ["test_efficientnet", "resnet18", "scnnb-b", "tf_efficientnet_lite0"])
@pytest.mark.parametrize("trainable", ["head", "last 1", "last 2"])
def test_both_parts_together_give_the_whole_net(backbone: str, trainable: str) -> None:
    torch.manual_seed(0)
    classifier = build_classifier(replace(TINY_RECIPE, backbone=backbone, image_size=32), 3)
    set_trainable(classifier, trainable)
    classifier.train()
    images = torch.rand(4, 3, 32, 32)
    cut = find_frozen_part(classifier)
    if cut is None:  # a net of two blocks whose last two are trained
        assert backbone == "scnnb-b"
        return
    assert not any(parameter.requires_grad for parameter in cut.frozen.parameters())
    trained = {id(p) for p in classifier.parameters() if p.requires_grad}
    assert trained <= {id(p) for p in cut.rest.parameters()}
    statistics = {name: value.clone() for name, value in classifier.state_dict().items()}
    parts = cut.rest(cut.pool(cut.frozen(images)))
    classifier.load_state_dict(statistics)
    assert torch.allclose(parts, classifier(images), atol=1e-5)


def test_a_net_whose_first_layer_is_trained_is_not_cut() -> None:
    classifier = build_classifier(TINY_RECIPE, 2)
    set_trainable(classifier, "all")
    assert find_frozen_part(classifier) is None
    set_trainable(classifier, "conv_stem.*, head.*")
    assert find_frozen_part(classifier) is None


def test_a_net_that_is_no_row_of_blocks_is_cut_behind_the_backbone_or_not_at_all() -> None:
    classifier = build_classifier(replace(TINY_RECIPE, backbone="densenet121", image_size=32), 2)
    set_trainable(classifier, "head")
    cut = find_frozen_part(classifier)
    assert cut is not None
    assert cut.name == "backbone"
    set_trainable(classifier, "last 2")
    assert find_frozen_part(classifier) is None
