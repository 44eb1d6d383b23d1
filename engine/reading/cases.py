"""Runs and cases: found, or said not to be there; added, with what is predicted of them kept in the chain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, exists, func, literal_column, select, update

from engine.errors import ReviewError, StoreError
from engine.language import _
from engine.reading import row_mapping as rows
from engine.reading.case_places import batches, set_places
from engine.reading.ledger.chain import PROGRAM, append
from engine.reading.migrations.schema import (
    ANSWERS,
    CASES,
    LAST_ANSWERS,
    PREDICTIONS,
    RUNS,
    SEARCHED,
    STUDIES,
)
from engine.records import Prediction

# Built once: building a statement takes longer than carrying it out.
_RUN = select(RUNS).where(RUNS.c.run_id == bindparam("run_id"))
_CASE = select(CASES).where(CASES.c.run_id == bindparam("run_id"), CASES.c.image_id == bindparam("image_id"))


def find_run(connection: Connection, run_id: str) -> Row[Any]:
    """Return a run's row.

    Raises:
        StoreError: There is none.
    """
    found = connection.execute(_RUN, {"run_id": run_id}).one_or_none()
    if found is None:
        raise no_run(run_id)
    return found


def no_run(run_id: str) -> StoreError:
    """Return what is said where there is no such run."""
    return StoreError(
        _("The database has no run {run_id}").format(run_id=run_id),
        _("Choose a run from the list, or train one"),
    )


def find_case(connection: Connection, run_id: str, image_id: str) -> Row[Any]:
    """Return a case's row.

    Raises:
        ReviewError: The run has no such case.
    """
    row = connection.execute(_CASE, {"run_id": run_id, "image_id": image_id}).one_or_none()
    if row is None:
        raise no_case(run_id, image_id)
    return row


def no_case(run_id: str, image_id: str) -> ReviewError:
    """Return what is said where a run has no such case."""
    return ReviewError(
        _("Run {run_id} has no case {image_id}").format(run_id=run_id, image_id=image_id[:12]),
        _("Reload the page and choose the case again"),
    )


def add_cases(connection: Connection, run_id: str, predictions: Iterable[Prediction]) -> int:
    """Store what the machine says, inside a write transaction: see `Store.add_cases`."""
    kept = 0
    run = find_run(connection, run_id)
    insert = rows.upsert(connection.dialect.name, CASES)
    same = {"suspicion"}  # no part of what is predicted
    replaced = {
        column.name: insert.excluded[column.name]
        for column in CASES.c
        if not column.primary_key and column.name not in same
    }
    # Named as text: inside ON CONFLICT the table that is written to would be joined in a second time.
    reviewed = exists().where(
        LAST_ANSWERS.c.run_id == literal_column("cases.run_id"),
        LAST_ANSWERS.c.image_id == literal_column("cases.image_id"),
    )
    upsert = insert.on_conflict_do_update(
        index_elements=["run_id", "image_id"], set_=replaced, where=~reviewed
    )
    for batch in batches(predictions, 2000):
        values = [rows.case_row(run, prediction) for prediction in batch]
        stay = _add_predictions(connection, run, values)
        kept += len(stay)
        connection.execute(upsert, values)
        _add_to_search(
            connection,
            run,
            [(row, p) for row, p in zip(values, batch, strict=True) if row["image_id"] not in stay],
        )
        # Where an image lies is no part of what was on the screen: its id says that it is the same one.
        set_places(connection, [(run_id, p.image_id, p.path) for p in batch if p.image_id in stay])
    return kept


def _add_predictions(connection: Connection, run: Row[Any], values: Sequence[dict[str, Any]]) -> set[str]:
    """Add the predictions that are new or have changed to the chain.

    Returns:
        The images that stay as they were, because they have been reviewed.
    """
    names = [row["image_id"] for row in values]
    of_batch = (LAST_ANSWERS.c.run_id == run.run_id, LAST_ANSWERS.c.image_id.in_(names))
    stay = set(connection.scalars(select(LAST_ANSWERS.c.image_id).where(*of_batch).distinct()))
    stored = select(CASES).where(CASES.c.run_id == run.run_id, CASES.c.image_id.in_(names))
    known = {row.image_id: row for row in connection.execute(stored)}
    new = [
        rows.prediction_row(run, row)
        for row in values
        if row["image_id"] not in stay and not rows.says_the_same(known.get(row["image_id"]), row)
    ]
    if new:
        append(connection, PREDICTIONS, new, author=PROGRAM)
    return stay


def _add_to_search(
    connection: Connection, run: Row[Any], told: Sequence[tuple[Mapping[str, Any], Prediction]]
) -> None:
    """Keep what cases are searched by; columns of theirs that are known already stay where none are given."""
    searched = [rows.searched_row(run, row, prediction) for row, prediction in told]
    changed = tuple(column.name for column in SEARCHED.c if not column.primary_key)
    none = rows.searched_meta({})
    for some, names in (
        ([row for row in searched if row["meta"] != none], changed),
        ([row for row in searched if row["meta"] == none], tuple(name for name in changed if name != "meta")),
    ):
        if some:
            keys = ("run_id", "position")
            connection.execute(rows.writing(connection.dialect.name, SEARCHED, keys, names), some)


def lacks_columns(connection: Connection, run_id: str) -> bool:
    """Return whether cases were stored by a version that did not keep what lies beside them in the run's folder."""
    found = select(SEARCHED.c.position).where(SEARCHED.c.run_id == run_id, SEARCHED.c.meta == "").limit(1)
    return connection.execute(found).one_or_none() is not None


