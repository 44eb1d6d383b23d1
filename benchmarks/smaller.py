"""How many predictions change when a run reads smaller copies of its test images.

overread demo --no-gui --workspace DIR && python -m benchmarks.smaller --workspace DIR
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path

from PIL import Image

from engine.images import image_png
from engine.prediction import predict
from engine.records import Sample
from engine.runs import find_run, split_of
from engine.workspace import open_workspace

SIDES = (224, 160, 128, 112, 96, 80, 64, 48, 32)
LARGEST = 4096  # pixels of a test image's longer side


def reduced(sample: Sample, side: int, folder: Path) -> Sample:
    """Write a grey copy whose shorter side has `side` pixels."""
    with Image.open(BytesIO(image_png(sample.path, max_side=LARGEST))) as image:
        share = side / min(image.size)
        size = (round(image.width * share), round(image.height * share))
        copy = image.convert("L").resize(size, Image.Resampling.LANCZOS)
    path = folder / f"{side}-{sample.image_id[:16]}.png"
    copy.save(path)
    return replace(sample, path=path, image_id=hashlib.sha256(path.read_bytes()).hexdigest())


def main() -> None:
    """Print a line a size."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    asked.add_argument("--workspace", type=Path, required=True)
    asked.add_argument("--run", default="latest")
    given = asked.parse_args()
    run = find_run(open_workspace(given.workspace), given.run)
    images = split_of(run).test
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def predicted(samples: tuple[Sample, ...]) -> list[str]:
            return [one.predicted for one in predict(run, samples, cache_dir=folder / "cache", device="cpu")]

        whole = predicted(images)
        for side in SIDES:
            small = predicted(tuple(reduced(sample, side, folder) for sample in images))
            changed = sum(one != other for one, other in zip(small, whole, strict=True))
            print(f"{side} pixels: {changed} of {len(whole)} predictions change")


if __name__ == "__main__":
    main()
