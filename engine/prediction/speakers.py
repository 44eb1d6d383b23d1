"""Which of a run's models speak of which images, and which images are asked about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from engine.records import Run, Sample
from engine.runs import models_of, tested_by

Speakers = tuple[Run, tuple[Run, ...], list[Sample]]


def speakers(run: Run, samples: Sequence[Sample]) -> list[Speakers]:
    """Say which models of a run speak of which images.

    Of an image that a cross-validation tested, the one model that never saw it; of any other, all models together.

    Returns:
        Whose operating point decides, whose nets look, and at which images.
    """
    models = models_of(run)
    if not run.folds:
        return [(run, models, list(samples))]
    own = tested_by(models)
    shares: list[Speakers] = [
        (model, (model,), [sample for sample in samples if own.get(sample.image_id) == place])
        for place, model in enumerate(models)
    ]
    shares.append((run, models, [sample for sample in samples if sample.image_id not in own]))
    return [share for share in shares if share[2]]


def one_model_each(run: Run, validated: Sequence[tuple[Run, Sequence[Sample]]]) -> list[list[Sample]]:
    """Return the labelled images that each model is asked of: one that validated several, of the one with fewest."""
    places: dict[str, list[int]] = {}
    by_id: dict[str, Sample] = {}
    for place, (_, samples) in enumerate(validated):
        for sample in samples:
            if sample.label in run.classes:
                by_id[sample.image_id] = sample
                places.setdefault(sample.image_id, []).append(place)
    shares: list[list[Sample]] = [[] for _ in validated]
    for image_id, of in places.items():
        min((shares[place] for place in of), key=len).append(by_id[image_id])
    return shares


def shares_of(asked: Sequence[Sequence[Sample]], samples: Sequence[Sample]) -> list[list[Sample]]:
    """Return, of each model, those of some samples that it is asked of (`one_model_each`), in their order."""
    place_of = {sample.image_id: place for place, share in enumerate(asked) for sample in share}
    shares: list[list[Sample]] = [[] for _ in asked]
    for sample in samples:
        shares[place_of[sample.image_id]].append(sample)
    return shares


def drawn_in_turn(samples: Sequence[Sample], most: int, seed: int) -> list[Sample]:
    """Draw samples in turn from every class, and in each from every patient before a second of one."""
    generator = np.random.default_rng(seed)
    queues: dict[str | None, list[Sample]] = {}
    seen: Counter[str] = Counter()
    turns: list[tuple[int, int]] = []
    shuffled = [samples[place] for place in generator.permutation(len(samples))]
    for place, sample in enumerate(shuffled):
        turns.append((seen[sample.patient_id], place))
        seen[sample.patient_id] += 1
    for _, place in sorted(turns):
        queues.setdefault(shuffled[place].label, []).append(shuffled[place])
    longest = max(map(len, queues.values()), default=0)
    ordered = [
        queues[name][turn]
        for turn in range(longest)
        for name in sorted(queues, key=str)
        if turn < len(queues[name])
    ]
    return ordered[:most]
