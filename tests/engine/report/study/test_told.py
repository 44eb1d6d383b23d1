"""What the report of a study says of single things: a changed protocol, a plan, an endpoint, how readers changed."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from engine.reading import Deviation, Drawn, Endpoint, SetBack
from engine.reading.studies.planning.protocol import Protocol
from engine.records import Estimate
from engine.report.study.comparing import planned_words
from engine.report.study.primary import primary_of
from engine.report.study.printed.sentences import faster
from engine.report.study.records import Changed, Compared
from engine.report.study.told.deviations import changed_words, clock_words
from engine.statistics import mrmc_analysis
from engine.statistics.readers.learning import Learning

PROTOCOL = Protocol(
    name="films",
    design="blind then assisted",
    run_id="r",
    readers=("ada", "ben"),
    positive="pneumonia",
    classes=("normal", "pneumonia"),
)
NAMES = {"ada": "Ada", "ben": "Ben"}
ENRICHED = Drawn(rule="enriched", n=1200, prevalence=0.4)
MANY = "what more than half of the readers say", "what all readers say, else the adjudicator"
CHANGES: dict[str, tuple[Any, Any, str]] = {
    "name": ("films", "other", "name from “films” to “other”"),
    "design": ("blind", "wash-out", "design from “blind” to “wash-out”"),
    "dataset_id": (None, "d", "dataset id from “none” to “d”"),
    "classes": ((), ("a", "b"), "classes from “none” to “a, b”"),
    "positive": ("", "pneumonia", "positive class from “none” to “pneumonia”"),
    "readers": (["ada"], ["ada", "ben", "who"], "readers from “Ada” to “Ada, Ben, who”"),
    "adjudicator": (None, "ben", "adjudicator from “none” to “Ben”"),
    "drawn": (
        Drawn(), ENRICHED,
        "cases from “all cases” to “1,200: cases drawn at random, a share of 40% positive, from all cases”",
    ),
    "shown": (["prediction"], ("prediction", "map"), "what is shown from “prediction” to “prediction, heatmap”"),
    "same_patient": (False, True, "other images of the same patient from “no” to “yes”"),
    "certainty": (None, "0-100", "certainty from “none” to “0-100”"),
    "consensus": ("majority", "adjudicated", f"consensus from “{MANY[0]}” to “{MANY[1]}”"),
    "indeterminate": (
        "excluded", "positive", "unsure or not diagnostic from “left out of the figures” to “counts as positive”"
    ),
    "wash_out_days": (0.0, 28.5, "days of wash-out from “0” to “28.5”"),
    "endpoint": ("", "readers are better", "endpoint in words from “none” to “readers are better”"),
    "primary": (
        None, Endpoint(figure="AUC", aim="superior"),
        "primary endpoint from “none” to “difference in AUC, assisted minus blind, to be above 0”",
    ),
    "margin": (None, 0.05, "margin from “none” to “.05”"),
    "wrong_advice": ("many", 0.1, "wrong advice from “many” to “.1”"),  # of another release
    "seed": (0, 12345, "seed from “0” to “12345”"),
    "later": ("x", "y", "later from “x” to “y”"),
}  # fmt: skip


def deviation(changed: dict[str, tuple[object, object]]) -> Deviation:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Deviation(at=at, author="ada", reason="it was forgotten", changed=changed, protocol_hash="h")


@pytest.mark.parametrize("name", CHANGES)
def test_each_field_of_a_protocol_is_told_as_it_was_and_as_it_is(name: str) -> None:
    before, after, words = CHANGES[name]
    told = changed_words(deviation({name: (before, after)}), PROTOCOL, NAMES)
    assert told == f"{words}. Reason: it was forgotten"


def test_several_changes_stand_in_one_sentence_and_a_note_alone() -> None:
    several = changed_words(deviation({"seed": (1, 2), "margin": (None, 0.1)}), PROTOCOL, NAMES)
    assert several == "seed from “1” to “2”; margin from “none” to “.1”. Reason: it was forgotten"
    assert changed_words(deviation({}), PROTOCOL, NAMES) == "it was forgotten"


def test_how_often_a_clock_was_set_back_is_told_by_the_most_and_the_first() -> None:
    assert list(clock_words(())) == []
    (once,) = clock_words((SetBack(row=1234, seconds=5400.0),))
    (often,) = clock_words((SetBack(row=7, seconds=3600.0), SetBack(row=9, seconds=9000.0)))
    assert "set back 1 time while the study was read, by 1.5 hours (at row 1,234 of" in once
    assert "set back 2 times while the study was read, by up to 2.5 hours (first at row 7 of" in often


@pytest.mark.parametrize(
    ("changes", "cases", "positives", "why"),
    [
        ({"positive": ""}, 60, 24, "no class is named as the finding"),
        ({}, 60, None, "not every case has a label"),
        ({}, 60, 0, "it needs cases with the finding, and others without"),
        ({}, 60, 60, "it needs cases with the finding, and others without"),
        ({"readers": ()}, 60, 24, "no reader is chosen"),
    ],
)
def test_a_plan_that_cannot_be_made_says_why(
    changes: dict[str, Any], cases: int, positives: int | None, why: str
) -> None:
    told = planned_words(replace(PROTOCOL, **changes), cases, positives)
    assert told == f"What difference the study would see cannot be said: {why}."
    assert planned_words(replace(PROTOCOL, design="blind", **changes), cases, positives) == ""


def test_a_plan_is_for_the_readers_and_the_cases_that_there_are() -> None:
    one = planned_words(PROTOCOL, 60, 24)
    assert one.startswith("With 2 readers and 24 positive cases, the smallest difference in sensitivity")
    rated = planned_words(replace(PROTOCOL, certainty="1-5"), 60, 24)
    assert rated.startswith(
        "With 2 readers and 24 positive and 36 negative cases, the smallest difference in AUC"
    )


def learned(value: float, low: float = math.nan, high: float = math.nan) -> Changed:
    change = Estimate(value=value, low=low, high=high, method="m", n=9)
    return Changed(mode="blind", learning=Learning(thirds=(), faster=change))


def test_readers_who_grew_faster_or_slower_are_told_and_of_no_change_nothing() -> None:
    report = SimpleNamespace(
        changed=(
            learned(-0.25, -0.4, -0.05), learned(0.1), learned(0.0005), learned(-0.0004), learned(math.nan)
        )
    )  # fmt: skip
    first, second, third = faster(report)  # type: ignore[arg-type]
    assert first == (
        "Reading without the model took 25.0% less time in the last third than in the first (95% interval of the "
        "change -40.0% to -5.0%)."
    )
    assert second == "Reading without the model took 10.0% more time in the last third than in the first."
    assert "more time" in third


def analysed(*modalities: str) -> Compared:
    rng = np.random.default_rng(1)
    truth = np.arange(40) < 20
    ratings = (
        rng.normal(size=(len(modalities), 2, 40)) + truth * np.arange(1, len(modalities) + 1)[:, None, None]
    )
    found = mrmc_analysis(truth, ratings, modalities, ("ada", "ben"))
    return Compared(figure="AUC", rule="excluded", analysis=found, why="", left_out=(), margins=(), seen="")


def test_the_primary_endpoint_is_the_figure_of_all_readers_or_says_why_it_is_none() -> None:
    def of(design: Any, aim: Any, *found: Compared, margin: float | None = None) -> Any:
        primary = Endpoint(figure="AUC", aim=aim)
        return primary_of(replace(PROTOCOL, design=design, primary=primary, margin=margin), found)

    assert primary_of(PROTOCOL, [analysed("blind")]) is None
    both, alone = analysed("assisted", "blind"), analysed("blind")
    lost = replace(alone, analysis=None, why="too few cases were read")
    for found, why in (((), "nothing has been read"), ((lost,), "too few cases were read")):
        told = of("blind", "estimate", *found)
        assert told.sentence == f"It cannot be had: {why}." and told.estimate.n == 0 and told.shown is None
        assert math.isnan(told.p_value)
    assert of("assisted", "estimate", alone).sentence == "It cannot be had: no case has been read so."
    assert of("blind then assisted", "superior", alone).sentence == (
        "It cannot be had: cases have not been read both ways (assisted minus blind)."
    )
    mean = of("blind", "estimate", alone)
    assert alone.analysis is not None and both.analysis is not None
    assert mean.estimate == alone.analysis.analyses[0].means[0] and mean.shown is None
    contrast = both.analysis.analyses[0].contrasts[0]
    above, plain, close = (
        of("blind then assisted", aim, both, margin=0.5) for aim in ("superior", "estimate", "not inferior")
    )
    assert above.estimate == plain.estimate == close.estimate == contrast.difference
    assert above.p_value == plain.p_value == contrast.p_value != close.p_value
    assert (above.shown, plain.shown) == (contrast.difference.low > 0, None)
    assert (
        "lies above 0" in above.sentence or "does not lie above 0" in above.sentence
    ) and ", p " in above.sentence
    assert ("does not lie" in above.sentence) == (not above.shown) and "lie" not in plain.sentence
    assert close.shown is (contrast.difference.low > -0.5)
