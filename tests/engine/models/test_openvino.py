"""The compiled backbone gives what PyTorch gives, and steps aside where it would not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
import torch

from engine.models.classifier import Classifier, build_classifier
from engine.models.frozen import cut_behind_backbone
from engine.models.openvino import SHARE, Features, _Compiled, _InShares, engine_name, fast_features
from engine.storage import KEPT_BYTES
from tests.tiny import TINY_RECIPE


def small() -> Classifier:
    """The same small net each time."""
    torch.manual_seed(0)
    return build_classifier(TINY_RECIPE, 2).eval()


@pytest.fixture(scope="module")
def converted_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache in which the small net was converted, which takes seconds. Do not change it: take `converted`."""
    pytest.importorskip("openvino", reason="OpenVINO has no build for this platform")
    cache = tmp_path_factory.mktemp("converted")
    frozen = cut_behind_backbone(small()).frozen
    fast_features(frozen, device="cpu", images=10_000, size=32, cache_dir=cache)
    return cache


@pytest.fixture
def converted(converted_once: Path, tmp_path: Path) -> Path:
    """A copy of that cache."""
    shutil.copytree(converted_once, tmp_path / "cache")
    assert len(list((tmp_path / "cache" / "nets").glob("*.xml"))) == 1
    return tmp_path / "cache"


@pytest.mark.parametrize("backbone", ["test_efficientnet", "test_vit", "densenet121"])
def test_the_compiled_net_gives_what_pytorch_gives(backbone: str, tmp_path: Path) -> None:
    pytest.importorskip("openvino", reason="OpenVINO has no build for this platform")
    torch.manual_seed(0)
    classifier = build_classifier(replace(TINY_RECIPE, backbone=backbone, image_size=64), 2).eval()
    features = fast_features(
        cut_behind_backbone(classifier).frozen, device="cpu", images=10_000, size=64, cache_dir=tmp_path
    )
    assert engine_name(features) == "OpenVINO"
    images = torch.rand(5, 3, 64, 64)
    with torch.no_grad():
        expected = classifier.head(classifier.features(images)).softmax(1)
        found = classifier.head(features(images)).softmax(1)
    assert torch.allclose(found, expected, atol=1e-3)
    again = fast_features(
        cut_behind_backbone(classifier).frozen, device="cpu", images=10_000, size=64, cache_dir=tmp_path
    )
    assert torch.equal(again(images), features(images))
    assert len(list((tmp_path / "nets").glob("*.xml"))) == 1, "the converted net is found again"


def test_an_image_gives_the_same_in_a_batch_of_any_size(converted: Path) -> None:
    frozen = cut_behind_backbone(small()).frozen
    features = fast_features(frozen, device="cpu", images=10_000, size=32, cache_dir=converted)
    assert engine_name(features) == "OpenVINO"
    images = torch.rand(3 * SHARE + 1, 3, 32, 32)
    together = features(images)
    assert len(together) == len(images)
    for count in (1, SHARE - 1, SHARE, SHARE + 1):
        assert torch.equal(features(images[:count]), together[:count])


def test_a_few_images_are_not_worth_converting(tmp_path: Path) -> None:
    classifier = build_classifier(TINY_RECIPE, 2)
    frozen = cut_behind_backbone(classifier).frozen
    assert (
        engine_name(fast_features(frozen, device="cpu", images=3, size=32, cache_dir=tmp_path)) == "PyTorch"
    )


def test_a_net_that_changed_is_converted_anew(converted: Path) -> None:
    classifier = small()
    images = torch.rand(2, 3, 32, 32)
    before = fast_features(
        cut_behind_backbone(classifier).frozen, device="cpu", images=10_000, size=32, cache_dir=converted
    )(images)
    with torch.no_grad():
        classifier.backbone.net.conv_head.weight.mul_(2)
    after = fast_features(
        cut_behind_backbone(classifier).frozen, device="cpu", images=10_000, size=32, cache_dir=converted
    )(images)
    assert not torch.allclose(before, after)
    assert len(list((converted / "nets").glob("*.xml"))) == 2
    with torch.no_grad():
        assert torch.allclose(after, classifier.features(images), rtol=1e-3, atol=1e-4)


