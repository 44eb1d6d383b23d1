"""Promises of the ONNX file: it gives what the run gives, for every family of nets, and is not given away otherwise."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from engine.errors import ExportError
from engine.handover import onnx_file
from engine.handover.formats import RunAtHand, write_model
from engine.handover.onnx_file import Whole, _converted, checked_onnx
from engine.images import load_image
from engine.models.classifier import build_classifier
from engine.prediction import predict
from engine.prediction.predictor import predicted_class
from engine.records import Calibration, Head, Run, Split
from engine.runs.folder import split_of
from engine.uncertainty.calibration import calibrated
from engine.workspace import Workspace
from tests.tiny import TINY_RECIPE

# A small one of each family that engine/models builds, and the size that it wants.
FAMILIES = {
    "cifar-cnn": 32,
    "scnnb": 32,
    "covid-cnn": 150,
    "affect-mobilenet": 64,
    "test_efficientnet": 32,
    "test_resnet": 32,
    "mobilenetv3_small_050": 32,
    "test_convnext": 32,
    "test_vit": 160,
    "densenet121": 32,
    "regnety_002": 32,
    "swin_tiny_patch4_window7_224": 224,
}
HEADS = {
    "softmax": Head(),
    "sigmoid": Head(hidden=(8,), batch_norm=True, output="sigmoid"),
    "per-position": Head(pooling="per-position", hidden=(4,)),
    "flatten": Head(pooling="flatten", dropout=(0.2,)),
}


def opened(content: bytes) -> Any:
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


def given(content: bytes, images: Any) -> list[Any]:
    found: list[Any] = opened(content).run(["logits", "probabilities", "predicted"], {"images": images})
    return found


@pytest.mark.parametrize("backbone", FAMILIES)
def test_every_family_of_nets_gives_the_same_in_onnxruntime_whatever_the_batch(
    backbone: str, trained: tuple[Workspace, Run]
) -> None:
    torch.manual_seed(0)
    size = FAMILIES[backbone]
    recipe = replace(TINY_RECIPE, backbone=backbone, image_size=size)
    run = replace(trained[1], recipe=recipe)
    classifier = build_classifier(recipe, 2).eval()
    images = np.random.default_rng(0).integers(0, 256, (3, size, size, 3), dtype=np.uint8)
    content = _converted(Whole(classifier, run), images)
    for batch in (images, images[:1]):
        with torch.no_grad():
            expected = classifier(torch.from_numpy(batch).permute(0, 3, 1, 2).float() / 255).numpy()
        assert np.abs(given(content, batch)[0] - expected).max() <= 1e-4 * max(1, np.abs(expected).max())


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("classes", "point", "threshold"),
    [
        (("normal", "opacity"), "youden", 0.31),
        (("a", "b", "c"), "youden", 0.5),
        (("a", "b", "c"), "half", 0.5),
    ],
)
def test_calibration_with_its_bias_and_the_operating_point_are_in_the_file(
    trained: tuple[Workspace, Run], head: str, channels: Any, classes: Any, point: str, threshold: float
) -> None:
    if head == "sigmoid" and len(classes) != 2:
        return
    torch.manual_seed(1)
    recipe = replace(TINY_RECIPE, head=HEADS[head], channels=channels, operating_point=point)
    bias = (0.7, -0.7) if len(classes) == 2 else (1.5, -1.0, -0.5)
    for positive in classes[:2]:
        run = replace(
            trained[1], recipe=recipe, classes=classes, positive=positive, threshold=threshold,
            calibration=Calibration(temperature=0.2, bias=bias),
        )  # fmt: skip
        classifier = build_classifier(recipe, len(classes)).eval()
        images = np.random.default_rng(2).integers(0, 256, (16, 32, 32, channels), dtype=np.uint8)
        logits, probabilities, predicted = given(_converted(Whole(classifier, run), images), images)
        expected = calibrated(logits, run.calibration)
        np.testing.assert_allclose(probabilities, expected, atol=1e-5)
        assert [classes[number] for number in predicted] == [predicted_class(run, row) for row in expected]
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_a_run_tells_in_its_file_what_another_program_must_know(trained: tuple[Workspace, Run]) -> None:
    run = replace(trained[1], calibration=Calibration(temperature=1.7, bias=(0.2, -0.2)))
    content = checked_onnx(run, split_of(run))
    facts = opened(content).get_modelmeta().custom_metadata_map
    assert json.loads(facts["classes"]) == list(run.classes)
    assert (facts["positive"], float(facts["threshold"])) == (run.positive, run.threshold)
    assert (float(facts["temperature"]), json.loads(facts["bias"])) == (1.7, [0.2, -0.2])
    assert (facts["image_size"], facts["channels"]) == ("32", "3")
    assert "not for diagnosis" in facts["intended_use"]
    told = json.dumps(facts)
    assert not any(
        str(sample.path) in told or str(sample.path.parent) in told for sample in split_of(run).test
    )
    (images,) = onnx.load_model_from_string(content).graph.input
    assert images.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert [d.dim_value or d.dim_param for d in images.type.tensor_type.shape.dim][1:] == [32, 32, 3]


def test_a_run_that_letterboxes_and_looks_at_mirror_images_gives_the_same_in_the_file(
    trained: tuple[Workspace, Run], workspace: Workspace
) -> None:
    run = replace(trained[1], recipe=replace(trained[1].recipe, fit="letterbox", test_time_flip=True))
    test = split_of(run).test[:5]
    content = checked_onnx(run, split_of(run))
    images = np.stack([load_image(sample.path, size=32, fit="letterbox") for sample in test])
    told = [each.probabilities for each in predict(run, test, cache_dir=workspace.cache, device="cpu")]
    np.testing.assert_allclose(given(content, images)[1], told, atol=1e-4)
    facts = opened(content).get_modelmeta().custom_metadata_map
    assert facts["fit"] == "letterbox" and "proportions kept" in facts["input"]
    plain = given(checked_onnx(replace(run, recipe=trained[1].recipe), split_of(run)), images)[1]
    assert np.abs(plain - told).max() > 1e-4


def _as_at_hand(run: Run) -> RunAtHand:
    def report() -> Any:
        raise AssertionError("an ONNX file needs no report")

    return RunAtHand(run=run, split=split_of(run), report=report)


@pytest.mark.parametrize("spoiled", ["weights", "bias", "threshold"])
def test_a_file_that_differs_from_the_run_is_not_written(
    trained: tuple[Workspace, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoiled: str
) -> None:
    run = replace(trained[1], threshold=0.5)

    def other(classifier: Any, run: Run) -> Whole:
        whole = Whole(classifier, run)
        with torch.no_grad():
            if spoiled == "weights":
                real: Callable[..., Any] = classifier.forward
                whole.classifier = _Off(real)  # type: ignore[assignment]
            elif spoiled == "bias":
                whole.bias += torch.tensor([0.01, -0.01])
            else:
                whole.threshold = 1.01
        return whole

    monkeypatch.setattr(onnx_file, "Whole", other)
    monkeypatch.setattr(onnx_file, "load_classifier", _sure(onnx_file.load_classifier, run))
    with pytest.raises(ExportError, match="does not give what run") as caught:
        write_model(_as_at_hand(run), tmp_path / "out", formats=["safetensors", "onnx"])
    assert "safetensors" in caught.value.remedy
    assert not (tmp_path / "out").exists()


class _Off(torch.nn.Module):
    def __init__(self, real: Callable[..., Any]) -> None:
        super().__init__()
        self.real = real

    def forward(self, images: torch.Tensor) -> Any:
        return self.real(images) + torch.tensor([0.0, 2e-3])


def _sure(load: Callable[..., Any], run: Run) -> Callable[..., Any]:
    """Let the net predict the finding everywhere, so that another threshold makes a difference."""

    def sure(run: Run) -> Any:
        classifier = load(run)
        classifier.head.output.bias[run.classes.index(run.positive)] += 1.0
        return classifier

    return sure


@pytest.mark.parametrize("missing", [["onnx"], ["onnxruntime"], ["onnx", "onnxruntime"]])
def test_missing_packages_are_named_with_the_command_that_installs_them(
    trained: tuple[Workspace, Run], monkeypatch: pytest.MonkeyPatch, missing: list[str]
) -> None:
    monkeypatch.setattr(onnx_file, "find_spec", lambda name: None if name in missing else sys)
    with pytest.raises(ExportError, match=" and ".join(missing)) as caught:
        checked_onnx(trained[1], split_of(trained[1]))
    assert "python -m pip install" in caught.value.option


def test_without_an_image_nothing_can_be_checked_and_one_that_is_left_suffices(
    trained: tuple[Workspace, Run],
) -> None:
    run, split = trained[1], split_of(trained[1])
    gone = [replace(sample, path=sample.path.with_name("gone.png")) for sample in split.test]
    lost = Split(train=(), val=(), test=tuple(gone), classes=split.classes, seed=0, method=split.method)
    with pytest.raises(ExportError, match="None of the images"):
        checked_onnx(run, lost)
    assert checked_onnx(run, replace(lost, val=split.val[:1]))
