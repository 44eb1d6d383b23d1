"""New images that a run has read: kept for the Review page, and what must be known of them.

In: what `engine.pipeline.read_samples` gives. Out: cases in the run's review queue, and sentences.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from engine.data import detail_of, sizes_of
from engine.prediction.predictor import foreign_labels
from engine.reading import Store
from engine.records import PART_NAMES, PARTS, Explanation, Prediction, Run, Sample, recipe_of
from engine.runs import (
    load_explanations,
    load_known,
    load_uncertainty,
    save_distances,
    save_explanations,
    save_sizes,
    save_source,
    split_of,
)
from engine.uncertainty import shift_told


def keep_for_review(
    store: Store,
    run: Run,
    samples: Sequence[Sample],
    predictions: Sequence[Prediction],
    explanations: Mapping[str, Explanation],
    *,
    source: str,
) -> None:
    """Put predicted images into the run's review queue.

    Args:
        store: Of the workspace.
        run: That predicted.
        samples: The images.
        predictions: Of them.
        explanations: Their maps by image id.
        source: What the images came in, for people.

    Raises:
        RunError: What the run keeps is damaged.
        StoreError: They cannot be stored; nothing was.
    """
    save_sizes(run.folder, samples)
    save_distances(run, predictions)
    save_explanations(run.folder, {**load_explanations(run.folder), **explanations}.values())
    store.add_cases(run.run_id, predictions)
    save_source(run.folder, source, (one.image_id for one in predictions))


def told_of(run: Run, samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Iterator[str]:
    """Yield what must be known of images that a run has read; sentences without full stops."""
    if gone := len(samples) - len(predictions):
        were = "was" if gone == 1 else "were"
        yield f"{gone:,} of {len(samples):,} images could not be read any more and {were} left out"
    if (own := seen_before(predictions)) is not None:
        yield own
    if foreign := foreign_labels(run, samples):
        names = ", ".join(f"“{name}” ({count:,})" for name, count in foreign.items())
        yield f"The labels {names} are none of the run's classes ({', '.join(run.classes)}): they are not compared"
    detail = detail_of(recipe_of(run).image_size, split_of(run).trained_on)
    sizes = sizes_of(samples)
    if (small := detail.of_several([sizes.get(sample.image_id) for sample in samples])) is not None:
        yield small
    fitted = load_uncertainty(run.folder)
    coverage = fitted.conformal.coverage if fitted else None
    yield from shift_told(load_known(run), run, predictions, coverage=coverage)[1]


def seen_before(predictions: Sequence[Prediction]) -> str | None:
    """Say how many images are of the run's own data, where what it says is no test; None where none is."""
    counts = Counter(one.part for one in predictions if one.part is not None)
    if not counts:
        return None
    of = " and ".join(f"{counts[part]:,} of its {PART_NAMES[part]} part" for part in PARTS if counts[part])
    used = counts["train"] + counts["val"]
    no_test = ": what it says of images that it was trained or tuned on is no test of it" if used else ""
    verb = "is" if counts.total() == 1 else "are"
    return f"{counts.total():,} of {len(predictions):,} images {verb} of the run's own data ({of}){no_test}"
