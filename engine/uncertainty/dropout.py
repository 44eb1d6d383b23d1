"""How much a prediction hangs on single units: dropout switched on at test time only (arXiv:2302.02924).

The net was trained with or without dropout, and is not trained again. In each of T passes a random share of
the units that enter the head's layers is switched off; what the T answers differ by is the uncertainty. The
rate is the one whose mean answer has the best likelihood on validation cases, and a scale factor is fitted
there to the squared error.

A pass is one mask for all images, as if T smaller nets read every film: a case's figures do not depend on
the batch it came in, and the part of the net before the first mask runs once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Literal, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.errors import RecipeError
from engine.models import Classifier
from engine.records import PASSES, Calibration, Injection, Uncertainty
from engine.uncertainty.calibration import FEWEST_CASES, calibrated

RATES: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
SMALLEST_PROBABILITY = 1e-12  # stands for 0 under a logarithm
VALUES_AT_ONCE = (
    2**23
)  # of what passes of the head read, or of weights: many small steps cost more than their sums


Side = Literal["input", "output"]
LAYERS = (nn.Linear, nn.Conv2d)


def _head_layers(classifier: Classifier) -> list[tuple[nn.Module, Side]]:
    layers = [module for module in classifier.head.modules() if isinstance(module, LAYERS)]
    return [(layer, "input") for layer in layers]


def _backbone_blocks(classifier: Classifier) -> list[tuple[nn.Module, Side]]:
    net = getattr(classifier.backbone, "net", None)
    if net is None:
        return [(block, "output") for block in classifier.backbone.blocks.children()]  # type: ignore[union-attr]
    # timm's own list of a net's stages; a stage may be named twice where its output is taken twice.
    names = dict.fromkeys(str(stage["module"]) for stage in getattr(net, "feature_info", []))
    blocks: list[tuple[nn.Module, Side]] = [(net.get_submodule(name), "output") for name in names if name]
    return blocks or _head_layers(classifier)


PLACES: Final[dict[str, Callable[[Classifier], list[tuple[nn.Module, Side]]]]] = {
    "head": _head_layers,
    "blocks": _backbone_blocks,
}
"""Where masks stand: "head" (what enters each layer of the head; for a pooled map that is whole channels of
the map; only the head runs again), or "blocks" (what leaves each block of the backbone; all runs T times)."""


@contextmanager
def injected_dropout(
    classifier: Classifier, *, rate: float, number: int, place: str = "head", seed: int = 0
) -> Iterator[None]:
    """Switch off units while the context lasts; nothing of the net is changed after it.

    Args:
        classifier: Trained; put in eval mode where it is not, so that its own dropout and batch statistics keep still.
        rate: Share of units to switch off; the others are multiplied by 1 / (1 - rate).
        number: Which pass: another number, another mask.
        place: A key of `PLACES`.
        seed: Of all masks.

    Raises:
        RecipeError: The place is unknown, or the rate is not in [0, 1).
    """
    injection = Injection(rate=rate, place=place, seed=seed)
    _check(injection)
    with _still(classifier), _injected(classifier, injection, (number,)):
        yield


def _check(injection: Injection) -> None:
    rate, place = injection.rate, injection.place
    if place not in PLACES:
        raise RecipeError(f"Dropout cannot be injected at “{place}”", f"Choose one of: {', '.join(PLACES)}")
    if not 0.0 <= rate < 1.0:
        raise RecipeError(f"A dropout rate of {rate:g} cannot be injected", "Choose one from 0 up to below 1")


@contextmanager
def _still(classifier: Classifier) -> Iterator[None]:
    training = classifier.training
    if training:  # a walk over the whole net, in each of thirty passes
        classifier.eval()
    try:
        yield
    finally:
        if training:
            classifier.train()


@contextmanager
def _injected(classifier: Classifier, injection: Injection, numbers: Sequence[int]) -> Iterator[None]:
    """Hang masks on the net, for several passes as one batch (`_thinned`)."""

    def before(index: int) -> Callable[[nn.Module, tuple[Tensor, ...]], tuple[Tensor, ...]]:
        return lambda module, given: (_thinned(given[0], injection, numbers, index), *given[1:])

    def after(index: int) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor]:
        return lambda module, given, out: _thinned(out, injection, numbers, index)

    handles = [
        module.register_forward_pre_hook(before(index))
        if side == "input"
        else module.register_forward_hook(after(index))
        for index, (module, side) in enumerate(PLACES[injection.place](classifier))
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _thinned(x: Tensor, injection: Injection, numbers: Sequence[int], index: int) -> Tensor:
    """Return units of several passes, (passes * B, ...): what lies one behind the other has one mask a pass."""
    masks = _masks(injection, numbers, index, x)
    return (x.reshape(len(numbers), -1, *x.shape[1:]) * masks[:, None]).reshape(x.shape)


def _masks(injection: Injection, numbers: Sequence[int], index: int, x: Tensor) -> Tensor:
    """Return what the units of x (B, ...) are multiplied by in each pass, (passes, ...)."""
    # By numpy and not on the device: the same masks on every machine.
    draws = np.stack(
        [
            np.random.default_rng([injection.seed % 2**32, number, index]).random(
                x.shape[1:], dtype=np.float32
            )
            for number in numbers
        ]
    )
    kept = (draws >= injection.rate) / np.float32(1.0 - injection.rate)
    return torch.from_numpy(kept).to(x.device, x.dtype)


def pooled_features(classifier: Classifier, images: Tensor) -> Tensor:
    """Return what the head reads of images (B, C, H, W) in [0, 1]: the part that runs once for all passes."""
    with torch.inference_mode():
        pooled: Tensor = classifier.head.pool(classifier.features(images))
    return pooled


def pass_probabilities(
    classifier: Classifier,
    inputs: Tensor,
    calibration: Calibration,
    injection: Injection,
    *,
    each_pass: Callable[[], None] = lambda: None,
) -> NDArray[np.float64]:
    """Return the calibrated probabilities of every pass.

    Args:
        classifier: Trained.
        inputs: (B, ...): of `pooled_features` when the place is "head", images in [0, 1] otherwise.
        calibration: Of the run.
        injection: Rate, passes, place and seed.
        each_pass: Called before each, or before some that are run at once; may raise to end it all.

    Returns:
        (T, B, C).
    """
    _check(injection)
    at_once = 1
    if injection.place == "head":
        at_once = max(1, VALUES_AT_ONCE // max(inputs.numel(), classifier.head.output.weight.numel()))
    answers: list[NDArray[np.float64]] = []
    for first in range(0, injection.passes, at_once):
        numbers = range(first, min(first + at_once, injection.passes))
        each_pass()
        with torch.inference_mode(), _still(classifier):
            logits = _passed(classifier, inputs, injection, numbers)
        probabilities = calibrated(logits.float().cpu().numpy(), calibration)
        answers.append(probabilities.reshape(len(numbers), len(inputs), -1))
    return np.concatenate(answers)


def _passed(classifier: Classifier, inputs: Tensor, injection: Injection, numbers: Sequence[int]) -> Tensor:
    """Return logits (passes * B, classes)."""
    head = classifier.head
    if injection.place != "head":
        with _injected(classifier, injection, numbers):
            return cast("Tensor", classifier(inputs.repeat(len(numbers), 1, 1, 1)))
    # Nothing is hung on a head: other threads may read of it meanwhile.
    if len(_head_layers(classifier)) == 1:  # its few weights are thinned, in place of all that it reads
        read, layer = head.layers(inputs), head.output
        weights = layer.weight * _masks(injection, numbers, 0, read)[:, None]  # (passes, outputs, c)
        out = (read @ weights.flatten(0, 1).T).reshape(len(read), *weights.shape[:2]) + layer.bias
        return head.of_output(out).transpose(0, 1).flatten(0, 1)
    x, index = inputs.repeat(len(numbers), *[1] * (inputs.ndim - 1)), 0
    for module in (*head.layers, head.output):
        if isinstance(module, LAYERS):
            x, index = _thinned(x, injection, numbers, index), index + 1
        x = module(x)
    return head.of_output(x)


def mutual_information(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (B,) how much the answer tells of the mask, in nats: the mean's entropy less the mean entropy.

    Args:
        probabilities: (T, B, C).
    """
    gap = _entropy(probabilities.mean(axis=0)) - _entropy(probabilities).mean(axis=0)
    return np.asarray(np.maximum(gap, 0.0))


