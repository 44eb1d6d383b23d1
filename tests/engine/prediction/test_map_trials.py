"""What is tried on a net is tried on that net: not on layers that were converted before it forgot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from engine.images import open_cache
from engine.models import build_classifier, fast_features, find_frozen_part, set_trainable
from engine.prediction import map_trials
from engine.prediction.looking import Look
from engine.prediction.map_trials import DEPTHS, Trials, _Forgetful
from engine.records import Explanation, Prediction, Run, Sample
from engine.runs.folder import split_of
from engine.saliency import forget, rank_correlations
from engine.workspace import Workspace
from tests.tiny import TINY_RECIPE


@pytest.fixture
def trials(
    trained: tuple[Workspace, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Trials, list[Sample]]:
    """A net of layers in a row, the first of them converted, as training leaves them."""
    pytest.importorskip("openvino", reason="OpenVINO has no build for this platform")
    _, run = trained
    size = 64
    torch.manual_seed(0)
    net = build_classifier(replace(TINY_RECIPE, image_size=size), 2).eval()
    set_trainable(net, "last 2")
    cut = find_frozen_part(net.eval())
    assert cut is not None
    fast_features(cut.frozen, device="cpu", images=1000, size=size, cache_dir=tmp_path)
    assert list((tmp_path / "nets").glob("*.xml"))
    monkeypatch.setattr(map_trials, "load_classifier", lambda run, device: net)
    samples = list(split_of(run).val)
    run = replace(run, folder=tmp_path, recipe=replace(TINY_RECIPE, image_size=size))
    cache = open_cache(tmp_path, samples, size=size, channels=run.recipe.channels, fit=run.recipe.fit)
    return Trials(run, "two-scale-cam", cache, tmp_path, "cpu", 0), samples


def test_at_each_depth_the_net_itself_has_forgotten_all_that_it_should(
    trials: tuple[Trials, list[Sample]],
) -> None:
    tried, samples = trials
    made = _Forgetful(tried)
    pixels = tried.pixels(samples[:3])
    with torch.no_grad():
        for name, seen in made.looks(5, pixels, made.shallow.begin(pixels)):
            expected = build_classifier(tried.run.recipe, 2).eval()
            expected.load_state_dict(tried.classifier.state_dict())
            forget(expected, tried.classifier, depth=DEPTHS[name], seed=5)
            logits = expected(pixels)
            assert torch.allclose(seen.logits, logits, rtol=0, atol=1e-3 * float(logits.abs().max())), name


def test_an_image_is_held_against_its_own_map_though_nets_forget_two_at_a_time(
    trials: tuple[Trials, list[Sample]],
) -> None:
    tried, samples = trials
    target, one_net = tried.run.classes[1], _Forgetful(tried)
    images = [tried.pixels([each]) for each in samples]

    def says(each: Sample) -> Prediction:
        return Prediction(
            image_id=each.image_id,
            path=each.path,
            label=each.label,
            patient_id=each.patient_id,
            part="val",
            probabilities=(0.5, 0.5),
            predicted=target,
            entropy=0.69,
        )

    def maps(look: Look) -> list[NDArray[np.float32]]:
        return [found.heatmap for found in look.maps([1])]

    before = [maps(one_net.deep(image)) for image in images]  # of a net that has forgotten nothing yet
    told = {
        each.image_id: (
            says(each),
            Explanation(image_id=each.image_id, heatmap=made, target=target, method=tried.method),
        )
        for each, (made,) in zip(samples, before, strict=True)
    }
    alike, groups = tried.forgotten(samples, told)
    for at, image in enumerate(images):
        looks = one_net.looks(tried.seed + groups[at], image, one_net.shallow.begin(image))
        for name, seen in looks:
            expected = rank_correlations(before[at], maps(seen))
            assert np.allclose(alike[name][at], expected, atol=0.01), (name, at)
