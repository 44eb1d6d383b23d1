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


def squared(pixels: Any, size: int, channels: int, fit: str) -> Any:
    """Bring an image to (size, size, channels), antialiased bilinear, as the model was trained."""
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[:, :, None], channels, axis=2)
    if channels == 1 and pixels.shape[2] == 3:  # luminance after ITU-R 601
        pixels = np.rint(pixels @ np.array([0.299, 0.587, 0.114]))[:, :, None]
    longest = max(pixels.shape[:2])
    for axis in (1, 0):  # first across, then down
        old = pixels.shape[axis]
        new = max(1, round(old * size / longest)) if fit == "letterbox" else size
        scale = old / new
        centres = (np.arange(new) + 0.5) * scale
        distance = np.abs(np.arange(old) + 0.5 - centres[:, None]) / max(scale, 1.0)
        weights = np.maximum(0, 1 - distance)
        weights /= weights.sum(axis=1, keepdims=True)
        pixels = np.rint(np.moveaxis(np.tensordot(weights, pixels, axes=(1, axis)), 0, axis))
    square = np.zeros(
        (size, size, channels), dtype=np.uint8
    )  # a letterboxed image lies in the middle of black
    top, left = ((size - length) // 2 for length in pixels.shape[:2])
    square[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    return square


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("model", type=Path)
parser.add_argument("images", type=Path, nargs="+")
asked = parser.parse_args()

session = onnxruntime.InferenceSession(asked.model, providers=["CPUExecutionProvider"])
facts = session.get_modelmeta().custom_metadata_map
classes = json.loads(facts["classes"])
size, channels, fit = int(facts["image_size"]), int(facts["channels"]), facts["fit"]

batch = np.stack([squared(np.load(path), size, channels, fit) for path in asked.images])  # (N, H, W, C) uint8
probabilities, predicted = session.run(["probabilities", "predicted"], {"images": batch})
for path, row, number in zip(asked.images, probabilities, predicted, strict=True):
    print(
        f"{path.name}: {classes[number]} ({', '.join(f'{c} {p:.4f}' for c, p in zip(classes, row, strict=True))})"
    )
print(facts["intended_use"])
