"""Which of a reader's verdicts on a case counts."""

from __future__ import annotations

from collections.abc import Iterable

from engine.records import Review


def latest_reviews(reviews: Iterable[Review]) -> dict[str, dict[str, Review]]:
    """Return the last word of each reader on each case: image id → reader → review.

    Reviews are append-only, and a correction is a new one: of two by one reader on one case the one counts that was
    stored later, by its number in the log. The clock has no say, for it may be set back. Among reviews that were
    never stored the one that stands later counts.
    """
    last: dict[str, dict[str, Review]] = {}
    for review in sorted(reviews, key=lambda each: each.review_id or 0):
        last.setdefault(review.image_id, {})[review.reader] = review
    return last
