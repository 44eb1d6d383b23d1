"""Promises of images that look alike: the nearest come first, never of the same patient; files come back as written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.errors import RunError
from engine.runs.alike.features import FILE, Alike, fit_alike, in_words, load_alike, nearest, save_alike


def kinds(count: int = 60, width: int = 300) -> NDArray[np.float64]:
    """Image n is of kind n % 6: far from other kinds, near its own."""
    rng = np.random.default_rng(0)
    return rng.normal(0, 5, (6, width))[np.arange(count) % 6] + rng.normal(0, 1, (count, width))


def made(known: int = 48) -> Alike:
    features = kinds()
    patients = [f"P{number // 12}" for number in range(60)]  # two images of each kind, of each patient
    fitted = fit_alike(features[:known], patients[:known])
    return replace(
        fitted,
        image_ids=tuple(f"{number:064x}" for number in range(60)),
        patients=tuple(patients),
        known=known,
        features=fitted.directions(features),
    )


def test_the_nearest_are_training_images_of_the_same_kind_and_of_other_patients() -> None:
    alike, features = made(), kinds()
    for number in (0, 17, 50):
        found = nearest(alike, alike.image_ids[number])
        assert found is not None and len(found) == 5
        places = [alike.rows[one.image_id] for one in found]
        assert all(place < 48 and place % 6 == number % 6 for place in places)
        assert all(alike.patients[place] != alike.patients[number] for place in places)
        cosines = [one.cosine for one in found]
        assert cosines == sorted(cosines, reverse=True)
        # the same by all features, as they are: the mean of training images is where directions begin
        rest = features - features[:48].mean(axis=0)
        rest /= np.linalg.norm(rest, axis=1, keepdims=True)
        assert cosines == pytest.approx([float(rest[place] @ rest[number]) for place in places], abs=0.06)


def test_hidden_images_are_not_found_and_of_unknown_ones_nothing_is_said() -> None:
    alike = made()
    first = nearest(alike, alike.image_ids[50])
    assert first is not None
    hidden = {one.image_id for one in first}
    second = nearest(alike, alike.image_ids[50], hidden=[*hidden, "f" * 64])
    assert second is not None and not hidden & {one.image_id for one in second}
    assert nearest(alike, "f" * 64) is None
    alone = replace(alike, patients=("P",) * 60)
    assert nearest(alone, alike.image_ids[50]) == []


def test_words_follow_how_near_training_images_lie_to_each_other() -> None:
    alike = made()
    rarely, often = alike.usual
    assert -1 <= rarely <= often <= 1
    words = [in_words(alike, cosine) for cosine in (often, (rarely + often) / 2, rarely - 0.01)]
    assert words == ["very similar", "similar", "less similar than training images are to their nearest"]


def test_it_is_read_back_as_it_was_written_and_a_damaged_file_is_named(tmp_path: Path) -> None:
    assert load_alike(tmp_path) is None
    save_alike(tmp_path, made())
    again = load_alike(tmp_path)
    assert again is not None
    before, after = (nearest(one, made().image_ids[50]) for one in (made(), again))
    assert before is not None and after is not None
    assert [one.image_id for one in before] == [one.image_id for one in after]
    for damage in (
        {"known": 61},
        {"patients": ("P",) * 59},
        {"axes": made().axes[:, :-1]},
        {"features": np.full_like(made().features, np.nan)},
    ):
        save_alike(tmp_path, replace(made(), **damage))
        with pytest.raises(RunError, match=r"alike\.npz is damaged .*overread shift"):
            load_alike(tmp_path)
    (tmp_path / FILE).write_bytes(b"damaged")
    with pytest.raises(RunError, match=r"alike\.npz"):
        load_alike(tmp_path)
