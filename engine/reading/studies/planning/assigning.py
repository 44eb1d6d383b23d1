"""Who reads which image of a study, in which arm and order: drawn from a run or from images, and written down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from engine.errors import ReviewError, StoreError
from engine.language import _, listed, number
from engine.reading import row_mapping as rows
from engine.reading.case_places import batches
from engine.reading.cases import find_run
from engine.reading.ledger.chain import AT_ONCE, PROGRAM, Columns, add_many, append, digest
from engine.reading.migrations.schema import ASSIGNMENTS, CASES, IMAGE_PLACES, IMAGES, PREDICTIONS, TASKS
from engine.reading.studies.planning.adding import assignments_of, tasks_of
from engine.reading.studies.planning.designs import DESIGNS, Arm
from engine.reading.studies.planning.drawing import Candidate, misled, order, positions_taken
from engine.reading.studies.planning.protocol import Drawn, Protocol
from engine.reading.studies.planning.records import Study
from engine.records import Sample

_TASK = insert(TASKS)
Found = Mapping[str, dict[str, Any]]
"""Image id → what the tables keep of it, with its path, and what the run predicted."""
Told = Columns
"""What a reader reads, and when: very many rows, as their columns."""


def with_classes_of_run(connection: Connection, protocol: Protocol) -> Protocol:
    """Return a protocol with the classes of its run, where it does not say which they are.

    Raises:
        ReviewError: It names others.
        StoreError: There is no such run.
    """
    run = find_run(connection, protocol.run_id or "")
    if protocol.classes and protocol.classes != tuple(run.classes):
        raise ReviewError(
            _("The classes of the study are not those of run {run_id} ({classes})").format(
                run_id=protocol.run_id, classes=listed(run.classes)
            ),
            _("Leave them out: the run tells them"),
        )
    return replace(protocol, classes=tuple(run.classes), positive=protocol.positive or run.positive)


def found(connection: Connection, protocol: Protocol, samples: Iterable[Sample]) -> Found:
    """Return the images that a study of this protocol may have: those of its run, or else of a data set."""
    return of_run(connection, protocol.run_id) if protocol.run_id is not None else of_samples(samples)


def of_run(connection: Connection, run_id: str) -> Found:
    """Return the images that a run has predicted."""
    find_run(connection, run_id)
    columns = (
        CASES.c.image_id,
        CASES.c.patient_id,
        CASES.c.label,
        CASES.c.part,
        CASES.c.path,
        CASES.c.predicted,
    )
    names = [one.name for one in columns]
    found = connection.execute(select(*columns).where(CASES.c.run_id == run_id))
    return {row[0]: dict(zip(names, row, strict=True)) for row in found}


def of_samples(samples: Iterable[Sample]) -> Found:
    """Return the images of a data set."""
    return {
        one.image_id: {
            "image_id": one.image_id,
            "patient_id": one.patient_id,
            "label": one.label,
            "part": one.part,
            "path": str(one.path),
            "metadata": dict(one.meta) or None,
            "predicted": None,
        }
        for one in samples
    }


def candidates(found: Found) -> list[Candidate]:
    """Return what cases are drawn from."""
    names = ("image_id", "label", "part", "predicted")
    return [Candidate(**{name: told[name] for name in names}) for told in found.values()]


def keep_images(connection: Connection, found: Found, image_ids: Sequence[str]) -> None:
    """Write down what came with images, where it is not known already, and where their files lie."""
    names = ("image_id", "patient_id", "label", "part", "metadata")
    for batch in batches(image_ids, AT_ONCE):
        told = [{name: found[one].get(name) for name in names} for one in batch]
        known = newest_images(connection, batch)
        new = [
            each
            for each in told
            if each["image_id"] not in known
            or any(getattr(known[each["image_id"]], name) != each[name] for name in names)
        ]
        if new:
            append(connection, IMAGES, new, author=PROGRAM)
        placing = rows.writing(connection.dialect.name, IMAGE_PLACES, ("image_id",), ("path",))
        add_many(connection, placing, {"image_id": batch, "path": [found[one]["path"] for one in batch]})


def newest_images(connection: Connection, image_ids: Sequence[str]) -> dict[str, Row[Any]]:
    """Return the newest row of each of up to some thousand images."""
    found = select(IMAGES).where(IMAGES.c.image_id.in_(image_ids)).order_by(IMAGES.c.seq)
    return {row.image_id: row for row in connection.execute(found)}


def with_cases(
    connection: Connection, protocol: Protocol, before: Sequence[str], found: Found, ids: Sequence[str]
) -> Drawn:
    """Return how the cases of a study were drawn, now that it has some more.

    Args:
        connection: To the database.
        protocol: Of the study.
        before: Its cases.
        found: What is known of the new ones.
        ids: The new ones.
    """
    known = [row for batch in batches(before, 2000) for row in newest_images(connection, batch).values()]
    labels = [*(row.label for row in known), *(found[one]["label"] for one in ids)]
    told = bool(protocol.positive) and None not in labels
    return replace(
        protocol.drawn,
        n=len(before) + len(ids),
        listed=True,
        positives=labels.count(protocol.positive) if told else None,
        images=digest(sorted([*before, *ids])),
    )


def assignments(
    study_id: str,
    protocol: Protocol,
    image_ids: Sequence[str],
    *,
    wrong: set[str],
    reader_id: str,
    predictions: Mapping[str, int],
    after: int = 0,
) -> Told:
    """Return what a reader reads of these images, and when.

    Args:
        study_id: Of the study.
        protocol: Of the study.
        image_ids: The cases.
        wrong: Those whose advice is to be wrong.
        reader_id: To whom: one of the protocol's.
        predictions: Image → the row of its prediction: see `predictions_of`.
        after: How many cases the reader has already.
    """
    told = order(
        protocol.design,
        image_ids,
        reader_id=reader_id,
        place=protocol.readers.index(reader_id),
        seed=protocol.seed,
        after=after,
    )
    told.sort(key=itemgetter(0))  # as an index has them: in any other order it takes longer
    images, arms, positions = zip(*told, strict=True) if told else ((), (), ())
    return {
        "study_id": [study_id] * len(told),
        "reader_id": [reader_id] * len(told),
        "image_id": images,
        "arm": arms,
        "position": positions,
        "prediction": [predictions[image] if arm == "assisted" else None for image, arm, _position in told],
        "wrong": [arm == "assisted" and image in wrong for image, arm, _position in told],
    }


def write_assignments(connection: Connection, told: Told, *, author: str) -> list[int]:
    """Write down who reads what, inside a write transaction, and return the rows' numbers."""
    return append(connection, ASSIGNMENTS, told, author=author)