def add_columns(
    connection: Connection,
    run_id: str,
    distances: Mapping[str, float],
    metas: Mapping[str, Mapping[str, str]],
) -> None:
    """Keep distances and other columns of such cases: see `Store.add_columns`."""
    of_case = (CASES.c.run_id == run_id, CASES.c.image_id == bindparam("of_image"))
    if distances:
        connection.execute(
            update(CASES).where(*of_case, CASES.c.distance.is_(None)).values(distance=bindparam("measured")),
            [{"of_image": image_id, "measured": distance} for image_id, distance in distances.items()],
        )
    told = [{"of_image": image_id, "told": rows.searched_meta(meta)} for image_id, meta in metas.items()]
    empty = (SEARCHED.c.run_id == run_id, SEARCHED.c.meta == "")
    if told:
        of_searched = SEARCHED.c.image_id == bindparam("of_image")
        connection.execute(update(SEARCHED).where(*empty, of_searched).values(meta=bindparam("told")), told)
    connection.execute(update(SEARCHED).where(*empty).values(meta=rows.searched_meta({})))


def summaries() -> Select[Any]:
    """Select what is known of every run, the newest first."""
    cases = select(func.count()).where(CASES.c.run_id == RUNS.c.run_id).scalar_subquery()
    # said of which run, as it stands two queries further in: else those of every run would be counted
    studies = select(STUDIES.c.study_id).correlate(RUNS)
    studies = studies.where(STUDIES.c.run_id == RUNS.c.run_id, STUDIES.c.event.is_(None))
    reviews = _counted(studies).scalar_subquery()
    found = select(RUNS, cases.label("cases"), reviews.label("reviews"))
    return found.order_by(RUNS.c.run_id.desc())  # ids sort by time: the newest run is the same one everywhere


def _counted(study_ids: Select[Any]) -> Select[Any]:
    """Select how many answers of studies were not taken back: each that was has a row that says so."""
    back = select(func.count()).where(ANSWERS.c.study_id.in_(study_ids), ANSWERS.c.verdict == rows.TAKEN_BACK)
    every = select(func.count()).where(ANSWERS.c.study_id.in_(study_ids))
    return select(every.scalar_subquery() - 2 * back.scalar_subquery())
