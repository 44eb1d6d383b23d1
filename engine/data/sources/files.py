"""The files under a folder, found by what a table calls them.

A table names files as they were called where it was written: with folders of another machine, in other case, in the
other Unicode form, without their suffix. So each file is known by every tail of its path. The folder is walked once,
and each way of looking is made when it is first needed, in time that grows with the number of files alone.
"""

from __future__ import annotations

import filecmp
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

from engine.data.names import part_in
from engine.data.sources.tables import TABLE_SUFFIXES
from engine.data.sources.tails import Tails
from engine.data.walk import Walk, walk
from engine.images import IMAGE_SUFFIXES

_FEW = 32  # files that are compared one by one
_SUFFIX = re.compile(r"(.+)(\.[a-z][a-z0-9]{0,4})")  # 1.2.840.113619 has none
_NEVER_IMAGES = TABLE_SUFFIXES | frozenset(
    ".md .json .xml .yaml .yml .html .htm .pdf .doc .docx .zip .tar .tgz .7z .rar .py .ipynb .sh .db .ini .log .npy "  # noqa: SIM905
    ".npz .mat .h5 .pkl .pt .pth".split()
)
_MASKS = frozenset({"mask", "masks"})


def fold(name: str) -> str:
    """Return a name as names are compared: in NFC, without case."""
    return name.lower() if name.isascii() else unicodedata.normalize("NFC", name).casefold()


def names_in(written: str) -> tuple[str, ...]:
    r"""Return the names in a path as a table has it: with / or \, without drive, kind of address, and dots."""
    plain = written.strip().strip("\"'")
    if ":" in plain:
        if "://" in plain and not plain.casefold().startswith("file:"):
            plain = re.split(r"[?#]", plain, maxsplit=1)[
                0
            ]  # an address on the web, and what it asks of the server
        plain = re.sub(r"\A([A-Za-z][A-Za-z0-9]+:/+)?([A-Za-z]:)?", "", plain)
    return tuple(name for name in plain.replace("\\", "/").split("/") if name.strip() not in ("", ".", ".."))


@dataclass(frozen=True, slots=True)
class Found:
    """What a written path means.

    Attributes:
        paths: Nothing, one file, or several that it fits equally well.
        agreed: How many of the written names they have, counted from the end.
        written: How many names were written.
        other_suffix: Whether the file has another suffix than the one that was written.
        copies: Whether the one file is the first of several with the same bytes.
    """

    paths: tuple[Path, ...] = ()
    agreed: int = 0
    written: int = 0
    other_suffix: bool = False
    copies: bool = False


@dataclass(frozen=True, slots=True)
class _Folder:
    path: Path
    names: tuple[str, ...]  # folded, from the top of the disk
    of_masks: bool
    inner: list[int]
    images: list[str]  # names of files

    @property
    def image_paths(self) -> Iterator[Path]:
        return (self.path / name for name in self.images)


