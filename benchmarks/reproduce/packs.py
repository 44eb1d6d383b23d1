"""Data packs, which lie outside the repository, as indexes that the engine can split and train on."""

from __future__ import annotations

import csv
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from engine.data import index_data, load_index, save_index, unpack
from engine.errors import DataError
from engine.records import Index
from engine.workspace import Workspace

Prepare = Callable[[Path, Path], Path]  # the folder of packs and a folder to work in → what to index

FASHION = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")


def arrays(pack: str, names: tuple[str, ...]) -> Prepare:
    """Write the images of an .npz (x_train, y_train, x_test, y_test) as PNG files in folders by part and class."""

    def prepare(packs: Path, work: Path) -> Path:
        folder = work / Path(pack).stem
        if folder.is_dir():
            return folder
        unfinished = work / f".{folder.name}"
        shutil.rmtree(unfinished, ignore_errors=True)
        with np.load(_found(packs, pack), allow_pickle=False) as data:
            for part in ("train", "test"):
                images, labels = data[f"x_{part}"], data[f"y_{part}"]
                for name in names:
                    (unfinished / part / name).mkdir(parents=True, exist_ok=True)
                for number, (pixels, label) in enumerate(zip(images, labels, strict=True)):
                    Image.fromarray(pixels).save(unfinished / part / names[int(label)] / f"{number:05d}.png")
        unfinished.rename(folder)
        return folder

    return prepare


def folders(pack: str) -> Prepare:
    """Unpack an archive of folders by part and class."""
    return lambda packs, work: unpack(_found(packs, pack), work)


def listed(pack: str) -> Prepare:
    """Unpack an archive and take its manifest.csv, which names patients."""

    def prepare(packs: Path, work: Path) -> Path:
        tables = sorted(unpack(_found(packs, pack), work).rglob("manifest.csv"))
        if not tables:
            raise DataError(f"{pack} holds no manifest.csv", "Take the pack as it was made")
        return tables[0]

    return prepare


def thinned(pack: str, lacking: tuple[str, ...], keep_one_of: int) -> Prepare:
    """List an archive's images in a table that keeps one in so many training images of some classes."""

    def prepare(packs: Path, work: Path) -> Path:
        folder = unpack(_found(packs, pack), work)
        table = work / f"{folder.name}-without-{'-'.join(lacking)}.csv"
        rows: list[tuple[Path, str, str]] = []
        for place in sorted(path for path in folder.rglob("*") if path.is_dir()):
            part, name = place.parent.name, place.name
            if part not in ("train", "test"):
                continue
            step = keep_one_of if part == "train" and name in lacking else 1
            rows += [(path, name, part) for path in sorted(place.iterdir())[::step]]
        with table.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(("path", "label", "split"))
            writer.writerows(rows)
        return table

    return prepare


def index_pack(prepare: Prepare, packs: Path, workspace: Workspace, *, look_alikes: bool) -> Index:
    """Prepare a pack and index it, once a workspace.

    Args:
        prepare: One of the above.
        packs: The folder of packs.
        workspace: Where everything is kept.
        look_alikes: Whether to look for near duplicates; in tens of thousands of tiny images everything looks alike.
    """
    work = workspace.root / "packs"
    work.mkdir(exist_ok=True)
    path = prepare(packs, work)
    known = work / f"{hashlib.sha256(str(path).encode()).hexdigest()[:12]}.id"
    if known.exists():
        return load_index(workspace, known.read_text())
    index = index_data(path, near_duplicates=look_alikes)
    save_index(workspace, index)
    known.write_text(index.dataset_id)
    return index


def _found(packs: Path, pack: str) -> Path:
    if not (packs / pack).is_file():
        raise DataError(f"There is no {pack} in {packs}", "Name the folder of data packs by --data")
    return packs / pack
