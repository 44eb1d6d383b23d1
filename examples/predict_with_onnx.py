"""Predict images with a run that was taken away as ONNX: onnxruntime and NumPy alone, nothing of Overread.

overread export latest --format onnx --out model
python examples/predict_with_onnx.py model/model.onnx IMAGE.npy [IMAGE.npy …]

An image is an array of 8 bits, (height, width) or (height, width, 3), black at 0. Any image that Pillow opens becomes
one by numpy.save("IMAGE.npy", numpy.asarray(PIL.Image.open("IMAGE.png").convert("RGB"))).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime


def squeezed(pixels: Any, size: int, channels: int) -> Any:
    """Squeeze an image to (size, size, channels), antialiased bilinear, as the model was trained."""
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[:, :, None], channels, axis=2)
    if channels == 1 and pixels.shape[2] == 3:  # luminance after ITU-R 601
        pixels = np.rint(pixels @ np.array([0.299, 0.587, 0.114]))[:, :, None]
    for axis in (1, 0):  # first across, then down
        old = pixels.shape[axis]
        scale = old / size
        centres = (np.arange(size) + 0.5) * scale
        distance = np.abs(np.arange(old) + 0.5 - centres[:, None]) / max(scale, 1.0)
        weights = np.maximum(0, 1 - distance)
        weights /= weights.sum(axis=1, keepdims=True)
        pixels = np.rint(np.moveaxis(np.tensordot(weights, pixels, axes=(1, axis)), 0, axis))
    return pixels.astype(np.uint8)


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("model", type=Path)
parser.add_argument("images", type=Path, nargs="+")
asked = parser.parse_args()

session = onnxruntime.InferenceSession(asked.model, providers=["CPUExecutionProvider"])
facts = session.get_modelmeta().custom_metadata_map
classes = json.loads(facts["classes"])
size, channels = int(facts["image_size"]), int(facts["channels"])

batch = np.stack([squeezed(np.load(path), size, channels) for path in asked.images])  # (N, H, W, C) uint8
probabilities, predicted = session.run(["probabilities", "predicted"], {"images": batch})
for path, row, number in zip(asked.images, probabilities, predicted, strict=True):
    print(
        f"{path.name}: {classes[number]} ({', '.join(f'{c} {p:.4f}' for c, p in zip(classes, row, strict=True))})"
    )
print(facts["intended_use"])