class Files:
    """What lies under a folder; hidden files and a system's own are not seen.

    Args:
        root: The folder.
        walked: What lies there, where that is known already.
    """

    def __init__(self, root: Path, walked: Walk | None = None) -> None:
        self.root = root
        self._known = walked

    def find(self, written: str, *, beside: Sequence[str] = (), mask: bool = False) -> Found:
        """Find the file that a table names.

        The longest common tail decides; of files with equally long ones, the one whose folders are named in other
        cells of the row, then the one spelt alike. A file is not taken where a folder that the table names is there
        and does not hold it, nor for one in another part of a split.

        Args:
            written: The path, as in the table.
            beside: Other cells of the row: its label, its patient.
            mask: Whether a mask is looked for, so that folders named masks go before others, not after them.
        """
        literal = self._literally(written)
        if literal is not None:
            return Found((literal,), 1, 1)
        for text in _readings(written):
            names = names_in(text)
            for tails, looked_for, other_suffix in self._ways(tuple(map(fold, names))):
                numbers, agreed = tails.find(looked_for)
                if not numbers:
                    continue
                if len(numbers) > 1:
                    numbers = tails.narrow(numbers, looked_for, agreed, list(map(fold, beside)))[:_FEW]
                fitting = [
                    path
                    for folder, path in map(self._file, numbers)
                    if not self._contradicts(folder, looked_for, agreed)
                    and (mask or not folder.of_masks or self._masks_meant(folder, (*looked_for, *beside)))
                ]
                if fitting:
                    paths, copies = _settle(fitting, names, mask)
                    return Found(paths, agreed, len(names), other_suffix, copies)
        return Found()

    def inside(self, written: str) -> tuple[Path, ...]:
        """Return the images in the one folder that is named, as the folder of a study; none where there is none."""
        names = tuple(map(fold, names_in(written)))
        numbers, agreed = self._folders_by_tail.find(names)
        if len(numbers) != 1 or self._contradicts(self._folders[numbers[0]], names, agreed):
            return ()
        inner = [numbers[0]]
        for number in inner:  # grows while it is walked
            inner += self._folders[number].inner
        return tuple(path for number in inner for path in self._folders[number].image_paths)

    def images_under(self, folder: Path) -> Iterator[Path]:
        """Yield what looks like an image by its name, masks left out."""
        for each in self._folders:
            if each.path.is_relative_to(folder) and not each.of_masks:
                yield from each.image_paths

    # ------------------------------------------------------------------------------------------- the walk

    @cached_property
    def _walked(self) -> Walk:
        return self._known or walk(self.root)

    @cached_property
    def _files(self) -> list[tuple[int, str]]:
        return [*self._walked.files.named()]  # each is asked for several times, its path hardly ever

    @cached_property
    def _folders(self) -> list[_Folder]:
        above = tuple(map(fold, self.root.parts[1:]))
        folders: list[_Folder] = []
        for path, names, outer in self._walked.folders:
            below = tuple(map(fold, names))
            if names:
                folders[outer].inner.append(len(folders))
            folders.append(_Folder(path, (*above, *below), not _MASKS.isdisjoint(below), [], []))
        for number, name in self._files:
            if _split(name.lower())[1] in IMAGE_SUFFIXES:
                folders[number].images.append(name)
        return folders

    def _file(self, number: int) -> tuple[_Folder, Path]:
        of, name = self._files[number]
        folder = self._folders[of]
        return folder, folder.path / name

    def _below(self, folder: _Folder) -> tuple[str, ...]:
        return folder.names[len(self._folders[0].names) :]

    # ------------------------------------------------------------------------------------- ways of looking

    def _ways(self, names: tuple[str, ...]) -> Iterator[tuple[Tails, tuple[str, ...], bool]]:
        if not names:
            return
        yield self._by_name, names, False
        yield self._by_stem, names, False
        stem, suffix = _split(names[-1])
        if suffix in IMAGE_SUFFIXES:
            yield self._by_stem, (*names[:-1], stem), True

    @cached_property
    def _by_name(self) -> Tails:
        return self._tails(lambda name: [name])

    @cached_property
    def _by_stem(self) -> Tails:
        return self._tails(_stems)

    def _tails(self, called: Callable[[str], Iterable[str]]) -> Tails:
        folders, files = self._folders, self._files
        things = [(number, last) for number, (_, name) in enumerate(files) for last in called(fold(name))]
        return Tails(things, [folders[folder].names for folder, _ in files], len(folders[0].names))

    @cached_property
    def _folders_by_tail(self) -> Tails:
        names = [folder.names for folder in self._folders]
        return Tails(
            [(n, each[-1]) for n, each in enumerate(names) if n], [each[:-1] for each in names], len(names[0])
        )

    def _literally(self, written: str) -> Path | None:
        """Return the file that is meant letter by letter, where it may not be among those walked."""
        if "/" not in written and "\\" not in written:
            return None
        names = re.split(r"[/\\]", written)
        hidden = any(name.startswith(".") for name in names)  # .. too
        if not (hidden or names[0] == "" or ":" in names[0] or "\\" in written):
            return None
        path = self.root / written
        try:
            return path if path.is_file() else None
        except (
            OSError,
            ValueError,
        ):  # too long for a path, in a folder that may not be entered, or with a NUL
            return None

    # ------------------------------------------------------------------------------------------ what does not fit

    @cached_property
    def _folder_names(self) -> frozenset[str]:
        return frozenset(name for folder in self._folders for name in self._below(folder))

    def _masks_meant(self, folder: _Folder, words: Iterable[str]) -> bool:
        return _MASKS.intersection(self._below(folder)) <= _MASKS.intersection(map(fold, words))

    def _contradicts(self, folder: _Folder, names: tuple[str, ...], agreed: int) -> bool:
        if agreed == len(names):
            return False
        missed = names[-agreed - 1]
        if missed in self._folder_names and missed not in folder.names:
            return True
        written_parts = {part_in(name) for name in names[:-1]} - {None}
        own_parts = {part_in(name) for name in self._below(folder)} - {None}
        return bool(written_parts and own_parts and not written_parts & own_parts)


def _readings(written: str) -> Iterator[str]:
    yield written
    if "%" in written:
        yield unquote(written)
    if written.endswith(".0") and written[:-2].isdecimal():  # a number that another program made a fraction
        yield written[:-2]


def _settle(paths: list[Path], names: tuple[str, ...], mask: bool) -> tuple[tuple[Path, ...], bool]:
    """Return the path that is spelt like names, or all of those that are; and whether it has copies."""
    if len(paths) == 1:
        return tuple(paths), False
    name, folders = _spelt(names[-1]), tuple(map(_spelt, names[:-1]))

    def in_masks(path: Path) -> bool:
        return bool(_MASKS.intersection(map(fold, path.parts[:-1]))) is mask

    def named_so(path: Path) -> bool:
        return name in (_spelt(path.name), _spelt(path.stem))

    def in_folders_named_so(path: Path) -> bool:
        return tuple(map(_spelt, path.parts[-len(names) : -1])) == folders

    for better in (in_masks, named_so, in_folders_named_so):
        paths = [path for path in paths if better(path)] or paths
    if 1 < len(paths) < _FEW and all(_same_bytes(paths[0], path) for path in paths[1:]):
        return (paths[0],), True
    return tuple(paths), False


def _split(name: str) -> tuple[str, str]:
    found = _SUFFIX.fullmatch(name)
    return (found[1], found[2]) if found else (name, "")


def _stems(name: str) -> list[str]:
    """Return a name without its suffix, and without a second one that belongs to it: x.dcm.gz is x.dcm and x."""
    stem, suffix = _split(name)
    if not suffix or suffix in _NEVER_IMAGES:
        return []
    inner, second = _split(stem)
    return [stem, inner] if second in IMAGE_SUFFIXES else [stem]


def _spelt(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _same_bytes(first: Path, second: Path) -> bool:
    try:
        return first.stat().st_size == second.stat().st_size and filecmp.cmp(first, second, shallow=False)
    except OSError:
        return False
