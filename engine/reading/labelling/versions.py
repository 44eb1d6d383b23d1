"""Versions of a data set's labels, in the chain of evidence: each with its parent, and the answers behind each label.

The first holds the label of every image as it came; each later one only what readings said, so that what an image is
labelled is found by walking from the first version to the one that is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Row, bindparam, func, select

from engine.errors import StoreError
from engine.reading.labelling.drafting import Draft
from engine.reading.ledger.chain import PROGRAM, append, digest
from engine.reading.migrations.schema import CASES, LABEL_VERSIONS, LABELS, REREADS
from engine.reading.people import People, people_of
from engine.records import FIRST_VERSION, LabelRow, LabelVersion

Result = TypeVar("Result")
BATCH = 5_000  # labels of a version that are added to the chain at once


class Append(Protocol):
    """What appends to the chain and returns when it is on the disk: `Store`'s own."""

    def __call__(self, work: Callable[[Connection], Result]) -> Result:
        """Do the work inside a write transaction."""


class Labels:
    """The labels of data sets. Every method is one transaction and may raise `StoreError`.

    Args:
        read: Opens a transaction that sees one state.
        append: Does what adds rows to the chain.
    """

    def __init__(self, read: Callable[[], AbstractContextManager[Connection]], append: Append) -> None:
        self._read = read
        self._append = append

    def versions(self, dataset_id: str) -> list[LabelVersion]:
        """Return the versions of a data set, the first one first; none where nothing was ever corrected."""
        with self._read() as connection:
            return _versions(connection, dataset_id)

    def version(self, dataset_id: str, number: int) -> LabelVersion:
        """Return one version.

        Raises:
            StoreError: There is none of that number.
        """
        with self._read() as connection:
            return _find(_versions(connection, dataset_id), number)

    def of_version(self, dataset_id: str, number: int) -> dict[str, str | None]:
        """Return the label of every image, by image id; raises as `version`."""
        with self._read() as connection:
            known = _versions(connection, dataset_id)
            labels: dict[str, str | None] = {}
            for version in lineage(known, _find(known, number)):
                labels |= {row.image_id: row.label for row in _rows(connection, version)}
        return labels

    def rows(self, dataset_id: str, number: int) -> list[LabelRow]:
        """Return what a version says of the images that it was made from; raises as `version`."""
        with self._read() as connection:
            return _rows(connection, _find(_versions(connection, dataset_id), number))

    def add(
        self, dataset_id: str, came: Mapping[str, str | None], draft: Draft, *, author: str = PROGRAM
    ) -> LabelVersion:
        """Store a version for good, and the first one with it where that is not stored yet.

        Args:
            dataset_id: Of the data set.
            came: The labels that came with the data, of every image.
            draft: What changes.
            author: Who makes it: a reader's id.

        Raises:
            StoreError: Its parent is not there.
        """

        def work(connection: Connection) -> LabelVersion:
            known = _versions(connection, dataset_id)
            if not known:
                known = [_add_first(connection, dataset_id, came)]
            parent = _find(known, draft.parent)
            before: dict[str, str | None] = {}
            for version in lineage(known, parent):
                before |= {row.image_id: row.label for row in _rows(connection, version)}
            people = people_of(connection)
            told = {
                "dataset_id": dataset_id,
                "number": known[-1].number + 1,
                "parent": parent.row,
                "source": draft.source,
                "made_from": draft.made_from,
                "rule": draft.rule,
                "readers": [people.find(name) for name in draft.readers],
                "changed": len(draft.changed),
                "kept": dict(draft.kept),
                "locked": sorted(draft.locked | parent.locked),
                "labels_sha256": fingerprint(before | {row.image_id: row.label for row in draft.rows}),
            }
            _add(connection, told, draft.rows, author)
            return _versions(connection, dataset_id)[-1]

        return self._append(work)

    def drawn_again(self, study_id: str, run_id: str, drawn: Mapping[str, tuple[str, float]]) -> None:
        """Write down which cases of a blinded re-reading were suspected and which are their control.

        Args:
            study_id: Of the study; its readers are not told.
            run_id: Whose test cases they are.
            drawn: Image id → "suspect" or "control", and its suspicion.
        """
        told = [
            {
                "study_id": study_id,
                "run_id": run_id,
                "image_id": image_id,
                "drawn_as": kind,
                "suspicion": suspicion,
            }
            for image_id, (kind, suspicion) in sorted(drawn.items())
        ]
        self._append(lambda connection: append(connection, REREADS, told, author=PROGRAM))

    def drawn_as(self, study_id: str) -> dict[str, str]:
        """Return "suspect" or "control" by image id; nothing where the study is no such re-reading."""
        found = select(REREADS.c.image_id, REREADS.c.drawn_as).where(REREADS.c.study_id == study_id)
        with self._read() as connection:
            return dict(connection.execute(found).tuples().all())

    def suspect(self, run_id: str, scores: Mapping[str, float]) -> int:
        """Write beside a run's cases how likely each label is wrong; returns of how many cases."""
        statement = (
            CASES.update()
            .where(CASES.c.run_id == run_id, CASES.c.image_id == bindparam("image"))
            .values(suspicion=bindparam("score"))
        )
        told = [{"image": image_id, "score": float(score)} for image_id, score in scores.items()]

        def work(connection: Connection) -> int:
            connection.execute(CASES.update().where(CASES.c.run_id == run_id).values(suspicion=None))
            return connection.execute(statement, told).rowcount if told else 0

        return self._append(work)


