"""Which training images are most like an image, to a run's net: its features in few dimensions, in alike.npz.

Features are what the net's head reads of an image, less their mean over the training images, in at most `DIMENSIONS`
principal components of these, as directions: two images are as alike as the cosine between them says. The search looks
at every training image: 100,000 of them take milliseconds (`python -m benchmarks alike`), so that no index is kept.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import RunError
from engine.kept_files import read_arrays
from engine.storage import write_atomic

FILE = "alike.npz"
DIMENSIONS = 128
FITTED_ON = 2000
"""Training images, drawn by a seed, that the components and what is usual are learned from."""
RARELY, OFTEN = 0.1, 0.5
"""Shares of training images whose nearest one of another patient is no nearer."""
_ARRAYS = {
    "image_ids": "U",
    "patients": "U",
    "known": "f",
    "features": "f",
    "centre": "f",
    "axes": "f",
    "usual": "f",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Alike:
    """Features of a run's images.

    Attributes:
        image_ids: (N,) training images first.
        patients: (N,) whose they are.
        known: How many of them are training images: those that are found.
        features: (N, K) float32, of length 1; 0 of an image like the mean.
        centre: (D,) mean feature of training images.
        axes: (K, D) principal components of these.
        usual: (2,) cosines between a training image and its nearest one of another patient that the shares `RARELY`
            and `OFTEN` of training images do not reach.
    """

    image_ids: tuple[str, ...]
    patients: tuple[str, ...]
    known: int
    features: NDArray[np.float32]
    centre: NDArray[np.float64]
    axes: NDArray[np.float64]
    usual: tuple[float, float]

    @cached_property
    def rows(self) -> dict[str, int]:
        """Image id → its row."""
        return {image_id: row for row, image_id in enumerate(self.image_ids)}

    @cached_property
    def rows_of_patient(self) -> dict[str, list[int]]:
        """Patient → rows of their images."""
        rows: dict[str, list[int]] = {}
        for row, patient in enumerate(self.patients):
            rows.setdefault(patient, []).append(row)
        return rows

    def directions(self, features: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return (B, K) of features (B, D)."""
        return _directions(features, self.centre, self.axes)


@dataclass(frozen=True, kw_only=True, slots=True)
class AlikeImage:
    """A training image that is like another.

    Attributes:
        image_id: Of it.
        cosine: How alike they are, in [-1, 1].
        words: The same in words.
    """

    image_id: str
    cosine: float
    words: str


def fit_alike(features: NDArray[np.floating], patients: Sequence[str]) -> Alike:
    """Learn principal components, and how near images usually lie, from a sample of training images.

    Args:
        features: (n, D) of them.
        patients: (n,) whose they are.

    Returns:
        Without images.
    """
    from scipy.linalg import eigh

    found = np.asarray(features, dtype=np.float64)
    centre = found.mean(axis=0)
    rest = found - centre
    count = len(rest)
    values, vectors = eigh(rest @ rest.T, subset_by_index=(max(0, count - DIMENSIONS), count - 1))
    real = values > 1e-10 * max(float(values.max(initial=0.0)), 1e-300)
    axes = (rest.T @ vectors[:, real] / np.sqrt(values[real])).T
    places = _directions(found, centre, axes)
    cosines = places @ places.T
    _, whose = np.unique(np.asarray(patients), return_inverse=True)
    cosines[whose[:, None] == whose[None]] = -1.0
    rarely, often = np.quantile(cosines.max(axis=1), (RARELY, OFTEN))
    none = np.zeros((0, len(axes)), np.float32)
    return Alike(
        image_ids=(),
        patients=(),
        known=0,
        features=none,
        centre=centre,
        axes=axes,
        usual=(float(rarely), float(often)),
    )


def _directions(
    features: NDArray[np.floating], centre: NDArray[np.float64], axes: NDArray[np.float64]
) -> NDArray[np.float32]:
    places = (np.asarray(features, dtype=np.float64) - centre) @ axes.T
    lengths = np.linalg.norm(places, axis=1, keepdims=True)
    return np.asarray(places / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def nearest(
    alike: Alike, image_id: str, most: int = 5, *, hidden: Collection[str] = ()
) -> list[AlikeImage] | None:
    """Return the training images that are most like an image, the nearest first; never one of the same patient.

    Args:
        alike: Of the run.
        image_id: Of an image whose features are known.
        most: How many.
        hidden: Ids of images that are not to be found.

    Returns:
        None where the image's features are not known.
    """
    row = alike.rows.get(image_id)
    if row is None:
        return None
    cosines = alike.features[: alike.known] @ alike.features[row]
    own = alike.rows_of_patient[alike.patients[row]]
    never = [*own, *(alike.rows[each] for each in hidden if each in alike.rows)]
    cosines[[each for each in never if each < alike.known]] = -np.inf
    count = min(most, int(np.isfinite(cosines).sum()))
    if not count:
        return []
    found = np.argpartition(-cosines, count - 1)[:count]
    ranked = found[np.argsort(-cosines[found], kind="stable")]
    return [
        AlikeImage(
            image_id=alike.image_ids[each], cosine=float(cosines[each]), words=in_words(alike, cosines[each])
        )
        for each in ranked
    ]


def in_words(alike: Alike, cosine: float) -> str:
    """Say how alike two images are, by how near training images have their nearest one of another patient."""
    rarely, often = alike.usual
    if cosine >= often:
        return "very similar"
    return "similar" if cosine >= rarely else "less similar than training images are to their nearest"


def save_alike(folder: Path, alike: Alike) -> None:
    """Write the features of a run's images into its folder.

    Raises:
        WorkspaceError: The folder cannot be written to.
    """
    stream = io.BytesIO()
    np.savez(
        stream,
        image_ids=np.array(alike.image_ids, dtype=np.str_),
        patients=np.array(alike.patients, dtype=np.str_),
        known=np.array(float(alike.known)),
        features=np.ascontiguousarray(alike.features, dtype=np.float16),
        centre=alike.centre.astype(np.float32),
        axes=np.ascontiguousarray(alike.axes, dtype=np.float32),
        usual=np.array(alike.usual),
    )
    write_atomic(folder / FILE, stream.getvalue())


def load_alike(folder: Path) -> Alike | None:
    """Read them back; None where there are none, as in a run of an earlier version.

    Raises:
        RunError: The file is damaged.
    """
    remedy = "Have it made again"
    option = f"overread shift {folder.name} --again"
    try:
        found = read_arrays(folder / FILE, _ARRAYS, RunError, remedy, option=option)
    except FileNotFoundError:
        return None
    features, axes, usual = found["features"].astype(np.float32), found["axes"], found["usual"]
    count = len(found["image_ids"]) if found["image_ids"].ndim == 1 else -1
    fits = (
        features.ndim == axes.ndim == 2
        and found["patients"].shape == (count,)
        and features.shape == (count, len(axes))
        and found["centre"].shape == axes.shape[1:]
        and found["known"].ndim == 0
        and 0 <= int(found["known"]) <= count
        and usual.shape == (2,)
        and all(np.isfinite(array).all() for array in (features, axes, found["centre"], usual))
    )
    if not fits:
        raise RunError(
            f"{folder / FILE} is damaged or was changed: its arrays do not belong together",
            remedy,
            option=option,
        )
    return Alike(
        image_ids=tuple(found["image_ids"].tolist()),
        patients=tuple(found["patients"].tolist()),
        known=int(found["known"]),
        features=features,
        centre=found["centre"].astype(np.float64),
        axes=axes.astype(np.float64),
        usual=(float(usual[0]), float(usual[1])),
    )
