"""What readers did and said, and how far they agree with each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields
from itertools import combinations
from statistics import median
from typing import Any

import numpy as np

from engine.reading import Store, experience
from engine.records import (
    Prediction,
    Review,
    Run,
    Verdict,
)
from engine.report.records import Agreement, Fact, ReviewSummary
from engine.report.standards.reference_standards import answer_of
from engine.statistics import cohen_kappa, krippendorff_alpha

UNREAD = -1

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
        agreement=reader_agreement(run, predictions, last),
    )


def reader_agreement(
    run: Run, predictions: Sequence[Prediction], last: Mapping[str, Mapping[str, Review]]
) -> tuple[Agreement, ...]:
    """Return how far readers agree: Cohen's kappa of every two on the cases both gave a class, then all together.

    Readers need not have read the same cases. Of more than two, Krippendorff's alpha stands first.
    """
    readers = sorted({reader for of_case in last.values() for reader in of_case})
    if len(readers) < 2:
        return ()
    code = {name: number for number, name in enumerate(run.classes)}
    answers = np.full((len(readers), len(predictions)), UNREAD, dtype=np.int64)
    for place, each in enumerate(predictions):
        for number, reader in enumerate(readers):
            review = last.get(each.image_id, {}).get(reader)
            answer = None if review is None else answer_of(review, each.predicted)
            answers[number, place] = code.get(answer or "", UNREAD)
    patients = np.array([each.patient_id for each in predictions])
    pairs = []
    for first, second in combinations(range(len(readers)), 2):
        both = (answers[first] != UNREAD) & (answers[second] != UNREAD)
        kappa = cohen_kappa(answers[first, both], answers[second, both], patients[both])
        pairs.append(Agreement(f"kappa of {readers[first]} and {readers[second]}", kappa))
    if len(readers) == 2:
        return (Agreement("kappa", pairs[0].estimate),)
    counts = np.stack([(answers == number).sum(axis=0) for number in code.values()], axis=1)
    alpha = krippendorff_alpha(counts, patients)
    return (Agreement("Krippendorff's alpha", alpha), *pairs)


def facts_of_evidence(store: Store, run: Run) -> list[Fact]:
    """Say who read, and which row of the chain of evidence is the newest: an anchor that lies outside the database."""
    head, read = store.head(), set(store.readers(run.run_id))
    people = [experience(reader) for reader in store.people() if reader.name in read]
    facts = [Fact("Readings", "Anchor", f"{head.seq}:{head.hash}")]
    return [Fact("Readings", "Readers", "; ".join(people)), *facts] if people else facts