def _entropy(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    kept = np.maximum(probabilities, SMALLEST_PROBABILITY)
    return np.asarray(-(kept * np.log(kept)).sum(axis=-1))


def uncertainties(
    classifier: Classifier,
    inputs: Tensor,
    predicted: NDArray[np.integer],
    calibration: Calibration,
    injection: Injection,
) -> list[Uncertainty]:
    """Say how sure the net is of each prediction.

    Args:
        classifier: Trained.
        inputs: See `pass_probabilities`.
        predicted: (B,) class numbers of the predictions that are on the screen.
        calibration: Of the run.
        injection: From `fit_injection`.

    Returns:
        One record an image.
    """
    answers = pass_probabilities(classifier, inputs, calibration, injection)
    of_predicted = answers[:, np.arange(len(predicted)), predicted]
    variance, mean = of_predicted.var(axis=0), of_predicted.mean(axis=0)
    information = mutual_information(answers)
    return [
        Uncertainty(
            variance=float(variance[row]),
            mean=float(mean[row]),
            mutual_information=float(information[row]),
            passes=injection.passes,
            rate=injection.rate,
            scale=injection.scale,
        )
        for row in range(len(predicted))
    ]


def fit_injection(
    classifier: Classifier,
    batches: Sequence[Tensor],
    labels: NDArray[np.integer],
    calibration: Calibration,
    *,
    rates: Sequence[float] = RATES,
    passes: int = PASSES,
    place: str = "head",
    seed: int = 0,
    each_pass: Callable[[], None] = lambda: None,
) -> Injection:
    """Choose the rate and the scale factor on validation cases.

    Args:
        classifier: Trained.
        batches: Of the validation cases to fit on; see `pass_probabilities`.
        labels: (N,) class numbers, over all batches.
        calibration: Of the run.
        rates: To choose from.
        passes: T.
        place: A key of `PLACES`.
        seed: Of the masks.
        each_pass: Called before each; may raise to end it all.

    Returns:
        The fitted injection. With too few cases to choose by, a rate of .1 and a scale of 1, and no
        likelihoods.
    """
    labels = np.asarray(labels)
    if len(labels) < FEWEST_CASES:
        return Injection(rate=0.1, passes=passes, place=place, seed=seed)
    fitted: list[tuple[float, Injection]] = []
    rows = np.arange(len(labels))
    for rate in rates:
        injection = Injection(rate=rate, passes=passes, place=place, seed=seed)
        parts = [
            pass_probabilities(classifier, batch, calibration, injection, each_pass=each_pass)
            for batch in batches
        ]
        answers = np.concatenate(parts, axis=1)
        mean = answers.mean(axis=0)
        likelihood = float(-np.log(np.maximum(mean[rows, labels], SMALLEST_PROBABILITY)).mean())
        predicted = mean.argmax(axis=1)
        error = (predicted == labels) - mean[rows, predicted]
        variance = answers.var(axis=0)[rows, predicted].sum()
        # The ratio of sums, not the mean of ratios: one wrong case without variance would decide that alone.
        scale = float((error**2).sum() / variance) if variance > 0 else 1.0
        fitted.append((likelihood, Injection(rate=rate, passes=passes, scale=scale, place=place, seed=seed)))
    _, best = min(fitted, key=lambda pair: pair[0])
    return Injection(
        rate=best.rate,
        passes=passes,
        scale=best.scale,
        place=place,
        seed=seed,
        likelihoods=tuple((injection.rate, likelihood) for likelihood, injection in fitted),
    )
