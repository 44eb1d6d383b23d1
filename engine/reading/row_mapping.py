"""Rows of the database and records of the engine, each turned into the other.

A field of `Review` is a column of an answer of the same name: one that is text, a number or nothing needs no line here.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Row, Table
from sqlalchemy.dialects import postgresql, sqlite

from engine.errors import StoreError
from engine.records import (
    Prediction,
    ProbabilityBlock,
    Region,
    Review,
    Run,
    Uncertainty,
    Verdict,
    margin_of,
)

AnyRow = Row[Any]

TAKEN_BACK = "taken back"
"""What stands in place of a verdict where an answer is taken back; `supersedes` says which."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunSummary:
    """What the store knows of a run.

    Attributes:
        run_id: Sorts by time.
        dataset_id: Of the `Index` it was trained on.
        dataset_name: For people.
        recipe_name: For people.
        classes: In the order of the probabilities.
        positive: The class whose finding sensitivity speaks of.
        threshold: Of the positive class; NaN where there is none.
        created: With time zone.
        cases: How many predictions are stored.
        reviews: How many reviews, corrections included.
    """

    run_id: str
    dataset_id: str
    dataset_name: str
    recipe_name: str
    classes: tuple[str, ...]
    positive: str
    threshold: float
    created: datetime
    cases: int
    reviews: int


def iso(moment: datetime) -> str:
    """Return a moment in UTC as ISO 8601; one without time zone is taken as local."""
    return (moment if moment.tzinfo else moment.astimezone()).astimezone(UTC).isoformat()


def random_place(run_id: str, image_id: str) -> int:
    """Return a case's place in the stable random order of its run."""
    # 63 bits of a hash: an order that has nothing to do with class, patient or date, equal for all readers,
    # and that needs no counter, so cases can be added later and in any order.
    return int.from_bytes(hashlib.blake2b(f"{run_id}/{image_id}".encode(), digest_size=8).digest()) >> 1


def case_row(run: AnyRow, prediction: Prediction) -> dict[str, Any]:
    """Return what is stored of a prediction of a run, given as its row.

    Raises:
        StoreError: It does not fit the classes of the run.
    """
    run_id, classes = run.run_id, tuple(run.classes)
    if prediction.predicted not in classes or len(prediction.probabilities) != len(classes):
        raise StoreError(
            f"The prediction of {prediction.path.name} does not fit the classes of run {run_id}",
            "Predict the cases again with this run",
        )
    return {
        "run_id": run_id,
        "image_id": prediction.image_id,
        "position": random_place(run_id, prediction.image_id),
        "path": str(prediction.path),
        "label": prediction.label,
        "patient_id": prediction.patient_id,
        "part": prediction.part,
        "predicted": prediction.predicted,
        "probabilities": [float(value) for value in prediction.probabilities],
        "confidence": float(prediction.probabilities[classes.index(prediction.predicted)]),
        "entropy": float(prediction.entropy),
        "wrong": None if prediction.label is None else prediction.label != prediction.predicted,
        "uncertainty": None if prediction.uncertainty is None else asdict(prediction.uncertainty),
        "conformal": list(prediction.conformal_set),
        "margin": _margin(run, classes, prediction) if prediction.margin is None else prediction.margin,
        "distance": prediction.distance,
    }


def searched_row(run: AnyRow, case: Mapping[str, Any], prediction: Prediction) -> dict[str, Any]:
    """Return what a case is searched by."""
    classes = tuple(run.classes)
    return {
        **{name: case[name] for name in ("run_id", "position", "image_id", "part", "confidence")},
        "score": case["probabilities"][classes.index(run.positive)]
        if run.positive in classes
        else case["confidence"],
        "file": prediction.path.name.casefold(),
        "patient": "" if case["patient_id"] == case["image_id"] else case["patient_id"].casefold(),
        "predicted": case["predicted"].casefold(),
        "label": (case["label"] or "").casefold(),
        "meta": searched_meta(prediction.meta),
    }


def searched_meta(meta: Mapping[str, str]) -> str:
    """Return the other columns that came with an image as a search finds them; empty means not looked up yet."""
    lines = [f"{name}={value}".casefold().replace("\n", " ") for name, value in meta.items() if value != ""]
    return "\n" + "".join(f"{line}\n" for line in lines)


def _margin(run: AnyRow, classes: tuple[str, ...], prediction: Prediction) -> float:
    return margin_of(
        prediction.probabilities,
        classes.index(prediction.predicted),
        positive=classes.index(run.positive),
        threshold=math.nan if run.threshold is None else run.threshold,
    )


def run_row(run: Run) -> dict[str, Any]:
    """Return what is stored of a run."""
    return {
        "run_id": run.run_id,
        "dataset_id": run.dataset_id,
        "dataset_name": run.dataset_name,
        "recipe_name": run.name,
        "classes": list(run.classes),
        "positive": run.positive,
        "threshold": run.threshold if math.isfinite(run.threshold) else None,  # SQLite has no NaN
        "created": iso(run.created),
    }


CHAINED_OF_CASE = (
    "run_id", "image_id", "patient_id", "label", "part", "predicted", "probabilities", "confidence", "entropy",
    "margin", "uncertainty", "conformal",
)  # fmt: skip
"""Columns that a case and the prediction in the chain behind it have in common."""