def tasks(told: Told, numbers: Sequence[int]) -> Columns:
    """Return what is to be read of assignments that were given these numbers, in the order in which it is."""
    positions = told["position"]
    at = sorted(range(len(numbers)), key=positions.__getitem__)  # in any other order the table takes longer
    own = {name: told[name] for name in ("position", "image_id", "arm")} | {"assignment": numbers}
    return {
        "study_id": told["study_id"],
        "reader_id": told["reader_id"],
        **{name: [*map(column.__getitem__, at)] for name, column in own.items()},
        "answer": [None] * len(numbers),
    }


def write_tasks(connection: Connection, told: Columns) -> None:
    """Write down what is to be read, inside a write transaction."""
    add_many(connection, _TASK, told)


def rows_of(columns: Columns, some: Sequence[int]) -> Columns:
    """Return rows that follow one another, by their places."""
    return {name: column[some[0] : some[-1] + 1] for name, column in columns.items()}


def predictions_of(connection: Connection, protocol: Protocol, image_ids: Sequence[str]) -> dict[str, int]:
    """Return the row of each image's newest prediction by the study's run.

    Raises:
        StoreError: The run has not predicted one that is to be read assisted.
    """
    predictions = _newest_predictions(connection, protocol.run_id)
    assisted = "assisted" in DESIGNS[protocol.design].arms
    missing = [one for one in image_ids if assisted and one not in predictions]
    if missing:
        raise StoreError(
            _("Run {run_id} has not predicted {missing} of the images, such as {example}").format(
                run_id=protocol.run_id, missing=number(len(missing)), example=missing[0][:12]
            ),
            _("Predict them with this run first, or draw other cases"),
        )
    return predictions


def to_mislead(found: Found, image_ids: Sequence[str], protocol: Protocol) -> set[str]:
    """Draw the cases of a study whose advice is to be wrong."""
    if not protocol.wrong_advice:
        return set()
    chosen = set(image_ids)
    return misled(
        [each for each in candidates(found) if each.image_id in chosen], protocol.wrong_advice, protocol.seed
    )


def assigned_images(connection: Connection, study: Study) -> list[str]:
    """Return the cases of a study, by their ids."""
    return sorted(connection.scalars(select(ASSIGNMENTS.c.image_id).where(assignments_of(study)).distinct()))


def misled_images(connection: Connection, study: Study) -> set[str]:
    """Return the cases of a study whose advice is wrong on purpose."""
    found = select(ASSIGNMENTS.c.image_id).where(assignments_of(study), ASSIGNMENTS.c.wrong)
    return set(connection.scalars(found.distinct()))


def refuse_twice(before: Iterable[str], image_ids: Iterable[str]) -> None:
    """Refuse to assign cases that a study has already."""
    twice = set(before) & set(image_ids)
    if twice:
        raise ReviewError(
            _("{twice} of these cases are in the study already, such as {example}").format(
                twice=number(len(twice)), example=min(twice)[:12]
            ),
            _("Leave them out"),
        )


def taken(connection: Connection, study: Study, reader_id: str) -> int:
    """Return how many cases a reader of a study has been given."""
    last = (
        select(TASKS.c.arm, func.max(TASKS.c.position))
        .where(tasks_of(study), TASKS.c.reader_id == reader_id)
        .group_by(TASKS.c.arm)
    )
    positions: dict[Arm, int] = dict(connection.execute(last).tuples().all())
    return positions_taken(study.protocol.design, positions)


def _newest_predictions(connection: Connection, run_id: str | None) -> dict[str, int]:
    if run_id is None:
        return {}
    newest = func.max(PREDICTIONS.c.seq)
    found = select(PREDICTIONS.c.image_id, newest).where(PREDICTIONS.c.run_id == run_id)
    return dict(connection.execute(found.group_by(PREDICTIONS.c.image_id)).tuples().all())
