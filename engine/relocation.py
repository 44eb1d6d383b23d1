"""Images whose folder moved, found again: "Where are they now?"

    lost        how many of some images are no longer where they were
    relocate    finds those of a data set or run in a folder, and writes their new places down everywhere

An image is known by the sha256 of its bytes and by nothing else. What is written down is where it lies: in data sets,
in the splits of runs, and for cases in the database, reviewed or not. Nothing that a reader wrote is touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine.data import (
    Moved,
    find_moved,
    folders_of,
    from_home,
    load_index,
    load_split,
    load_summary,
    save_index,
    save_split,
)
from engine.errors import DataError, EngineError
from engine.language import count_of
from engine.reading import Store
from engine.records import PARTS, DataIssue, Index, Sample, is_folder_name
from engine.workspace import Workspace

LOOKED_AT = 1000  # paths; a network drive answers a few hundred times a second
NAMED = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Lost:
    """Images that are not where they were.

    Attributes:
        count: How many.
        looked: Of how many that were looked for.
        total: Of how many in all: of many, some are looked for.
        first: One of them.
    """

    count: int
    looked: int
    total: int
    first: Path

    def __str__(self) -> str:
        return (
            f"{self.count:,} of {self.looked:,} images that were looked for (of {self.total:,} images) "
            f"{'is' if self.count == 1 else 'are'} no longer where they were, among them {self.first}"
            if self.looked < self.total
            else f"{self.count:,} of {self.looked:,} images {'is' if self.count == 1 else 'are'} no longer where they "
            f"were, among them {self.first}"
        )


def lost(paths: Sequence[Path]) -> Lost | None:
    """Return which images are no longer where they were; None where none is missed. Of many, some are looked for."""
    step = max(1, -(-len(paths) // LOOKED_AT))
    looked = paths[::step]
    gone = [path for path in looked if not _is_there(path)]
    return Lost(count=len(gone), looked=len(looked), total=len(paths), first=gone[0]) if gone else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Relocated:
    """What came of looking for images in a folder.

    Attributes:
        folder: Where was looked.
        images: How many were looked for.
        found: How many were found there.
        where_they_were: How many were not, and are where they were before.
        missing: Where those were that are nowhere.
        changed: Files there that have the name of a missing image, and other contents.
        masks: How many masks were found with their images.
        missing_masks: Where those were that are nowhere.
        unread: What is wrong with each file in which no place could be written down.
    """

    folder: Path
    images: int
    found: int
    where_they_were: int
    missing: tuple[Path, ...]
    changed: tuple[Path, ...]
    masks: int
    missing_masks: tuple[Path, ...]
    unread: tuple[str, ...]

    def sentences(self) -> list[str]:
        """Return what came of it, one sentence each."""
        said = [
            f"{self.found:,} of {self.images:,} images {'was' if self.found == 1 else 'were'} found in {self.folder}"
        ]
        if self.masks:
            said.append(f"{count_of(self.masks, 'mask is', 'masks are')} moved with them")
        if self.where_they_were:
            said.append(
                f"{count_of(self.where_they_were, 'other image is', 'other images are')} still where they were before"
            )
        if self.changed:
            said.append(
                f"{count_of(len(self.changed), 'file is', 'files are')} there with the name of a missing image and "
                f"other contents, and not taken for it ({_named(self.changed)}): only the unchanged file is the image "
                "that was read"
            )
        if self.missing:
            said.append(
                f"{count_of(len(self.missing), 'image is', 'images are')} still missing ({_named(self.missing)}): look "
                "in another folder too"
            )
        if self.missing_masks:
            said.append(
                f"{count_of(len(self.missing_masks), 'mask is', 'masks are')} missing ({_named(self.missing_masks)}): "
                "these images are used without a mask"
            )
        return [f"{one}." for one in said] + list(self.unread)


def _named(paths: Sequence[Path]) -> str:
    return ", ".join(str(path) for path in paths[:NAMED]) + (", …" if len(paths) > NAMED else "")


def relocate(
    workspace: Workspace,
    store: Store,
    name: str,
    folder: Path,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Relocated:
    """Find the images of a data set or run in a folder, and write down where they are.

    What is found is written down even if not all is. Also other data sets and runs of the workspace learn where those
    of their images are that they miss.

    Args:
        workspace: Holds the data set or run.
        store: Its database.
        name: The id of a data set or of a run.
        folder: Where to look, in all folders inside it too.
        progress: See `find_moved`.

    Raises:
        DataError: There is no such folder or data set.
        StoreError: The database cannot be written to.
    """
    folder = from_home(folder).absolute()
    known = _samples_of(workspace, store, name)
    moved = find_moved({image_id: path for image_id, (path, _) in known.items()}, folder, progress=progress)
    writing = _Writing(moved, {image_id: path for image_id, (path, _) in known.items()}, folder)
    for about in sorted(workspace.datasets.glob("*/index.json")):
        writing.guarded(_update_index, workspace, about.parent.name)
    of_runs = (*workspace.runs.glob("*/split.csv"), *workspace.runs.glob("*/folds/*/split.csv"))
    for split in sorted((*of_runs, *workspace.datasets.glob("*/split.csv"))):
        writing.guarded(_update_split, split)
    store.move_cases(
        [
            (run_id, image_id, moved.paths[image_id])
            for run_id, image_id, path in store.case_places(list(moved.paths))
            if writing.is_stale(image_id, path)
        ]
    )
    rest = [path for image_id, (path, _) in known.items() if image_id not in moved.paths]
    missing = tuple(path for path in rest if not _is_there(path))
    masks = [(mask, image_id) for image_id, (_, mask) in known.items() if mask is not None]
    new_masks = {mask: writing.mask(mask, image_id) for mask, image_id in masks}
    return Relocated(
        folder=folder,
        images=len(known),
        found=len(moved.paths),
        where_they_were=len(rest) - len(missing),
        missing=missing,
        changed=tuple(moved.changed.values()),
        masks=sum(new != old for old, new in new_masks.items()),
        missing_masks=tuple(old for old, new in new_masks.items() if not _is_there(new)),
        unread=tuple(writing.unread),
    )


def _samples_of(workspace: Workspace, store: Store, name: str) -> dict[str, tuple[Path, Path | None]]:
    """Return path and mask of each image that a data set or run knows, by image id."""
    cases = store.predictions(name)
    known: dict[str, tuple[Path, Path | None]] = {case.image_id: (case.path, None) for case in cases}
    table = workspace.runs / name / "split.csv" if is_folder_name(name) else None
    if table is not None and table.exists():
        split = load_split(table)
        known |= _places(sample for part in PARTS for sample in split.part(part))
    dataset_id = next((run.dataset_id for run in store.runs() if run.run_id == name), name)
    try:
        known |= _places(load_index(workspace, dataset_id).samples)
    except DataError:
        if not known:
            raise
    return known


def _places(samples: Iterable[Sample]) -> dict[str, tuple[Path, Path | None]]:
    return {sample.image_id: (sample.path, sample.mask_path) for sample in samples}


@dataclass(slots=True)
class _Writing:
    """New places on their way into the files that hold the old ones."""

    moved: Moved
    were: Mapping[str, Path]
    folder: Path
    unread: list[str] = field(default_factory=list)

    def guarded(self, update: Callable[..., None], *place: object) -> None:
        """Update one file; one that is damaged keeps no other from being updated."""
        try:
            update(self, *place)
        except EngineError as error:
            self.unread.append(str(error))

    def is_stale(self, image_id: str, path: Path) -> bool:
        """Return whether an image that was found is known by another path that is given up."""
        new = self.moved.paths.get(image_id)
        return new is not None and path != new and (path == self.were.get(image_id) or not _is_there(path))

    def mask(self, old: Path, image_id: str) -> Path:
        """Return where a mask lies now; where it was if it is found nowhere else."""
        if image_id not in self.moved.paths:
            return old
        return self.moved.place_of(old, folders_of(self.were[image_id], self.moved.paths[image_id])) or old

    def sample(self, sample: Sample) -> Sample:
        """Return a sample with the places of now; the same one where nothing is to be changed."""
        if not self.is_stale(sample.image_id, sample.path):
            return sample
        mask = sample.mask_path and self.mask(sample.mask_path, sample.image_id)
        return replace(sample, path=self.moved.paths[sample.image_id], mask_path=mask)


def _update_split(writing: _Writing, path: Path) -> None:
    split = load_split(path)
    train, val, test = (tuple(map(writing.sample, split.part(part))) for part in PARTS)
    moved = replace(split, train=train, val=val, test=test)
    if moved != split:
        save_split(moved, path)


def _update_index(writing: _Writing, workspace: Workspace, dataset_id: str) -> None:
    index = load_index(workspace, dataset_id)
    samples = tuple(map(writing.sample, index.samples))
    if samples != index.samples:
        created = load_summary(workspace, dataset_id).created
        save_index(workspace, _moved_index(writing, index, samples), created=created)


def _moved_index(writing: _Writing, index: Index, samples: tuple[Sample, ...]) -> Index:
    new = {old.path: sample.path for old, sample in zip(index.samples, samples, strict=True)}

    def place(path: Path) -> Path:
        return new.get(path) or (None if _is_there(path) else writing.moved.place_of(path)) or path

    def of_issue(issue: DataIssue) -> DataIssue:
        return replace(issue, paths=tuple(map(place, issue.paths)))

    root = place(index.root)
    answers = (
        index.answers
        if index.answers.root is None
        else replace(index.answers, root=place(index.answers.root))
    )
    return replace(
        index,
        samples=samples,
        root=root if _is_there(root) else writing.folder,
        source=index.source and place(index.source),
        answers=answers,
        issues=tuple(map(of_issue, index.issues)),
    )


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a folder around it may not be entered: then the image cannot be read either
        return False
