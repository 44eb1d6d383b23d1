"""A run as one ONNX file that needs nothing of ours: pixels in, probabilities and the predicted class out.

Before it is given away it reads images of the run in onnxruntime, and must give what the run gives.
"""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.errors import WHERE_NOW, ExportError, ImageError
from engine.handover.facts import header
from engine.images import load_image
from engine.prediction import predicted_class
from engine.records import Run, Sample, Split, recipe_of
from engine.report import NOT_FOR_DIAGNOSIS
from engine.runs import load_classifier, models_of
from engine.uncertainty import calibrated, mean_log_odds

if TYPE_CHECKING:
    from engine.models import Classifier

TOLERANCE = 1e-4  # of probabilities, and of logits relative to the largest of them where that is above 1
CHECKED = 32  # images
OPSET = 17  # of the exporter that follows the net as it runs; the newer one takes 30 times as long for the same file
OUTPUTS = ("logits", "probabilities", "predicted")


class Speaking(nn.Module):
    """What comes after the logits of a run: (N, H, W, C) uint8 to logits, probabilities, class number."""

    temperature: Tensor
    bias: Tensor

    def __init__(self, run: Run) -> None:
        super().__init__()
        calibration = run.calibration
        self.register_buffer("temperature", torch.tensor(calibration.temperature))
        self.register_buffer("bias", torch.tensor(calibration.bias or (0.0,) * len(run.classes)))
        self.positive = run.classes.index(run.positive)
        self.threshold = run.threshold if len(run.classes) == 2 else None
        self.as_trained = recipe_of(run).operating_point != "half"

    def logits_of(self, images: Tensor) -> Tensor:
        """Return logits (N, classes)."""
        raise NotImplementedError

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits (N, classes), calibrated probabilities (N, classes) and the predicted class's number (N,)."""
        logits = self.logits_of(images)
        scaled = logits / self.temperature
        probabilities = torch.softmax(scaled + self.bias, dim=1)
        if self.threshold is not None:
            found = (probabilities[:, self.positive] >= self.threshold).long()
            return logits, probabilities, found if self.positive else 1 - found
        return logits, probabilities, (scaled if self.as_trained else probabilities).argmax(dim=1)


class Whole(Speaking):
    """A run's net with what comes before and after it."""

    def __init__(self, classifier: Classifier, run: Run) -> None:
        super().__init__(run)
        self.classifier = classifier
        self.both_ways = recipe_of(run).test_time_flip

    def logits_of(self, images: Tensor) -> Tensor:
        """Return what the net gives, the mean of both ways where it looks at mirror images too."""
        pixels = images.permute(0, 3, 1, 2).float() / 255
        logits: Tensor = self.classifier(pixels)
        return (logits + self.classifier(pixels.flip(3))) / 2 if self.both_ways else logits


class Together(Speaking):
    """The models of a cross-validation as they speak of new images: by the mean of their calibrated log-odds."""

    def __init__(self, models: Sequence[Whole], run: Run) -> None:
        super().__init__(run)  # whose bias is the mean of theirs, and its temperature 1
        self.models = nn.ModuleList(models)

    def logits_of(self, images: Tensor) -> Tensor:
        """Return the mean of each model's logits over its own temperature."""
        each: list[Any] = list(self.models)
        return torch.stack([model.logits_of(images) / model.temperature for model in each]).mean(dim=0)


def checked_onnx(run: Run, split: Split) -> bytes:
    """Return a run as ONNX that gives what the run gives on images of its own.

    Of a cross-validation the file holds all models and gives what they give together of new images.

    Raises:
        ExportError: A package is not installed, no image of the run can be read, or what the file gives differs.
        RunError: The run's checkpoint cannot be read.
    """
    missing = [name for name in ("onnx", "onnxruntime") if find_spec(name) is None]
    if missing:
        raise ExportError(
            f"An ONNX file is made and checked by {' and '.join(missing)}, which "
            f"{'are' if len(missing) > 1 else 'is'} not installed",
            "Have what is missing installed, or choose another format",
            option="python -m pip install onnx onnxruntime",
        )
    images = _images(run, split)
    models = models_of(run)
    nets = [load_classifier(model) for model in models]
    wholes = [Whole(net, model) for net, model in zip(nets, models, strict=True)]
    content = _with_header(_converted(Together(wholes, run) if run.folds else wholes[0], images), run)
    _compare(content, run, list(zip(models, nets, strict=True)), images)
    return content