def prediction_row(run: AnyRow, case: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the chain keeps of a case's prediction."""
    return {name: case[name] for name in CHAINED_OF_CASE} | {"threshold": run.threshold}


def says_the_same(stored: AnyRow | None, case: Mapping[str, Any]) -> bool:
    """Return whether a stored case says what a new one says."""
    return stored is not None and all(getattr(stored, name) == case[name] for name in CHAINED_OF_CASE)


# Fields of a review that are no column of the same name: other rows tell them, or other columns.
FROM_ELSEWHERE = {"run_id", "reader", "regions", "created", "review_id", "label_seen"}


def answer_row(review: Review, case: AnyRow) -> dict[str, Any]:
    """Return what is stored of a review: also what the machine said on the screen at the time."""
    said = {
        field.name: getattr(review, field.name)
        for field in fields(review)
        if field.name not in FROM_ELSEWHERE
    }
    return {
        **said,
        "verdict": review.verdict.value,
        "arm": "assisted",
        "finding": "class",
        "predicted": case.predicted,
        "confidence": case.confidence,
    }


def moment_of(review: Review) -> str:
    """Return when a review was given."""
    return iso(review.created or datetime.now(UTC))


def region_row(region: Region, answer: int) -> dict[str, Any]:
    """Return what is stored of a region of an answer."""
    sides = (region.x, region.y, region.width, region.height)
    corners = [side for point in region.points for side in point]
    place = [float(side) for side in corners or sides]
    return {"answer": answer, "finding": region.label, "shape": region.shape, "place": place}


def region(row: AnyRow) -> Region:
    """Return the region that a row holds."""
    if row.shape == "polygon":
        return polygon(list(zip(row.place[::2], row.place[1::2], strict=True)), row.finding)
    x, y, width, height = row.place
    return Region(x=x, y=y, width=width, height=height, label=row.finding, shape=row.shape)


def polygon(points: Sequence[tuple[float, float]], label: str) -> Region:
    """Return the polygon through points, with the box around it."""
    across, down = [x for x, _ in points], [y for _, y in points]
    left, top = min(across), min(down)
    return Region(
        x=left,
        y=top,
        width=max(across) - left,
        height=max(down) - top,
        label=label,
        shape="polygon",
        points=tuple(points),
    )


def last_answer_row(review: Review, case: AnyRow, reader_id: str, answer: int) -> dict[str, Any]:
    """Return what the queues need to know of the newest answer."""
    return {
        "run_id": review.run_id,
        "reader_id": reader_id,
        "position": case.position,
        "image_id": review.image_id,
        "part": case.part,
        "verdict": review.verdict.value,
        "answer": answer,
    }


def upsert(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT that may say what to do where the row is there already."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


@cache
def writing(
    dialect: str, table: Table, keys: tuple[str, ...], changed: tuple[str, ...]
) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT that, where a row of these keys is there already, writes what has changed into it.

    Built once: building it takes longer than carrying it out.
    """
    insert = upsert(dialect, table)
    set_ = {name: insert.excluded[name] for name in changed}
    return insert.on_conflict_do_update(index_elements=keys, set_=set_)


PREDICTED = (
    "image_id",
    "path",
    "label",
    "patient_id",
    "part",
    "probabilities",
    "predicted",
    "entropy",
    "uncertainty",
    "conformal",
    "margin",
    "distance",
)
"""Columns that hold a prediction."""


def prediction(row: AnyRow) -> Prediction:
    """Return the prediction that a row holds."""
    return predicted([getattr(row, name) for name in PREDICTED])


def predicted(values: Sequence[Any], block: ProbabilityBlock | None = None) -> Prediction:
    """Return the prediction that the values of `PREDICTED` make; a row's values by name take ten times as long.

    Args:
        values: Of a row.
        block: Where the probabilities of many cases are kept.
    """
    image_id, path, label, patient_id, part, probabilities, *more = values
    predicted_class, entropy, uncertainty, conformal, margin, distance = more
    return Prediction(
        image_id=image_id,
        path=Path(path),
        label=label,
        patient_id=patient_id,
        part=part,
        probabilities=tuple(probabilities) if block is None else block.add(probabilities),
        predicted=predicted_class,
        entropy=entropy,
        uncertainty=None if uncertainty is None else Uncertainty(**uncertainty),
        conformal_set=tuple(conformal),
        margin=margin,
        distance=distance,
    )


def review(
    row: AnyRow, *, run_id: str, reader: str, regions: tuple[Region, ...], label_seen: bool | None
) -> Review:
    """Return the review that an answer's row holds, with what other rows say of it."""
    stored = {
        field.name: getattr(row, field.name) for field in fields(Review) if field.name not in FROM_ELSEWHERE
    }
    return Review(
        **{**stored, "verdict": Verdict(row.verdict)},
        run_id=run_id,
        reader=reader,
        regions=regions,
        created=datetime.fromisoformat(row.at),
        review_id=row.seq,
        label_seen=label_seen,
    )


def summary(row: AnyRow) -> RunSummary:
    """Return the run that a row holds."""
    return RunSummary(
        run_id=row.run_id,
        dataset_id=row.dataset_id,
        dataset_name=row.dataset_name,
        recipe_name=row.recipe_name,
        classes=tuple(row.classes),
        positive=row.positive,
        threshold=math.nan if row.threshold is None else row.threshold,
        created=datetime.fromisoformat(row.created),
        cases=row.cases,
        reviews=row.reviews,
    )
