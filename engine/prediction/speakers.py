"""Which of a run's models speak of which images."""

from __future__ import annotations

from collections.abc import Sequence

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
