"""Images from elsewhere that look like images of the run's own data, though their files are others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.data import copies_of_others
from engine.external.cases import ExternalCases
from engine.images import open_cache
from engine.records import Run, Sample, Split, recipe_of

Progress = Callable[[int, int], None]


def with_copies_said(
    run: Run, split: Split, cases: ExternalCases, *, cache_dir: Path, progress: Progress | None = None
) -> ExternalCases:
    """Add a remark on images that a run's own data hold in another file, as public collections repeat one another.

    They stay among the cases: that two images look alike proves no copy.

    Args:
        run: With the size at which its images are decoded: so they lie in the cache already.
        split: Its own images.
        cases: The images from elsewhere.
        cache_dir: Where decoded images are kept.
        progress: Called with images done and images in all; may raise to stop.
    """
    own = _seen(run, [*split.train, *split.val, *split.test], cache_dir, progress)
    found = copies_of_others(own, _seen(run, cases.samples, cache_dir, progress), progress=progress)
    if not found:
        return cases
    remark = (
        f"{len(found):,} of {len(cases.samples):,} {'images looks' if len(found) == 1 else 'images look'} like images "
        "of the run's own data, as they are or mirrored, turned, inverted, cropped or shifted: if these are copies, "
        "this is not external testing; both folders indexed as one data set show the pairs"
    )
    return replace(cases, remarks=(*cases.remarks, remark))


def _seen(
    run: Run, samples: Sequence[Sample], cache_dir: Path, progress: Progress | None
) -> Iterator[tuple[Sample, NDArray[np.uint8]]]:
    """Yield the images that can be read, as the run's net gets them."""
    recipe = recipe_of(run)
    cache = open_cache(
        cache_dir,
        samples,
        size=recipe.image_size,
        channels=recipe.channels,
        fit=recipe.fit,
        progress=progress,
    )
    for sample in samples:
        if (row := cache.row.get(sample.image_id)) is not None:
            image = cache.images[row]
            yield sample, image[..., 0] if recipe.channels == 1 else image
