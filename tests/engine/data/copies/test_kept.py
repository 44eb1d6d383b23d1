"""Looks come back as they were, from the file or from memory, in whatever order they are asked for."""

from __future__ import annotations

import hashlib
import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from engine.data.copies import kept
from engine.data.copies.kept import Looks, Thumbnails
from engine.data.copies.looks import HASH_BYTES, THUMBNAIL


@pytest.mark.parametrize("writable", [True, False])
@pytest.mark.parametrize("images", [0, 1, 6, 7, 20])
def test_looks_are_found_by_their_images(
    images: int, writable: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "PIECE", 3)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path if writable else tmp_path / "nowhere"))
    rng = np.random.default_rng(0)
    told = {
        hashlib.sha256(bytes([number])).hexdigest(): rng.bytes(HASH_BYTES + THUMBNAIL**2)
        for number in range(images)
    }
    looks = Looks.of({**told, "flat": b"", "nö\udcff": bytes(HASH_BYTES + THUMBNAIL**2)})
    asked = [*sorted(told), "flat", "never seen"]
    places = looks.places(asked)
    assert len(looks) == images + 1 and places[images:].tolist() == [-1, -1]
    here = places[:images]
    assert [each.tobytes() for each in looks.hashes(here)] == [told[one][:HASH_BYTES] for one in sorted(told)]
    thumbnails = Thumbnails(looks, here)
    assert [each.tobytes() for each in thumbnails[:]] == [told[one][HASH_BYTES:] for one in sorted(told)]
    assert np.array_equal(thumbnails[np.arange(images)[::-1]], thumbnails[:][::-1])
    assert len(thumbnails) == images and not list(tmp_path.iterdir())  # nothing that would be left behind


def test_a_hundred_bytes_are_kept_of_an_image_while_others_are_read() -> None:
    looks, look = Looks(), bytes(HASH_BYTES + THUMBNAIL**2)
    tracemalloc.start()
    for number in range(4 * kept.PIECE):
        looks.add(str(number), look)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert HASH_BYTES * len(looks) < held < 100 * len(looks)
