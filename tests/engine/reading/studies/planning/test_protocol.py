"""Promises of a protocol: its hash is that of years ago, and it is said in words as it is meant."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.errors import ReviewError
from engine.language import speaking
from engine.reading.studies.planning.protocol import (
    FIXED,
    Drawn,
    Endpoint,
    Protocol,
    as_stored,
    changed_fields,
    protocol_from,
)

BOTH = "blind then assisted"
OF_TWO = Protocol(
    name="films", design=BOTH, run_id="r", classes=("well", "ill"), positive="ill", readers=("a",)
)


def test_a_protocol_has_the_hash_that_it_was_printed_with() -> None:
    """Printed in reports and registries: another default, field or way of writing would call each of them false."""
    assert Protocol(name="films").hash == "785b33ba7dddcf3060f282540dc65e1e427ab10bbd00b8e714ee9830513a2e14"
    full = replace(
        OF_TWO, drawn=Drawn(rule="enriched", n=4, prevalence=0.5, parts=("test",)), certainty="1-5", margin=0.05,
        primary=Endpoint(figure="AUC"), same_patient=True, wrong_advice=0.25, seed=7, adjudicator="c",
    )  # fmt: skip
    assert full.hash == "5884b5578be6e709806a220bed6dcd98b8069d350194526addab343806fab1f5"


def test_a_protocol_comes_back_as_it_was_stored_and_what_differs_between_two_is_named() -> None:
    for told in (OF_TWO, replace(OF_TWO, primary=Endpoint(figure="AUC", aim="estimate"), same_patient=True)):
        assert protocol_from(as_stored(told)) == told
    other = replace(OF_TWO, seed=1, drawn=Drawn(n=3), endpoint="x")
    assert list(changed_fields(OF_TWO, other)) == ["drawn", "endpoint", "seed"]
    assert changed_fields(OF_TWO, OF_TWO) == [] and {"drawn", "seed"} <= set(FIXED)
    with pytest.raises(ReviewError, match="protocol's drawn rule cannot be 'by hand'"):
        protocol_from({**as_stored(OF_TWO), "drawn": {"rule": "by hand"}})


@pytest.mark.parametrize(
    ("drawn", "words"),
    [
        (Drawn(), "all cases"),
        (Drawn(rule="filter", parts=("train", "val")), "all cases of part train or val"),
        (Drawn(labels=("ill",), predicted=("well", "ill")), "all cases labelled ill, predicted to be well or ill"),
        (Drawn(listed=True, parts=("test",)), "all cases of part test, from a list of ids"),
        (Drawn(rule="random stratified", n=3), "cases drawn at random, each class by its share, from all cases"),
        (Drawn(rule="enriched", prevalence=0.25, listed=True),
         "cases drawn at random, a share of 25% positive, from all cases from a list of ids"),
    ],
)  # fmt: skip
def test_how_cases_were_drawn_is_said(drawn: Drawn, words: str) -> None:
    assert drawn.words.replace("\u2068", "").replace("\u2069", "") == words
    with speaking("fa"):  # parts of the data are words of ours, classes are not
        assert not any(part in drawn.words for part in drawn.parts) and all(
            name in drawn.words for name in drawn.labels
        )


AUC = Endpoint(figure="AUC")
MINUS = "assisted minus blind"


@pytest.mark.parametrize(
    ("changes", "compared", "planned", "words"),
    [
        ({}, "", "sensitivity", ""),
        ({"certainty": "1-5"}, "", "AUC", ""),
        ({"primary": AUC}, MINUS, "AUC", f"difference in AUC, {MINUS}, to be above 0"),
        ({"primary": Endpoint(figure="specificity", aim="not inferior"), "margin": 0.05}, MINUS, "specificity",
         f"difference in specificity, {MINUS}, to be above -.05 (not inferior)"),
        ({"primary": Endpoint(figure="sensitivity", aim="estimate"), "certainty": "1-5"}, MINUS, "sensitivity",
         f"difference in sensitivity, {MINUS}, to be estimated"),
        ({"primary": Endpoint(figure="sensitivity", aim="estimate"), "design": "blind"}, "blind", "sensitivity",
         "sensitivity, blind"),
        ({"primary": replace(AUC, compares="concurrent minus blind")}, "concurrent minus blind", "AUC",
         "difference in AUC, concurrent minus blind, to be above 0"),
    ],
)  # fmt: skip
def test_a_primary_endpoint_is_said_and_a_study_is_planned_for_its_figure(
    changes: dict[str, object], compared: str, planned: str, words: str
) -> None:
    told = replace(OF_TWO, **changes)  # type: ignore[arg-type]
    assert (told.compared, told.planned_figure, told.primary_words) == (compared, planned, words)
