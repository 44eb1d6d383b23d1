"""Copies of images under other names: how many are found after each change, and how many pairs a folder holds.

python -m benchmarks.copies FOLDER_OR_TABLE [--images 40]

Each change is made to images of its own, drawn at random; all copies then lie among the images of the folder, each as
of a patient of its own, and the program's search is run once. What it finds without the copies is listed too.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from engine.data import index_data, scan
from engine.data.copies.near import find_near_duplicates
from engine.images import decode
from engine.records import DataIssueKind, Sample
from engine.statistics.proportions import wilson

BICUBIC = Image.Resampling.BICUBIC
DRAWN = random.Random(0)


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    """Return an image as JPEG of this quality gives it."""
    stream = BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return Image.open(stream)


def cropped(image: Image.Image, share: float) -> Image.Image:
    """Return an image without this share of its sides, taken from some place in it."""
    width, height = (round(side * (1 - share)) for side in image.size)
    left, top = DRAWN.randint(0, image.width - width), DRAWN.randint(0, image.height - height)
    return image.crop((left, top, left + width, top + height))


def shifted(image: Image.Image, share: float, rim: str) -> Image.Image:
    """Return an image moved this share of its sides in some diagonal direction."""
    x, y = (DRAWN.choice((-1, 1)) * round(side * share) for side in image.size)
    grey = np.pad(np.asarray(image), ((abs(y), abs(y)), (abs(x), abs(x))), mode=_RIMS[rim])  # type: ignore[call-overload]
    moved = Image.fromarray(grey)
    return moved.crop((abs(x) - x, abs(y) - y, abs(x) - x + image.width, abs(y) - y + image.height))


_RIMS = {"black": "constant", "edge": "edge", "mirrored": "reflect"}


def turned(image: Image.Image, degrees: float) -> Image.Image:
    """Return an image turned one way or the other, black in its corners."""
    return image.rotate(DRAWN.choice((-1, 1)) * degrees, BICUBIC)


def shrunk(image: Image.Image, share: float) -> Image.Image:
    """Return an image in a black frame."""
    inner = image.resize((round(image.width * (1 - share)), round(image.height * (1 - share))), BICUBIC)
    framed = Image.new("L", image.size)
    framed.paste(inner, ((image.width - inner.width) // 2, (image.height - inner.height) // 2))
    return framed


CHANGES: Mapping[str, Callable[[Image.Image], Image.Image]] = {
    "JPEG 40 at 4/5 size": lambda image: jpeg(
        image.resize((image.width * 4 // 5, image.height * 4 // 5)), 40
    ),
    "brightness × 1.3": lambda image: ImageEnhance.Brightness(image).enhance(1.3),
    "contrast × 0.7": lambda image: ImageEnhance.Contrast(image).enhance(0.7),
    "gamma 0.7": lambda image: image.point([round(255 * (value / 255) ** 0.7) for value in range(256)]),
    "mirrored": ImageOps.mirror,
    "flipped upside down": ImageOps.flip,
    "turned by 90°": lambda image: image.rotate(90, expand=True),
    "turned by 180° as JPEG 40": lambda image: jpeg(image.rotate(180), 40),
    "inverted": ImageOps.invert,
    "mirrored, inverted, JPEG 40": lambda image: jpeg(ImageOps.invert(ImageOps.mirror(image)), 40),
    "cropped by 5%": lambda image: cropped(image, 0.05),
    "cropped by 10%": lambda image: cropped(image, 0.1),
    "cropped by up to 10%, full size": lambda image: cropped(image, DRAWN.uniform(0.02, 0.1)).resize(
        image.size, BICUBIC
    ),
    "zoomed by 20%": lambda image: ImageOps.crop(image, image.width // 12).resize(image.size, BICUBIC),
    "shrunk by 10% into a black frame": lambda image: shrunk(image, 0.1),
    "shifted by 5%, black rim": lambda image: shifted(image, 0.05, "black"),
    "shifted by 10%, black rim": lambda image: shifted(image, 0.1, "black"),
    "shifted by up to 10%, edge rim": lambda image: shifted(image, DRAWN.uniform(0.02, 0.1), "edge"),
    "shifted by 10%, edge rim": lambda image: shifted(image, 0.1, "edge"),
    "shifted by 10%, mirrored rim": lambda image: shifted(image, 0.1, "mirrored"),
    "turned by 5°": lambda image: turned(image, 5),
    "turned by up to 10°": lambda image: turned(image, DRAWN.uniform(1, 10)),
    "turned by 10°": lambda image: turned(image, 10),
    "mirrored, turned by 7°, JPEG 40": lambda image: jpeg(turned(ImageOps.mirror(image), 7), 40),
    "mirrored, shifted by 7%, contrast × 0.7": lambda image: ImageEnhance.Contrast(
        shifted(ImageOps.mirror(image), 0.07, "black")
    ).enhance(0.7),
    "inverted, turned by 7°": lambda image: turned(ImageOps.invert(image), 7),
    "turned by 90°, cropped by 7%": lambda image: cropped(image.rotate(90, expand=True), 0.07),
    "turned by 8°, shifted by 8%, zoomed by 10%": lambda image: shifted(
        turned(ImageOps.crop(image, image.width // 20), 8), 0.08, "black"
    ),
}


def copy_of(sample: Sample, name: str, folder: Path, number: int) -> Sample:
    """Change an image, write it, and return it as an image of a patient of its own."""
    image = CHANGES[name](decode(sample.path).image.convert("L"))
    path = folder / f"{number}.png"
    image.save(path)
    identity = f"{number:05}"
    return replace(
        sample,
        path=path,
        image_id=identity,
        patient_id=identity,
        part=None,
        width=image.width,
        height=image.height,
    )


def main() -> None:
    """Print both tables."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    asked.add_argument("data", type=Path, help="a folder, or a table that names patients")
    asked.add_argument("--images", type=int, default=40, help="that each change is made to, drawn at random")
    given = asked.parse_args()
    samples = [*index_data(given.data, near_duplicates=False).samples]
    looks = {sample.image_id: scan(sample.path).look for sample in samples}
    began = time.process_time()
    issues = find_near_duplicates(samples, looks)
    seconds = time.process_time() - began
    kept = [issue for issue in issues if issue.kind is DataIssueKind.NEAR_DUPLICATE]
    print(
        f"{len(samples):,} images hold {len(kept)} groups that look alike ({seconds:.1f} s of one processor):"
    )
    for issue in kept[:20]:
        print(f"  {issue.message}: {', '.join(path.name for path in issue.paths[:4])}")
    already = {path for issue in kept for path in issue.paths}
    fit = [sample for sample in samples if looks[sample.image_id] and sample.path not in already]
    each = min(given.images, len(fit) // len(CHANGES))
    drawn = iter(DRAWN.sample(fit, each * len(CHANGES)))
    with TemporaryDirectory() as folder:
        copies: dict[Path, tuple[str, Path]] = {}
        everything = list(samples)
        for name in CHANGES:
            for _ in range(each):
                original = next(drawn)
                copy = copy_of(original, name, Path(folder), len(copies))
                copies[copy.path] = name, original.path
                looks[copy.image_id] = scan(copy.path).look
                everything.append(copy)
        issues = find_near_duplicates(everything, looks)
    groups = [set(issue.paths) - already for issue in issues if issue.kind is DataIssueKind.NEAR_DUPLICATE]
    found = dict.fromkeys(CHANGES, 0)
    others = 0
    for group in groups:
        pairs = [path for path in group if path in copies and copies[path][1] in group]
        others += len(group) > 2 * len(pairs)
        for path in pairs:
            found[copies[path][0]] += 1
    for name, number in found.items():
        share = wilson(number, each)
        print(f"{name:44} {number} of {each} found ({share.low:.2f} to {share.high:.2f})")
    print(f"Groups with an image that is no copy of another one in it: {others}")


if __name__ == "__main__":
    main()
