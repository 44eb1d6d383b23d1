"""Promises of engine.saliency.evidence: map and rest are the log-odds, and the evidence lies where it is."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from scipy.special import logsumexp

from engine.models import Classifier, build_classifier
from engine.records import Calibration, Head, Recipe
from engine.saliency.evidence import EvidenceMaps
from engine.uncertainty import calibrated

HEADS = [
    Head(),
    Head(hidden=(9,), dropout=(0.3,)),
    Head(pooling="flatten", hidden=(9, 4), activation="tanh"),
    Head(pooling="per-position", hidden=(5,)),
    Head(output="sigmoid", hidden=(7,)),
]


def net(head: Head, classes: int = 2) -> Classifier:
    torch.manual_seed(3)
    recipe = Recipe(
        name="x", title="", source="", backbone="cifar-cnn", weights="random", image_size=32, head=head
    )
    made = build_classifier(recipe, classes).eval()
    with torch.no_grad():
        made.head.output.bias.normal_()
    return made


IMAGES = torch.rand(5, 3, 32, 32, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("fine", [True, False], ids=["two scales", "one"])
@pytest.mark.parametrize("head", HEADS, ids=lambda head: f"{head.pooling}-{head.hidden}-{head.output}")
@settings(deadline=None, max_examples=6)
@given(
    temperature=st.floats(0.3, 4), bias=st.floats(-3, 3), wanted=st.integers(0, 2), classes=st.integers(2, 3)
)
def test_the_mean_of_a_map_and_its_rest_are_the_calibrated_log_odds(
    head: Head, fine: bool, temperature: float, bias: float, wanted: int, classes: int
) -> None:
    classes = 2 if head.output == "sigmoid" else classes
    classifier, target = net(head, classes), wanted % classes
    calibration = Calibration(temperature=temperature, bias=(bias, -bias, 0.5)[:classes])
    maker = EvidenceMaps(classifier, channels=3, size=32, calibration=calibration, fine=fine)
    found = maker.explain(maker.look(IMAGES), torch.full((5,), target))
    with torch.no_grad():
        logits = classifier(IMAGES).double().numpy()
    probabilities = calibrated(logits, calibration)
    others = np.delete(np.log(probabilities), target, axis=1)
    true = np.log(probabilities[:, target]) - logsumexp(others, axis=1)
    np.testing.assert_allclose(found.maps.double().mean(dim=(1, 2)) + found.rest, true, atol=1e-5)
    np.testing.assert_allclose(found.log_odds, true, atol=1e-5)


@pytest.mark.parametrize("fine", [True, False], ids=["two scales", "one"])
def test_under_an_average_and_a_linear_head_the_rest_is_one_constant(fine: bool) -> None:
    maker = EvidenceMaps(net(Head()), channels=3, size=32, fine=fine)
    rest = maker.explain(maker.look(IMAGES), torch.ones(5, dtype=torch.int64)).rest
    assert float(rest.max() - rest.min()) < 1e-5


def test_evidence_for_one_of_two_classes_is_evidence_against_the_other() -> None:
    maker = EvidenceMaps(net(Head()), channels=3, size=32)
    for_one, for_other = (
        maker.explain(maker.look(IMAGES), torch.full((5,), target)).maps for target in (0, 1)
    )
    assert for_one.abs().max() > 0
    assert torch.allclose(for_one, -for_other, atol=1e-4)


def test_what_is_known_of_a_batch_is_not_computed_again() -> None:
    maker = EvidenceMaps(net(Head()), channels=3, size=32)
    assert maker.front is not None
    with torch.inference_mode():
        known = maker.front(IMAGES)
        again = maker.look(IMAGES, known)
        told = maker.explain(again, torch.ones(5, dtype=torch.int64))
    fresh = maker.explain(maker.look(IMAGES), torch.ones(5, dtype=torch.int64))
    assert torch.allclose(told.maps, fresh.maps, atol=1e-5)
