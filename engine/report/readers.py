"""What readers did and said, and how far they agree with each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields
from statistics import median
from typing import Any

import numpy as np

from engine.records import (
    Estimate,
    Prediction,
    Review,
    Run,
    Verdict,
)
from engine.report.records import Picture as Picture, ReviewSummary
from engine.report.reference_standards import answer_of
from engine.statistics import cohen_kappa, fleiss_kappa, inestimable

NOT_TOLD = {"run_id", "image_id", "created", "review_id"}  # a report says whose and of which case, not when


def answers_in(review: Review) -> dict[str, Any]:
    """Return what a review says, field by field, as the tables and the JSON of a report write it."""
    return {field.name: getattr(review, field.name) for field in fields(review) if field.name not in NOT_TOLD}


def summarise_reviews(
    run: Run,
    predictions: Sequence[Prediction],
    last: Mapping[str, Mapping[str, Review]],
    reviewed: Mapping[str, str],
) -> ReviewSummary:
    """Count what readers did and how far they agree with each other."""
    words = [review for of_case in last.values() for review in of_case.values()]
    counts = Counter(review.verdict for review in words)
    label = {each.image_id: each.label for each in predictions}
    both = [image_id for image_id in reviewed if label[image_id] in run.classes]
    return ReviewSummary(
        readers=len({review.reader for review in words}),
        cases=len(last),
        verdicts={verdict.value: counts[verdict] for verdict in Verdict},
        seconds=median(review.seconds for review in words) if words else float("nan"),
        differing=sum(reviewed[image_id] != label[image_id] for image_id in both),
        comparable=len(both),
        kappa=reader_agreement(run, predictions, last),
    )


def reader_agreement(
    run: Run, predictions: Sequence[Prediction], last: Mapping[str, Mapping[str, Review]]
) -> Estimate | None:
    """Return Cohen's kappa of two readers, or Fleiss' of more, on the cases to which all gave a class."""
    readers = sorted({reader for of_case in last.values() for reader in of_case})
    if len(readers) < 2:
        return None
    answers = []
    for each in predictions:
        of_case = last.get(each.image_id, {})
        given = [answer_of(of_case[name], each.predicted) for name in readers if name in of_case]
        if len(given) == len(readers) and all(answer in run.classes for answer in given):
            answers.append([run.classes.index(answer) for answer in given if answer is not None])
    if not answers:
        return inestimable("no case was given a class by every reader", 0)
    table = np.array(answers)
    if len(readers) == 2:
        return cohen_kappa(table[:, 0], table[:, 1])
    return fleiss_kappa(np.stack([(table == code).sum(axis=1) for code in range(len(run.classes))], axis=1))