def test_converted_nets_do_not_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openvino", reason="OpenVINO has no build for this platform")
    monkeypatch.setitem(KEPT_BYTES, "nets", 600_000)  # one of these nets
    classifier = build_classifier(TINY_RECIPE, 2).eval()
    for size in (32, 48, 64):
        fast_features(
            cut_behind_backbone(classifier).frozen, device="cpu", images=10_000, size=size, cache_dir=tmp_path
        )
    nets = list((tmp_path / "nets").iterdir())
    assert {net.suffix for net in nets} == {".xml", ".bin"} and len(nets) % 2 == 0
    newest = max(nets, key=lambda net: net.stat().st_mtime)
    assert sum(net.stat().st_size for net in nets if net.stem != newest.stem) <= KEPT_BYTES["nets"]
    assert len(nets) < 6


def test_a_damaged_converted_net_is_made_again(converted: Path) -> None:
    classifier = small()
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        expected = classifier.features(images)
    weights = next((converted / "nets").glob("*.bin"))
    whole = weights.stat().st_size
    for damage in (
        lambda path: path.write_bytes(b"cut"),
        lambda path: path.suffix == ".bin" and path.unlink(),
    ):
        for path in list((converted / "nets").iterdir()):
            damage(path)
        features = fast_features(
            cut_behind_backbone(classifier).frozen, device="cpu", images=10_000, size=32, cache_dir=converted
        )
        assert engine_name(features) == "OpenVINO"
        assert torch.allclose(features(images), expected, rtol=1e-3, atol=1e-4)
        assert weights.stat().st_size == whole


def test_converting_tells_nobody(tmp_path: Path) -> None:
    """In a process of its own, with every way out watched."""
    pytest.importorskip("openvino", reason="OpenVINO has no build for this platform")
    program = f"""
import socket, sys
from pathlib import Path
called = []
def refuse(*args, **kwargs):
    called.append(args)
    raise OSError("refused by the test")
socket.getaddrinfo = refuse
socket.socket.connect = refuse
from tests.tiny import TINY_RECIPE
from engine.models import build_classifier
from engine.models import cut_behind_backbone
from engine.models.openvino import engine_name, fast_features
net = build_classifier(TINY_RECIPE, 2).eval()
frozen = cut_behind_backbone(net).frozen
features = fast_features(frozen, device="cpu", images=1000, size=32, cache_dir=Path({str(tmp_path)!r}))
assert engine_name(features) == "OpenVINO"
assert sys.modules["openvino_telemetry"] is None
assert not called, called
"""
    here = Path(__file__).parents[2]
    home = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": str(here.parent)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=home, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "intel").exists(), "its telemetry has left a file"


SIGNALLED = """
import os, signal, sys, torch
from pathlib import Path
from tests.tiny import TINY_RECIPE
from engine.models import build_classifier
from engine.models import cut_behind_backbone
from engine.models.openvino import engine_name, fast_features

def compiled(size):
    net = cut_behind_backbone(build_classifier(TINY_RECIPE, 2).eval()).frozen
    return fast_features(net, device="cpu", images=10_000, size=size, cache_dir=Path(sys.argv[1]))

heard = []
signal.signal(signal.SIGTERM, lambda *_: heard.append("stop"))
first, second = compiled(32), compiled(48)
assert engine_name(first) == engine_name(second) == "OpenVINO"
del first
del second
os.kill(os.getpid(), signal.SIGTERM)
print(*heard)
"""


def test_a_process_that_used_compiled_nets_still_hears_signals(tmp_path: Path) -> None:
    """OpenVINO gives the main thread a stack for signals and takes away the wrong one when it is unloaded."""
    pytest.importorskip("openvino", reason="OpenVINO has no build for this platform")
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", SIGNALLED, str(tmp_path)],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "stop\n"), done.stderr[-2000:]


def test_a_net_is_compiled_once_for_all_steps_of_a_run(converted: Path) -> None:
    pytest.importorskip("openvino", reason="OpenVINO has no build for this platform")
    net = small()
    compiled = [
        fast_features(
            cut_behind_backbone(net).frozen, device="cpu", images=10_000, size=32, cache_dir=converted
        )._compiled  # type: ignore[attr-defined]
        for _ in range(2)
    ]
    assert compiled[0].of_bytes() is not None and compiled[0] is compiled[1]


