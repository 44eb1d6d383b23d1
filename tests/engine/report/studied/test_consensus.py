"""Promises of a study's consensus as a reference standard: the store's own, with all that was left out counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.reading import Store, Task, open_store
from engine.recipes.builtin import RECIPES
from engine.report import verify
from engine.report.build import build_report
from engine.report.records import Report
from engine.report.studied.consensus import DOUBT, NOT_IN, UNSETTLED, consensus_of_studies
from tests.engine.reading.test_store import RUN
from tests.engine.report.exports.bundle.test_bundle import bundle_of
from tests.engine.report.study.scripted import films, label_of, other, protocol, read_all, scripted_store
from tests.engine.report.test_build import page_of

PREDICTED = [replace(each, part="test") for each in films(62)]
TRAINED = replace(RUN, recipe=RECIPES["default"])


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, str]]:
    """Two scripts read 60 of 62 cases blind: they differ on one case in ten, and both are unsure of two."""
    with open_store(tmp_path_factory.mktemp("study") / "overread.db") as store:
        names = scripted_store(store)
        study = store.studies.create(
            protocol(names, design="blind", certainty=None, shown=(), consensus="unanimous")
        )
        for place, name in enumerate(names):

            def said(number: int, task: Task, place: int = place) -> tuple[str, str | None, float | None]:
                if number in (6, 36):
                    return "unsure", None, None
                wrong = number % 20 == 10 and place == 0
                return "read", other(label_of(number)) if wrong else label_of(number), None

            read_all(store, study.study_id, name, said)
        yield store, study.study_id


@pytest.fixture(scope="module")
def report(read: tuple[Store, str]) -> Report:
    store, study_id = read
    assert consensus_of_studies(store, TRAINED, PREDICTED) == (), "nobody is told before the study is closed"
    store.studies.close(study_id)
    settled = consensus_of_studies(store, TRAINED, PREDICTED)
    return build_report(TRAINED, PREDICTED, history=(), settled=settled)


def test_the_standard_is_the_stores_consensus_and_every_other_case_says_why_not(
    read: tuple[Store, str], report: Report
) -> None:
    store, study_id = read
    (settled,) = report.evidence.settled
    consensus = store.studies.consensus(study_id)
    assert settled.answers == {name: label for name, label in consensus.items() if label is not None}
    assert settled.excluded == {NOT_IN: 2, UNSETTLED: 3, DOUBT: 2}
    *_, against = report.against
    assert against.cases == 55 and against.name.startswith("blinded consensus of readers")
    assert sum(against.excluded.values()) + against.cases == len(PREDICTED)


def test_its_box_says_who_how_many_and_what_they_had_seen_before(report: Report) -> None:
    box = dict(report.against[-1].defined)
    assert box["Readers"] == "2 readers of 2 assigned" and box["Votes a case"] == "2"
    assert box["Rule"] == "unanimous" and box["Blinded to the index test"] == "yes"
    assert box["Indeterminate"].startswith("4 unsure, 0 not diagnostic: excluded")
    assert "120 of 120" in box["Exposure certificate"]
    assert "Script 1" in report.heading.banner
    page = page_of(report)
    assert all(
        line in page for line in ("Exposure certificate", "side by side", "blinded consensus of readers")
    )


def test_indeterminate_readings_as_positive_and_negative_stand_side_by_side(report: Report) -> None:
    figures = report.against[-1].indeterminate
    assert {rule: figures[rule]["accuracy"].n for rule in figures} == {
        "excluded": 55, "positive": 57, "negative": 57,
    }  # fmt: skip


def test_a_bundle_with_a_study_is_computed_again_from_itself(report: Report, tmp_path: Path) -> None:
    found = verify(bundle_of(report, tmp_path))
    assert found.holds, (found.changed, found.differences[:5])


def test_cases_chosen_by_what_a_model_said_of_them_give_counts_alone(report: Report) -> None:
    (settled,) = report.evidence.settled
    chosen = build_report(TRAINED, PREDICTED, history=(), settled=[replace(settled, drawn_by_model=True)])
    assert (
        chosen.against[-1].drawn == "selected"
        and "of 55 cases" in chosen.against[-1].estimates["accuracy"].method
    )
