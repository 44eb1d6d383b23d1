"""Maps that came with predictions: pictures named like their images, laid over them as they are.

A grey picture is its own strength. Of a picture in colours, whose scale nobody stated, its transparency is; one in
colours without any is left out, and that is said.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.errors import DataError, ImageError
from engine.images import IMAGE_SUFFIXES, load_image
from engine.language import N_
from engine.records import MAP_AS_SUPPLIED, Explanation, Sample
from engine.supplied.naming import ImageNames
from engine.supplied.troubles import NAMED, Remark

LARGEST_SIDE = 256
"""Pixels of a map that is kept: over a film it is enlarged again."""
GREY = 4
"""Levels of 255 by which the colours of a grey picture may differ, as those of a JPEG do."""
_ENDING = re.compile(
    r"[\s_.-]+(?:heat|saliency|attention|activation)?[\s_-]?(?:map|cam|gradcam|overlay|saliency)$",
    re.IGNORECASE,
)
"""What programs put behind the name of an image when they write its map."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Maps:
    """What a folder of maps gives.

    Attributes:
        explanations: One a case.
        said: What was left out.
        digest: sha256 of what was taken.
    """

    explanations: tuple[Explanation, ...] = ()
    said: tuple[Remark, ...] = ()
    digest: str = ""


def read_maps(
    folder: Path,
    names: ImageNames,
    targets: Mapping[str, str],
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Maps:
    """Read the maps in a folder, at any depth.

    Args:
        folder: With pictures, each called like its image or by the image's sha256.
        names: The images of the data set.
        targets: The class that the map of each predicted image is taken to speak of.
        progress: Called with maps read and maps in all; may raise to stop.

    Raises:
        DataError: There is no such folder, or no map in it.
    """
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder}", "Choose the folder that the maps are in")
    files = sorted(
        path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()
    )
    if not files:
        raise DataError(f"There is no picture in {folder.name}", "Choose the folder that the maps are in")
    found: dict[str, tuple[Path, NDArray[np.float32]]] = {}
    left: dict[str, list[str]] = {}
    for number, path in enumerate(files):
        why, taken = _taken(path, names, targets)
        if taken is None:
            left.setdefault(why, []).append(path.name)
        elif taken[0].image_id in found:
            left.setdefault("of an image that has another map already", []).append(path.name)
        else:
            found[taken[0].image_id] = (path, taken[1])
        if progress is not None:
            progress(number + 1, len(files))
    explanations = tuple(
        Explanation(image_id=image_id, heatmap=heat, target=targets[image_id], method=MAP_AS_SUPPLIED)
        for image_id, (_, heat) in sorted(found.items())
    )
    digest = hashlib.sha256()
    for one in explanations:
        digest.update(one.image_id.encode() + str(one.heatmap.shape).encode() + one.heatmap.tobytes())
    return Maps(
        explanations=explanations,
        said=tuple(_left_out(why, of) for why, of in left.items()),
        digest=digest.hexdigest(),
    )


def _taken(
    path: Path, names: ImageNames, targets: Mapping[str, str]
) -> tuple[str, tuple[Sample, NDArray[np.float32]] | None]:
    """Return the image that a map is of and its strength; or why there is none."""
    bare = _ENDING.sub("", path.stem)
    images = names.meant(str(path)).images or names.meant(path.stem).images or names.meant(bare).images
    if len(images) != 1:
        return "named like several images" if images else "named like no image of the data set", None
    if images[0].image_id not in targets:
        return "of an image without a prediction", None
    try:
        heat = strength(path)
    except ImageError:
        return "not readable as a picture", None
    if heat is None:
        return "in colours whose scale is not known, without transparency", None
    return "", (images[0], heat)


def strength(path: Path) -> NDArray[np.float32] | None:
    """Return a map (H, W) float32 in [0, 1], no side above `LARGEST_SIDE`; None where its colours do not say it.

    Raises:
        ImageError: It cannot be read as a picture.
    """
    # What is no picture, or too large a one, is refused here, before Pillow reads it.
    on_black = load_image(path, channels=3)
    with Image.open(path) as picture:
        alpha = np.asarray(picture.convert("RGBA").getchannel("A")) if _may_be_transparent(picture) else None
    spread = on_black.max(axis=2).astype(np.int16) - on_black.min(axis=2)
    if int(spread.max()) <= GREY:
        levels = on_black[:, :, 1]
    elif alpha is not None and alpha.min() < alpha.max():
        levels = alpha
    else:
        return None
    height, width = levels.shape
    shrunk = Image.fromarray(levels)
    if max(height, width) > LARGEST_SIDE:
        share = LARGEST_SIDE / max(height, width)
        size = (max(1, round(width * share)), max(1, round(height * share)))
        shrunk = shrunk.resize(size, Image.Resampling.BOX)
    return np.asarray(shrunk, dtype=np.float32) / np.float32(255)


def _may_be_transparent(picture: Image.Image) -> bool:
    return "A" in picture.getbands() or "transparency" in picture.info


def _left_out(why: str, names: Sequence[str]) -> Remark:
    one, many = N_("{n} map was left out{named}: {why}"), N_("{n} maps were left out{named}: {why}")
    says = (one if len(names) == 1 else many).format(n=f"{len(names):,}", named=NAMED, why=why)
    return Remark(says, tuple(names))