def _converted(cache: Path) -> Features:
    return fast_features(
        cut_behind_backbone(small()).frozen, device="cpu", images=10_000, size=32, cache_dir=cache
    )


@pytest.mark.parametrize("count", [1, SHARE, 3 * SHARE + 1])
def test_bytes_give_what_their_floats_give(converted: Path, tmp_path: Path, count: int) -> None:
    pictures = torch.randint(0, 256, (count, 32, 32, 3), dtype=torch.uint8).permute(0, 3, 1, 2)
    with torch.no_grad():
        expected = small().features(pictures.float() / 255)
    for features in (
        _converted(converted),
        fast_features(
            cut_behind_backbone(small()).frozen, device="cpu", images=1, size=32, cache_dir=tmp_path
        ),
    ):
        assert torch.allclose(features(pictures), expected, rtol=1e-3, atol=1e-4)
        assert torch.allclose(features(pictures.float() / 255), expected, rtol=1e-3, atol=1e-4)


def test_bytes_are_read_where_the_file_has_gone_meanwhile(converted: Path) -> None:
    features = _converted(converted)
    assert engine_name(features) == "OpenVINO"
    pictures = torch.randint(0, 256, (3, 3, 32, 32), dtype=torch.uint8)
    expected = features(pictures.float() / 255)
    for path in list((converted / "nets").iterdir()):
        path.unlink()
    assert torch.equal(features(pictures), expected)


def test_bytes_become_floats_where_the_form_that_takes_them_says_something_else(
    converted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    features: Any = _converted(converted)
    assert engine_name(features) == "OpenVINO"
    pictures = torch.randint(0, 256, (3, 3, 32, 32), dtype=torch.uint8)
    monkeypatch.setattr("engine.models.openvino.TOLERANCE", -1.0)
    assert torch.equal(features(pictures), features(pictures.float() / 255))
    assert features._compiled.of_bytes() is None


def test_threads_that_ask_at_once_each_get_their_own_maps(converted: Path) -> None:
    features = _converted(converted)
    batches = [torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8) for count in range(1, 60)]
    expected = [features(batch) for batch in batches]
    with ThreadPoolExecutor(4) as threads:
        for found, one in zip(threads.map(features, batches), expected, strict=True):
            assert torch.equal(found, one)


def test_who_lets_go_of_a_net_at_once_leaves_it_for_the_next(converted: Path) -> None:
    pictures = torch.randint(0, 256, (3, 3, 32, 32), dtype=torch.uint8)

    def ask() -> None:
        for _ in range(1000):
            _converted(converted)(pictures)

    asking = Thread(target=ask, daemon=True)
    asking.start()
    asking.join(timeout=600)  # which takes ten seconds on two cores, shared
    assert not asking.is_alive(), "it waits for ever"


def test_a_share_that_fails_is_told_to_its_threads_and_what_follows_is_read(tmp_path: Path) -> None:
    """A net that runs of all images but those with a pixel of 1, as one does of those that memory suffices for."""
    openvino = pytest.importorskip("openvino", reason="OpenVINO has no build for this platform")
    from openvino import opset13 as ops

    images = ops.parameter([SHARE, 3, 32, 32], np.float32)
    full = ops.convert(ops.reduce_max(images, np.arange(4), keep_dims=False), "i64")
    rows = ops.reshape(ops.add(full, np.int64(SHARE)), np.array([1]), False)
    flat = ops.reshape(images, ops.concat([rows, ops.constant(np.array([3 * 32 * 32]))], 0), False)
    net = openvino.Model([ops.result(ops.reshape(flat, np.array([SHARE, 3, 32, 32]), False))], [images])
    openvino.save_model(net, tmp_path / "net.xml", compress_to_fp16=False)
    features = _InShares(_Compiled(tmp_path / "net.xml", torch.get_num_threads()))
    good = torch.randint(0, 255, (8 * SHARE, 3, 32, 32), dtype=torch.uint8)
    bad = good.clone()
    bad[3 * SHARE] = 255
    for one, other in ((good, bad), (good.float() / 255, bad.float() / 255)):
        with ThreadPoolExecutor(2) as threads:
            for told in [threads.submit(features, other) for _ in range(2)]:
                with pytest.raises(RuntimeError, match="reshape"):
                    told.result()
        assert torch.allclose(features(one), good.float() / 255)
