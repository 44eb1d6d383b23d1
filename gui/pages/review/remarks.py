"""What is said of an image beside it, before it is judged."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from engine.data import Detail, detail_of, load_split
from engine.errors import EngineError
from engine.recipes import load_recipe
from engine.runs import sizes_of_run


def size_remark(folder: Path, image_id: str) -> str | None:
    """Return that an image is far smaller than what its run was trained on; None where it is not, or not known."""
    stamps = tuple(_stamp(folder / name) for name in ("split.csv", "sizes.json"))
    known = _known(folder, stamps)
    if known is None:
        return None
    detail, sizes = known
    size = sizes.get(image_id)
    return f"{detail.of_one(size)}." if size is not None and detail.lacks(size) else None


def _stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=8)
def _known(folder: Path, stamps: tuple[int, ...]) -> tuple[Detail, Mapping[str, tuple[int, int]]] | None:
    """Read a run's sizes once; `stamps` (the files' times) make changed ones be read anew."""
    try:
        image_size = load_recipe(folder / "recipe.json").image_size
        return detail_of(image_size, load_split(folder / "split.csv").trained_on), sizes_of_run(folder)
    except (
        EngineError
    ):  # whoever needs these files says what is wrong with them; the image is read all the same
        return None
