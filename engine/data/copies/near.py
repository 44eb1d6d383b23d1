"""The same image, re-encoded, resized, mirrored, turned, inverted, cropped or shifted, under two patients.

Near duplicates are pairs whose 256-bit perceptual hashes (signs of a cosine transform) differ in at most 24 bits and
whose thumbnails correlate, as they are or after one of fifteen symmetries; and those that `moved` finds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.data.columns.samples import in_columns
from engine.data.copies.changes import Change
from engine.data.copies.groups import issues_of
from engine.data.copies.kept import Looks, Thumbnails
from engine.data.copies.looks import SYMMETRIES, Symmetry, look_of
from engine.data.copies.moved import Progress, find_moved
from engine.records import DataIssue, Sample

MAX_DISTANCE = 24
MIN_CORRELATION = 0.95
_TABLES = 20
_NEIGHBOURS = 32
Seen = tuple[Sample, NDArray[np.uint8]]
_ONES = np.array([value.bit_count() for value in range(256)], dtype=np.uint8)


def find_near_duplicates(
    samples: Sequence[Sample],
    looks: Mapping[str, bytes] | Looks,
    *,
    moved: bool = True,
    progress: Progress | None = None,
) -> list[DataIssue]:
    """Find images that are all but the same although they belong to different patients.

    Args:
        samples: Each image once.
        looks: `Scanned.look` by image_id; images without one are not compared.
        moved: Whether to look for cropped, shifted and slightly turned copies too, which takes about as long again as
            reading small images.
        progress: Called with images done and images in all.

    Returns:
        One issue for each group of near duplicates, serious where a group is in two parts of a given split or has two
        labels, those with two labels first; and one where so many images are changed copies that somebody made them.
    """
    looks = looks if isinstance(looks, Looks) else Looks.of(looks)
    if not len(looks):
        return []
    columns = in_columns(samples)
    places = looks.places(columns.image_ids())
    order = columns.by_id()  # so that their order changes nothing
    order = order[places[order] >= 0]
    compared, places = columns.take(order), places[order]
    if len(compared) < 2:
        return []
    numbers, thumbnails = compared.patient_numbers(), Thumbnails(looks, places)
    found = _alike(looks.hashes(places), thumbnails, numbers)
    if moved:
        found += find_moved(compared, thumbnails, _linked(numbers, found), progress)
    return issues_of(compared, found)


def copies_of_others(
    own: Iterable[Seen], foreign: Iterable[Seen], *, progress: Progress | None = None
) -> set[str]:
    """Find which images are copies of other images, whatever was done to them, as `find_near_duplicates` does.

    Args:
        own: The other images, each with its pixels, (H, W) or (H, W, C).
        foreign: The images that are asked about; none of them is among the others.
        progress: Called with images done and images in all; may raise to stop.

    Returns:
        Ids of foreign images. One that is tiny or flat is a copy of none.
    """
    looks, samples, whose = Looks(), list[Sample](), list[int]()
    for number, images in enumerate((own, foreign)):
        for sample, pixels in images:
            if look := look_of(Image.fromarray(pixels)):
                looks.add(sample.image_id, look)
                samples.append(sample)
                whose.append(number)
    apart, places = np.array(whose), looks.places(sample.image_id for sample in samples)
    pairs = _alike(looks.hashes(places), Thumbnails(looks, places), apart) if samples else []
    found = {row for first, second, _ in pairs for row in (first, second) if apart[row]}
    rest = np.array([row for row in range(len(samples)) if row not in found], dtype=np.int64)
    moved = find_moved([samples[row] for row in rest], Thumbnails(looks, places[rest]), apart[rest], progress)
    found |= {int(rest[row]) for first, second, _ in moved for row in (first, second) if apart[rest[row]]}
    return {samples[row].image_id for row in found}


def _linked(numbers: NDArray[np.int64], found: Sequence[tuple[int, int, Change]]) -> NDArray[np.int64]:
    """Return the numbers of patients where those of whom an image was found to be the same count as one."""
    from scipy.cluster.hierarchy import DisjointSet  # here, because it takes a quarter of a second

    pairs = [(int(numbers[first]), int(numbers[second])) for first, second, _ in found]
    apart = DisjointSet({number for pair in pairs for number in pair})
    for pair in pairs:
        apart.merge(*pair)
    linked = numbers.copy()
    for row in np.flatnonzero(np.isin(numbers, list(apart))).tolist():
        linked[row] = apart[int(numbers[row])]
    return linked


def _alike(
    hashes: NDArray[np.uint8], thumbnails: Thumbnails, patients: NDArray[np.int64]
) -> list[tuple[int, int, Change]]:
    """Return pairs of different patients whose hashes and thumbnails are alike after a symmetry.

    Linear in the number of images: hashes are sorted by 20 random choices of their bits, so few that two near
    duplicates agree in one of them with high probability (measured ≥ .9 at 24 different bits, ≥ .99 at 16)
    and so many that few others do; only neighbours are compared.
    """
    from scipy.cluster.hierarchy import DisjointSet

    groups = DisjointSet([])
    found = []
    for symmetry in SYMMETRIES:
        for first, second in near_pairs(hashes, symmetry).tolist():
            if patients[first] == patients[second]:
                continue
            groups.add(first)
            groups.add(second)
            if groups.connected(first, second):
                continue
            one, other = thumbnails[[first, second]]
            if _correlation(one, other, symmetry) >= MIN_CORRELATION:
                groups.merge(first, second)
                found.append((first, second, Change(symmetry=symmetry)))
    return found


def near_pairs(hashes: NDArray[np.uint8], symmetry: Symmetry = SYMMETRIES[0]) -> NDArray[np.int64]:
    """Return which images are as others would be after a change.

    Args:
        hashes: (N, 32).
        symmetry: The change; none by default.

    Returns:
        (P, 2) rows at most MAX_DISTANCE bits apart, each pair once: first < second.
    """
    rows = len(hashes)
    changed = symmetry != SYMMETRIES[0]
    both = np.concatenate([hashes, symmetry.hashes(hashes)]) if changed else hashes
    chosen = int(np.clip(np.log2(rows) + 6, 12, 30))
    rng = np.random.default_rng(0)
    found = [np.empty((0, 2), np.int64)]
    for _ in range(_TABLES):
        keys = np.zeros(len(both), dtype=np.int64)
        for place, bit in enumerate(rng.choice(8 * both.shape[1], chosen, replace=False)):
            keys |= (both[:, bit // 8] >> (7 - bit % 8) & 1).astype(np.int64) << place
        order = np.argsort(keys, kind="stable")
        ordered = keys[order]
        for step in range(1, min(_NEIGHBOURS, len(both) - 1) + 1):
            equal = np.flatnonzero(ordered[step:] == ordered[:-step])
            if not equal.size:
                break
            left, right = order[equal], order[equal + step]
            if changed:  # one as it is, one changed, and not of the same image
                fit = ((left < rows) != (right < rows)) & (left % rows != right % rows)
                left, right = left[fit], right[fit]
            near = _ONES[both[left] ^ both[right]].sum(axis=1, dtype=np.int64) <= MAX_DISTANCE
            found.append(np.sort(np.stack([left[near] % rows, right[near] % rows], axis=1), axis=1))
    pairs: NDArray[np.int64] = np.unique(np.concatenate(found), axis=0)
    return pairs


def _correlation(first: NDArray[np.uint8], second: NDArray[np.uint8], symmetry: Symmetry) -> float:
    """Correlate one thumbnail with the other after the change, whichever of the two was changed."""
    return max(
        float(np.corrcoef(one.ravel(), symmetry.applied(other).ravel())[0, 1])
        for one, other in ((first, second), (second, first))
    )
