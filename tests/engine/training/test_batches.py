"""Promises of batches: banked views of an image are shown in turn."""

from __future__ import annotations

import numpy as np

from engine.training import batches


def test_an_image_shows_every_banked_view_once_before_any_twice() -> None:
    numbers = (batches.PLAIN, 0, 1, 2)
    views = {number: np.full((5, 1), number, dtype=np.float32) for number in numbers}
    source = batches.BatchSource(
        cache=None, device="cpu", augmenter=None, rest=None, copy_augmenter=None, views=views
    )  # type: ignore[arg-type]
    rows, nothing = np.arange(5), np.zeros(5, dtype=np.int64)
    shown = np.stack(
        [
            source.inputs(rows, view=epoch, copies=nothing, where=nothing > 0).numpy()[:, 0]
            for epoch in range(8)
        ]
    )
    for image in range(5):
        assert set(shown[:4, image]) == set(shown[4:, image]) == set(numbers)
    everywhere = nothing == 0  # copies that must be changed: in turn too, but never as they are
    changed = np.stack(
        [
            source.inputs(rows, view=epoch, copies=nothing, where=everywhere).numpy()[:, 0]
            for epoch in range(6)
        ]
    )
    for image in range(5):
        assert set(changed[:3, image]) == set(changed[3:, image]) == set(numbers) - {batches.PLAIN}
    assert len(set(shown[0])) > 1  # not every image shows the same view in one epoch
