"""Readers agree, or do not, by the rule of the protocol."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from engine.reading.studies.consensus import agreed, by_case, consensus_by_case, disagreements, label_of
from engine.reading.studies.planning.protocol import Protocol
from engine.reading.studies.planning.records import Study, StudyAnswer

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


NOW = datetime(2026, 1, 1, tzinfo=UTC)
STUDY = Study(study_id="s", protocol=RULES, protocol_hash="", state="open", created=NOW)


def given(image_id: str, labels: str, **more: object) -> list[StudyAnswer]:
    """What readers 1, 2, 3 … said of an image; a capital letter was said after more had been seen."""
    return [
        StudyAnswer(
            study_id="s", image_id=image_id, arm="blind", verdict="read", label=label.lower(), reader=str(place),
            seconds=3.0, at=NOW, seq=place, supersedes=1, predicted="a", contaminated=label.isupper(),
            **more,  # type: ignore[arg-type]
        )
        for place, label in enumerate(labels, 1)
    ]  # fmt: skip


def settled(image_id: str, label: str) -> StudyAnswer:
    (answer,) = given(image_id, label)
    return replace(answer, arm="adjudication", reader="judge")


def test_a_case_has_a_consensus_once_all_have_read_it_by_those_who_had_seen_no_more_or_as_it_was_settled() -> (
    None
):
    answers = [
        *given("all", "aab"), *given("some", "aa"), *given("seen", "aBB"), *given("tie", "aBa"), *given("split", "ab"),
        *given("settled", "ab"), settled("settled", "b"), *given("undone", "aaa", stands=False),
    ]  # fmt: skip
    wanted = {"all": 3, "some": 3, "seen": 3, "tie": 3, "split": 2, "settled": 3}
    told = {"all": "a", "seen": None, "tie": "a", "split": None, "settled": "b"}
    assert consensus_by_case(STUDY, answers, wanted) == told
    assert set(by_case(answers, "blind")) == {"all", "some", "seen", "tie", "split", "settled"}
    found = {one.image_id: one for one in disagreements(STUDY, answers, {**wanted, "settled": 2})}
    assert set(found) == {"seen", "split", "settled"}
    assert found["settled"].settled == settled("settled", "b") and found["split"].settled is None


def test_who_said_what_is_not_told_to_the_adjudicator() -> None:
    cases = [f"case {number}" for number in range(20)]
    comments = [one for case in cases for one in given(case, "ab", comment="why", certainty=2.0, finding="f")]
    found = disagreements(STUDY, comments, {})
    assert sorted(one.image_id for one in found) == sorted(cases) != [one.image_id for one in found]
    assert {tuple(one.readings) for one in found} == {("Reader A", "Reader B")}
    assert {one.readings["Reader A"].label for one in found} == {"a", "b"}, "who is A differs"
    for one in found:
        for said in one.readings.values():
            assert said == StudyAnswer(
                study_id="s", image_id=one.image_id, arm="blind", verdict="read", label=said.label, finding="f",
                certainty=2.0, comment="why",
            )  # fmt: skip
    (many,) = disagreements(STUDY, given("x", "ab" * 14), {})
    assert list(many.readings)[24:] == ["Reader Y", "Reader Z", "Reader 27", "Reader 28"]