def _images(run: Run, split: Split) -> NDArray[np.uint8]:
    """Return up to `CHECKED` images of the run that can be read, (N, H, W, C): of test first, spread over each part."""
    found: list[NDArray[np.uint8]] = []
    for sample in chain(*(_spread(split.part(part)) for part in ("test", "val", "train"))):
        if len(found) == CHECKED:
            break
        try:
            recipe = recipe_of(run)
            found.append(
                load_image(sample.path, size=recipe.image_size, channels=recipe.channels, fit=recipe.fit)
            )
        except ImageError:
            continue  # another one serves as well
    if not found:
        raise ExportError(
            f"None of the images of run {run.run_id} can be read, so the ONNX file cannot be checked",
            "Choose another format, or say where the images are now",
            option="overread relocate",
            fields=WHERE_NOW,
        )
    return np.stack(found)


def _spread(samples: Sequence[Sample]) -> list[Sample]:
    """Return samples in such an order that the first `CHECKED` of them lie from one end to the other."""
    step = max(1, len(samples) // CHECKED)
    return [samples[at] for at in sorted(range(len(samples)), key=lambda at: (at % step, at))]


def _converted(net: Speaking, images: NDArray[np.uint8]) -> bytes:
    stream: Any = io.BytesIO()  # the exporter that is used takes it, though its type does not say so
    # Two images, so that nothing takes the number of one for a constant; `_compare` tries another number.
    example = torch.from_numpy(np.concatenate([images, images])[:2])
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of tracing, and that a newer exporter would take longer
            torch.onnx.export(
                net.eval(),
                (example,),
                stream,
                input_names=["images"],
                output_names=list(OUTPUTS),
                dynamic_axes={name: {0: "images_in_batch"} for name in ("images", *OUTPUTS)},
                opset_version=OPSET,
                dynamo=False,
            )
    except (torch.onnx.errors.OnnxExporterError, RuntimeError) as error:
        raise ExportError(
            f"This network cannot be written as ONNX ({str(error).splitlines()[0]})",
            "Take the run as safetensors instead, or train with another backbone",
        ) from error
    finally:
        logger.setLevel(level)
    return bytes(stream.getvalue())


def _with_header(content: bytes, run: Run) -> bytes:
    import onnx

    model = onnx.load_model_from_string(content)
    onnx.helper.set_model_props(model, header(run))
    model.producer_name, model.doc_string = "overread", NOT_FOR_DIAGNOSIS
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _compare(
    content: bytes, run: Run, models: Sequence[tuple[Run, Classifier]], images: NDArray[np.uint8]
) -> None:
    """Refuse a file that gives anything else than the run; one batch of three images, then the rest."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session: Any = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    for batch in (images[:3], images[3:]):
        if not len(batch):
            continue
        logits, probabilities, predicted = session.run(list(OUTPUTS), {"images": batch})
        each = [(model.calibration, _logits(net, model, batch)) for model, net in models]
        expected = mean_log_odds([calibrated(said, calibration) for calibration, said in each])
        own = each[0][1]
        if run.folds:
            own = np.mean([said / calibration.temperature for calibration, said in each], axis=0)
        scale = max(1.0, float(np.abs(own).max()))
        difference = max(
            float(np.abs(logits - own).max()) / scale, float(np.abs(probabilities - expected).max())
        )
        # On the very edge of the operating point either class is right.
        edge = np.abs(expected[:, run.classes.index(run.positive)] - run.threshold) <= TOLERANCE
        classes = [run.classes[number] for number in predicted]
        differing = sum(
            name != predicted_class(run, row) and not (on_edge and len(run.classes) == 2)
            for name, row, on_edge in zip(classes, expected, edge, strict=True)
        )
        if not difference <= TOLERANCE or differing:
            raise ExportError(
                f"The ONNX file does not give what run {run.run_id} gives on its own images (largest difference "
                f"{difference:.1g}, {differing} of {len(batch)} predicted classes "
                f"{'differs' if differing == 1 else 'differ'}), so it was not written",
                "Take the run as safetensors instead, and report this network to the makers of Overread",
            )


def _logits(net: Classifier, run: Run, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return what one net gives (N, classes), as prediction asks it."""
    ways = [batch, np.ascontiguousarray(batch[:, :, ::-1])] if recipe_of(run).test_time_flip else [batch]
    with torch.no_grad():
        seen = [net(torch.from_numpy(way).permute(0, 3, 1, 2).float() / 255) for way in ways]
        found: NDArray[np.float32] = torch.stack(seen).mean(dim=0).numpy()
    return found
