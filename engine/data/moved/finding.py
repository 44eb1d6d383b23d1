"""Images found again in a folder by their sha256.

Names only say where to look first: every file is hashed at most once, those with a wanted name in a folder of the
wanted name first, and nothing more once all are found.
"""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.data.folders import check_folder
from engine.data.walk import walk
from engine.images import FILES_PER_TASK, IMAGE_SUFFIXES, in_order
from engine.storage import open_regular

Progress = Callable[[int, int], None]
MOST_PREFIXES = 8  # pairs of old and new folders that are tried for what has no hash


@dataclass(frozen=True, kw_only=True, slots=True)
class Moved:
    """What was found of images that were looked for.

    Attributes:
        paths: Image id → where the image lies now, of those that were found.
        changed: Image id → the file that has the name of an image that was not found, and other bytes.
        prefixes: Pairs of a folder that was and the one that stands in its place, the most frequent first.
    """

    paths: Mapping[str, Path]
    changed: Mapping[str, Path]
    prefixes: tuple[tuple[Path, Path], ...]

    def place_of(self, old: Path, *first: tuple[Path, Path] | None) -> Path | None:
        """Return where something without a hash lies now, such as a mask: in the folder that stands for its own.

        Args:
            old: Where it was.
            first: Pairs of folders to be tried before `prefixes`.
        """
        for pair in (*first, *self.prefixes):
            if pair is not None and old.is_relative_to(pair[0]):
                new = pair[1] / old.relative_to(pair[0])
                if os.path.lexists(new):
                    return new
        return None


def find_moved(wanted: Mapping[str, Path], folder: Path, *, progress: Progress | None = None) -> Moved:
    """Look for images in a folder and all those in it.

    Args:
        wanted: Image id (sha256 of the file's bytes) → where it was.
        folder: Where to look.
        progress: Called with files looked at and files there are to be looked at, now and then; may raise to stop.

    Raises:
        DataError: The folder is not there, may not be read, or holds too many files.
    """
    check_folder(folder)
    ranked = _by_likelihood(wanted, [file.path for file in walk(folder).files])
    left = set(wanted)
    paths: dict[str, Path] = {}
    others: dict[tuple[str, str], Path] = {}  # files that were looked at and are none of those wanted
    hashing = in_order(_hashed, ranked, workers=min(16, os.cpu_count() or 1))
    for done, (path, digest) in enumerate(hashing, start=1):
        if digest in left:
            paths[digest] = path
            left.remove(digest)
        elif digest is not None and digest not in wanted:
            others.setdefault(_two_names(path), path)
        if progress is not None and (done % FILES_PER_TASK == 0 or done == len(ranked)):
            progress(done, len(ranked))
        if not left:
            break
    changed = {
        image_id: others[names] for image_id in left if (names := _two_names(wanted[image_id])) in others
    }
    counted = Counter(filter(None, (folders_of(wanted[image_id], path) for image_id, path in paths.items())))
    return Moved(
        paths=paths, changed=changed, prefixes=tuple(pair for pair, _ in counted.most_common(MOST_PREFIXES))
    )


def folders_of(old: Path, new: Path) -> tuple[Path, Path] | None:
    """Return the folder that was and the one that is in its place; None for a file that has another name now."""
    same = 0
    for before, after in zip(reversed(old.parts[1:]), reversed(new.parts[1:]), strict=False):
        if _folded(before) != _folded(after):
            break
        same += 1
    return (old.parents[same - 1], new.parents[same - 1]) if same else None


def _by_likelihood(wanted: Mapping[str, Path], paths: list[Path]) -> list[Path]:
    """Return the files that may be wanted ones: of the same name in a folder of the same name, of the same name, and
    the others that are named as images are or as those wanted are."""
    pairs = {_two_names(path) for path in wanted.values()}
    names = {name for _, name in pairs}
    suffixes = IMAGE_SUFFIXES | {path.suffix.lower() for path in wanted.values()}
    ranks: tuple[list[Path], list[Path], list[Path]] = ([], [], [])
    for path in paths:
        two = _two_names(path)
        if two in pairs:
            ranks[0].append(path)
        elif two[1] in names:
            ranks[1].append(path)
        elif path.suffix.lower() in suffixes:
            ranks[2].append(path)
    return [path for rank in ranks for path in rank]


def _two_names(path: Path) -> tuple[str, str]:
    return _folded(path.parent.name), _folded(path.name)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _hashed(path: Path) -> tuple[Path, str | None]:
    try:
        with open_regular(path) as stream:
            return path, hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]
    except OSError:  # what cannot be read is not found
        return path, None
