"""On whose answers the class of a case rests, by reference standard: nobody is held against an answer of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engine.errors import ReviewError
from engine.reading import Store, latest_reviews, lineage
from engine.records import FIRST_VERSION, Run
from engine.report.named.names import REVIEWED
from engine.report.records import Evidence
from engine.report.standards.defined import labels_name
from engine.report.studied.consensus import standard_name, voting_arms

Voters = frozenset[str]
"""Readers by id."""


def voters_of(store: Store, run: Run, evidence: Evidence) -> Mapping[str, Mapping[str, Voters]]:
    """Return, by the name of a reference standard, image id → whose answers its class rests on.

    Args:
        store: With the readings.
        run: Whose report it is.
        evidence: Of the report.
    """
    used = evidence.labels or run.labels
    held = run if evidence.labels is None else replace(run, labels=evidence.labels)
    ids = {person.name: person.reader_id for person in store.people()}
    reviewed = {
        image_id: frozenset(ids.get(name, name) for name in of_case)
        for image_id, of_case in latest_reviews(evidence.reviews).items()
    }
    found: dict[str, Mapping[str, Voters]] = {REVIEWED: reviewed}
    found[labels_name(held)] = _behind_labels(store, run.dataset_id, used.number if used else FIRST_VERSION)
    for study in store.studies.all():
        if study.state == "closed":
            found[standard_name(study)] = _of_study(store, study.study_id, voting_arms(study))
    return found


def _behind_labels(store: Store, dataset_id: str, number: int) -> dict[str, Voters]:
    """Return whose answers made or confirmed the label of each image in a version."""
    if number == FIRST_VERSION:
        return {}
    known = store.labels.versions(dataset_id)
    found: dict[str, Voters] = {}
    for version in lineage(known, store.labels.version(dataset_id, number)):
        if version.parent is None:
            continue
        reader_of = _readers_by_answer(store, version.made_from)
        for row in store.labels.rows(dataset_id, version.number):
            if not row.reason:
                found[row.image_id] = frozenset(reader_of[one] for one in row.answers if one in reader_of)
    return found


def _readers_by_answer(store: Store, made_from: str) -> dict[int, str]:
    """Return the row of each answer of a study, or of a run's readings, with its reader."""
    try:
        study_id = store.studies.get(made_from).study_id
    except ReviewError:
        ids = {person.name: person.reader_id for person in store.people()}
        return {one.review_id or 0: ids.get(one.reader, one.reader) for one in store.reviews(made_from)}
    return {one.seq or 0: one.reader for one in store.studies.answers(study_id, latest=False)}


def _of_study(store: Store, study_id: str, arms: tuple[str, ...]) -> dict[str, Voters]:
    found: dict[str, Voters] = {}
    for answer in store.studies.answers(study_id):
        if answer.arm in arms:
            found[answer.image_id] = found.get(answer.image_id, frozenset()) | {answer.reader}
    return found
