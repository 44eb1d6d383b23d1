"""A net's last map is the same by whichever of its converted layers it is made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine.models.classifier import build_classifier
from engine.models.frozen import find_frozen_part
from engine.models.last_map import WORTH_ANOTHER, fast_last_map
from engine.models.openvino import fast_features
from engine.models.trainable import set_trainable
from tests.tiny import TINY_RECIPE


def test_what_was_converted_serves_few_images_and_the_whole_is_converted_for_many(tmp_path: Path) -> None:
    pytest.importorskip("openvino", reason="OpenVINO has no build for this platform")
    torch.manual_seed(0)
    net = build_classifier(replace(TINY_RECIPE, image_size=64), 2)
    set_trainable(net, "last 2")
    cut = find_frozen_part(net.eval())
    assert cut is not None
    fast_features(cut.frozen, device="cpu", images=1000, size=64, cache_dir=tmp_path)
    images = torch.rand(5, 3, 64, 64)
    with torch.no_grad():
        expected = net.features(images)
    for count, converted in ((20, 1), (WORTH_ANOTHER - 1, 1), (WORTH_ANOTHER, 2), (20, 2)):
        made = fast_last_map(net, size=64, images=count, device="cpu", cache_dir=tmp_path)(images)
        assert torch.allclose(made, expected, rtol=0, atol=1e-3 * float(expected.abs().max()))
        assert len(list((tmp_path / "nets").glob("*.xml"))) == converted
