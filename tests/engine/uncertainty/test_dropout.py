"""Dropout injected at test time: finds uncertainty, depends on its seed alone, and leaves the net as it was."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from torch import nn

from engine.errors import RecipeError
from engine.models.classifier import Classifier, build_classifier
from engine.records import Calibration, Head, Phase, Recipe
from engine.uncertainty import dropout
from engine.uncertainty.calibration import calibrated
from engine.uncertainty.dropout import (
    PLACES,
    Injection,
    fit_injection,
    injected_dropout,
    mutual_information,
    pass_probabilities,
    pooled_features,
    uncertainties,
)

RECIPE = Recipe(
    name="tiny",
    title="",
    source="tests",
    backbone="scnnb-b",
    weights="random",
    image_size=16,
    channels=1,
    head=Head(hidden=(64,), dropout=(0.3,)),
    phases=(Phase(name="all", epochs=1, trainable="all"),),
)
NONE = Calibration()


def cases(count: int, seed: int) -> tuple[torch.Tensor, np.ndarray]:
    """Images that are bright above or below; some hardly so."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 2, count)
    images = generator.random((count, 1, 16, 16)) * 0.5
    contrast = generator.uniform(0.0, 0.12, count)
    for image, label, more in zip(images, labels, contrast, strict=True):
        image[0, 8 * label : 8 * label + 8] += more
    return torch.from_numpy(images).float(), labels


@pytest.fixture(scope="module")
def trained_net() -> Classifier:
    torch.manual_seed(0)
    classifier = build_classifier(replace(RECIPE, head=Head(pooling="flatten", hidden=(64,))), 2)
    images, labels = cases(200, 0)
    optimizer = torch.optim.Adam(classifier.parameters(), lr=3e-3)
    for _ in range(25):
        optimizer.zero_grad()
        nn.functional.cross_entropy(classifier(images), torch.from_numpy(labels)).backward()
        optimizer.step()
    return classifier.eval()


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("backbone", ["scnnb", "test_efficientnet", "test_vit"])
def test_a_rate_of_zero_changes_nothing_and_a_rate_above_does(place, backbone):
    torch.manual_seed(0)
    recipe = replace(RECIPE, backbone=backbone, channels=3, image_size=32 if backbone == "scnnb" else 160)
    classifier = build_classifier(recipe, 3).eval()
    images = torch.rand(2, 3, recipe.image_size, recipe.image_size)
    with torch.no_grad():
        plain = classifier(images)
        with injected_dropout(classifier, rate=0.0, number=0, place=place):
            torch.testing.assert_close(classifier(images), plain)
        with injected_dropout(classifier, rate=0.5, number=0, place=place):
            first = classifier(images)
        with injected_dropout(classifier, rate=0.5, number=1, place=place):
            second = classifier(images)
        assert not torch.allclose(first, plain) and not torch.allclose(first, second)
        assert torch.equal(classifier(images), plain)


def test_an_error_on_the_way_leaves_the_net_as_it_was(trained_net):
    images, _ = cases(4, 5)
    before = trained_net(images)
    trained_net.train()
    with pytest.raises(ZeroDivisionError), injected_dropout(trained_net, rate=0.5, number=0):
        assert not trained_net.training
        raise ZeroDivisionError
    assert trained_net.training
    trained_net.eval()
    assert torch.equal(trained_net(images), before)


def test_dropout_keeps_the_mean_of_what_enters_a_layer():
    torch.manual_seed(0)
    classifier = build_classifier(replace(RECIPE, head=Head()), 2).eval()
    pooled = torch.rand(1, 64)
    logits = []
    for number in range(2000):
        with torch.no_grad(), injected_dropout(classifier, rate=0.3, number=number):
            logits.append(classifier.head.from_pooled(pooled))
    mean = torch.stack(logits).mean(dim=0)
    torch.testing.assert_close(mean, classifier.head.from_pooled(pooled).detach(), atol=0.02, rtol=0)


HEADS = {
    "hidden layers": Head(pooling="flatten", hidden=(64,)),
    "one layer": Head(dropout=(0.3,)),
    "one output": Head(pooling="flatten", output="sigmoid"),
    "a layer at each position": Head(pooling="per-position"),
}