def lineage(known: Sequence[LabelVersion], version: LabelVersion) -> list[LabelVersion]:
    """Return a version and all it comes from, the first one first."""
    found = [version]
    while found[0].parent is not None:
        found.insert(0, _find(known, found[0].parent))
    return found


def fingerprint(labels: Mapping[str, str | None]) -> str:
    """Return the SHA-256 of labels by image id; an image without a label counts as one that is not there."""
    return digest({image_id: label for image_id, label in labels.items() if label is not None})


def _find(known: Sequence[LabelVersion], number: int) -> LabelVersion:
    for version in known:
        if version.number == number:
            return version
    there = ", ".join(f"v{version.number}" for version in known) or "none but v1, which came with the data"
    raise StoreError(f"The data set has no labels v{number}", f"Choose one of its versions ({there})")


def _versions(connection: Connection, dataset_id: str) -> list[LabelVersion]:
    found = select(LABEL_VERSIONS).where(LABEL_VERSIONS.c.dataset_id == dataset_id)
    rows = connection.execute(found.order_by(LABEL_VERSIONS.c.number)).all()
    if not rows:
        return []
    people, number_of = people_of(connection), {row.seq: row.number for row in rows}
    of_first = select(func.count()).select_from(LABELS).where(LABELS.c.version == rows[0].seq)
    images = int(connection.scalar(of_first) or 0)  # the first holds one for every image
    return [_version(row, number_of, people, images) for row in rows]


def _version(row: Row[Any], number_of: Mapping[int, int], people: People, images: int) -> LabelVersion:
    return LabelVersion(
        dataset_id=row.dataset_id,
        number=row.number,
        parent=None if row.parent is None else number_of[row.parent],
        source=row.source,
        made_from=row.made_from,
        rule=row.rule,
        readers=tuple(sorted({people.name(reader_id) for reader_id in row.readers})),
        images=images,
        changed=row.changed,
        kept=dict(row.kept),
        locked=frozenset(row.locked),
        sha256=row.labels_sha256,
        created=datetime.fromisoformat(row.at),
        row=row.seq,
    )


def _rows(connection: Connection, version: LabelVersion) -> list[LabelRow]:
    found = select(LABELS).where(LABELS.c.version == version.row).order_by(LABELS.c.seq)
    return [
        LabelRow(image_id=row.image_id, label=row.label, answers=tuple(row.answers), reason=row.reason)
        for row in connection.execute(found)
    ]


def _add_first(connection: Connection, dataset_id: str, came: Mapping[str, str | None]) -> LabelVersion:
    told = {
        "dataset_id": dataset_id,
        "number": FIRST_VERSION,
        "parent": None,
        "source": "came with data",
        "made_from": "",
        "rule": "",
        "readers": [],
        "changed": 0,
        "kept": {},
        "locked": [],
        "labels_sha256": fingerprint(came),
    }
    rows = [LabelRow(image_id=image_id, label=label) for image_id, label in sorted(came.items())]
    _add(connection, told, rows, PROGRAM)
    return _versions(connection, dataset_id)[0]


def _add(connection: Connection, told: Mapping[str, Any], rows: Sequence[LabelRow], author: str) -> None:
    (number,) = append(connection, LABEL_VERSIONS, [told], author=author)
    for start in range(0, len(rows), BATCH):
        batch = [
            {
                "version": number,
                "image_id": row.image_id,
                "label": row.label,
                "answers": list(row.answers),
                "reason": row.reason,
            }
            for row in rows[start : start + BATCH]
        ]
        append(connection, LABELS, batch, author=author)
