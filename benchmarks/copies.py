"""Copies of images under other names: how many are found after each change, and how many pairs a folder holds.

python -m benchmarks.copies FOLDER [--images 40]
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageEnhance, ImageOps

from engine.data.copies.looks import look_of
from engine.data.copies.near import find_near_duplicates
from engine.records import Sample


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    """Return an image as JPEG of this quality gives it."""
    stream = BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return Image.open(stream)


CHANGES: Mapping[str, Callable[[Image.Image], Image.Image]] = {
    "JPEG 40 at 4/5 size": lambda image: jpeg(
        image.resize((image.width * 4 // 5, image.height * 4 // 5)), 40
    ),
    "brightness × 1.3": lambda image: ImageEnhance.Brightness(image).enhance(1.3),
    "contrast × 0.7": lambda image: ImageEnhance.Contrast(image).enhance(0.7),
    "gamma 0.7": lambda image: image.point([round(255 * (value / 255) ** 0.7) for value in range(256)]),
    "mirrored": ImageOps.mirror,
    "turned by 90°": lambda image: image.rotate(90, expand=True),
    "turned by 180° as JPEG 40": lambda image: jpeg(image.rotate(180), 40),
    "inverted": ImageOps.invert,
    "mirrored, inverted, JPEG 40": lambda image: jpeg(ImageOps.invert(ImageOps.mirror(image)), 40),
    "cropped by 5%": lambda image: ImageOps.crop(image, image.width // 40),
    "turned by 5°": lambda image: image.rotate(5),
}


def sample(name: str) -> Sample:
    """Return an image of a patient of its own."""
    return Sample(path=Path(name), image_id=name, label=None, patient_id=name)


def main() -> None:
    """Print both tables."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--images", type=int, default=40, help="that are changed, drawn at random")
    given = asked.parse_args()
    files = sorted(
        path for path in given.folder.rglob("*") if path.suffix.lower() in (".png", ".jpg", ".jpeg")
    )
    looks = {str(path): look_of(Image.open(path).convert("L")) for path in files}
    chosen = random.Random(0).sample(files, min(given.images, len(files)))
    for name, change in CHANGES.items():
        found = 0
        for path in chosen:
            copy = look_of(change(Image.open(path).convert("L")))
            pair = {str(path): looks[str(path)], "copy": copy}
            found += bool(find_near_duplicates([sample(one) for one in pair], pair))
        print(f"{name:30} {found} of {len(chosen)} found")
    began = time.process_time()
    issues = find_near_duplicates([sample(str(path)) for path in files], looks)
    seconds = time.process_time() - began
    print(
        f"{len(files):,} images hold {len(issues)} groups that look alike ({seconds:.1f} s of one processor):"
    )
    for issue in issues:
        print(f"  {issue.message}: {', '.join(path.name for path in issue.paths[:4])}")


if __name__ == "__main__":
    main()