@pytest.mark.parametrize("at_once", [1, 3, 100])
@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_passes_that_run_together_say_what_they_say_alone(monkeypatch, head, at_once):
    torch.manual_seed(0)
    net = build_classifier(replace(RECIPE, head=head), 2).eval()
    images, _ = cases(4, 3)
    pooled = pooled_features(net, images)
    monkeypatch.setattr(
        dropout, "VALUES_AT_ONCE", at_once * max(pooled.numel(), net.head.output.weight.numel())
    )
    together = pass_probabilities(net, pooled, NONE, Injection(rate=0.2, passes=5))
    assert len(np.unique(together[:, 0, 0])) == 5, "each pass has a mask of its own"
    for number, found in enumerate(together):
        with torch.no_grad(), injected_dropout(net, rate=0.2, number=number):
            alone = net.head.from_pooled(pooled).softmax(1)
        np.testing.assert_allclose(found, alone.numpy(), atol=1e-6)


def test_passes_over_a_net_in_eval_mode_walk_over_none_of_it(trained_net, monkeypatch):
    images, _ = cases(4, 3)
    pooled = pooled_features(trained_net, images)
    monkeypatch.setattr(type(trained_net), "train", lambda *given: pytest.fail("a walk over the whole net"))
    pass_probabilities(trained_net, pooled, NONE, Injection(rate=0.2, passes=2))


def test_a_case_gets_the_same_figures_in_any_batch(trained_net):
    images, _ = cases(10, 3)
    injection = Injection(rate=0.2, passes=5)
    pooled = pooled_features(trained_net, images)
    together = pass_probabilities(trained_net, pooled, NONE, injection)
    alone = pass_probabilities(trained_net, pooled[7:8], NONE, injection)
    assert together.shape == (5, 10, 2)
    np.testing.assert_allclose(together[:, 7:8], alone, atol=1e-6)
    other = pass_probabilities(trained_net, pooled, NONE, replace(injection, seed=1))
    assert not np.allclose(together, other)
    whole = pass_probabilities(trained_net, pooled, replace(NONE, temperature=2.0), injection)
    assert np.all(whole.max(axis=2) <= together.max(axis=2) + 1e-9)


def test_rate_and_scale_are_fitted_on_validation(trained_net):
    images, labels = cases(120, 1)
    batches = [pooled_features(trained_net, part) for part in images.split(50)]
    injection = fit_injection(trained_net, batches, labels, NONE, rates=(0.02, 0.2, 0.95), passes=10)
    tried = dict(injection.likelihoods)
    assert set(tried) == {0.02, 0.2, 0.95}
    assert injection.rate == min(tried, key=lambda rate: tried[rate])
    assert injection.rate != 0.95
    answers = pass_probabilities(trained_net, torch.cat(batches), NONE, injection)
    rows, mean = np.arange(120), answers.mean(axis=0)
    predicted = mean.argmax(axis=1)
    error = (predicted == labels) - mean[rows, predicted]
    # After scaling, the variance is as large as the squared error on average: that is what it is for.
    assert (injection.scale * answers.var(axis=0)[rows, predicted]).mean() == pytest.approx((error**2).mean())
    assert Injection(**json.loads(json.dumps(asdict(injection)))).rate == injection.rate


def test_doubt_is_larger_where_the_net_is_wrong(trained_net):
    images, labels = cases(300, 2)
    pooled = pooled_features(trained_net, images)
    with torch.no_grad():
        predicted = calibrated(trained_net(images).numpy(), NONE).argmax(axis=1)
    found = uncertainties(trained_net, pooled, predicted, NONE, Injection(rate=0.2, passes=20, scale=3.0))
    wrong = predicted != labels
    assert 10 < wrong.sum() < 150
    for name in ("variance", "mutual_information"):
        values = np.array([getattr(item, name) for item in found])
        assert np.all(values >= 0)
        assert values[wrong].mean() > 1.3 * values[~wrong].mean()
    assert {(item.passes, item.rate, item.scale) for item in found} == {(20, 0.2, 3.0)}


def test_too_few_validation_cases_fit_nothing(trained_net):
    images, labels = cases(8, 4)
    injection = fit_injection(trained_net, [pooled_features(trained_net, images)], labels, NONE)
    assert injection.likelihoods == () and injection.scale == 1.0 and injection.rate == 0.1


def test_mutual_information_by_hand():
    certain = np.array([[[1.0, 0.0]], [[0.0, 1.0]]])  # each pass sure, of different classes
    assert mutual_information(certain) == pytest.approx([np.log(2)])
    agreed = np.array([[[0.5, 0.5]], [[0.5, 0.5]]])  # each pass unsure, all alike
    assert mutual_information(agreed) == pytest.approx([0.0])


def test_mistakes_are_named():
    classifier = build_classifier(RECIPE, 2)
    with (
        pytest.raises(RecipeError, match="head"),
        injected_dropout(classifier, rate=0.1, number=0, place="x"),
    ):
        pass
    with pytest.raises(RecipeError, match="rate"), injected_dropout(classifier, rate=1.0, number=0):
        pass
