"""A film is packed for the first reader and kept for the others, within its bytes, and never after its file changed."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from engine.errors import ImageError
from engine.images import kept_films
from engine.images.kept_films import kept_film_levels
from engine.images.pictures import film_levels
from engine.storage import KEPT_BYTES
from tests.engine.images import raw


def film(path: Path, seed: int = 0) -> str:
    data = raw.dicom(np.random.default_rng(seed).integers(0, 4096, (500, 400), np.uint16))
    path.write_bytes(data)
    return sha256(data).hexdigest()


def kept(cache: Path) -> list[Path]:
    return sorted((cache / "depth").glob("*"))


def test_the_second_reader_gets_the_first_ones_packing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, cache = tmp_path / "a.dcm", tmp_path / "cache"
    image_id = film(path)
    expected = film_levels(path, image_id)
    assert kept_film_levels(cache, path, image_id, unchanged=True) == expected
    monkeypatch.setattr(kept_films, "film_levels", lambda *args, **more: pytest.fail("packed again"))
    assert kept_film_levels(cache, path, image_id, unchanged=True) == expected


def test_a_file_that_changed_is_refused_at_once_though_its_size_and_time_are_the_same(tmp_path: Path) -> None:
    path, cache = tmp_path / "a.dcm", tmp_path / "cache"
    image_id = film(path)
    kept_film_levels(cache, path, image_id, unchanged=True)
    before = path.stat()
    film(path, seed=1)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    with pytest.raises(ImageError, match="has changed since it was indexed"):
        kept_film_levels(cache, path, image_id, unchanged=True)
    path.unlink()
    with pytest.raises(ImageError):
        kept_film_levels(cache, path, image_id, unchanged=True)


def test_what_was_not_looked_at_for_longest_leaves_first_and_the_bytes_stay_within_their_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths, cache = [tmp_path / f"{number}.dcm" for number in range(4)], tmp_path / "cache"
    ids = [film(path, seed) for seed, path in enumerate(paths)]
    each = len(film_levels(paths[0], ids[0]))
    assert each > kept_films.LEAST_KEPT
    monkeypatch.setitem(KEPT_BYTES, "depth", round(2.5 * each))
    for number, (path, image_id) in enumerate(zip(paths[:2], ids, strict=False)):
        kept_film_levels(cache, path, image_id)
        for file in kept(cache):
            os.utime(file, (number, number))
    first = paths[0]
    kept_film_levels(cache, first, ids[0])  # looked at again: now the second is the older one
    for path, image_id in zip(paths[2:], ids[2:], strict=True):
        kept_film_levels(cache, path, image_id)
        assert sum(file.stat().st_size for file in kept(cache)) <= KEPT_BYTES["depth"]
    assert len(kept(cache)) == 2


def test_where_nothing_can_be_kept_films_are_shown_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    image_id = film(path)
    (tmp_path / "cache").write_text("no folder")
    assert kept_film_levels(tmp_path / "cache", path, image_id) == film_levels(path, image_id)
