"""Readers agree, or do not, by the rule of the protocol."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.reading.studies.consensus import agreed, label_of
from engine.reading.studies.planning.protocol import Protocol
from engine.reading.studies.planning.records import StudyAnswer

RULES = Protocol(name="x", classes=("a", "b"), positive="a", readers=("1", "2", "3"))


@pytest.mark.parametrize(
    ("labels", "majority", "unanimous"),
    [
        (("a", "a", "a"), "a", "a"),
        (("a", "a", "b"), "a", None),
        (("a", "b"), None, None),
        (("a", "a", None), "a", "a"),  # what is excluded has no vote
        (("a", None, None), None, None),  # one reader of several is no consensus
        (("a",), "a", "a"),
        ((None,), None, None),
        (("a", "b", None), None, None),
        (("a", "a", "b", "b"), None, None),
    ],
)
def test_a_majority_is_more_than_half_and_unanimity_is_all_of_those_who_named_a_class(
    labels: tuple[str | None, ...], majority: str | None, unanimous: str | None
) -> None:
    assert agreed(labels, replace(RULES, consensus="majority")) == majority
    assert agreed(labels, replace(RULES, consensus="unanimous")) == unanimous
    assert agreed(labels, replace(RULES, consensus="adjudicated")) == unanimous


@pytest.mark.parametrize("verdict", ["unsure", "not diagnostic"])
@pytest.mark.parametrize(("rule", "counts_as"), [("excluded", None), ("positive", "a"), ("negative", "b")])
def test_what_is_indeterminate_counts_as_the_protocol_says(
    verdict: str, rule: str, counts_as: str | None
) -> None:
    answer = StudyAnswer(study_id="", image_id="", arm="blind", verdict=verdict)
    assert label_of(answer, replace(RULES, indeterminate=rule)) == counts_as  # type: ignore[arg-type]
