"""Promises of the model card: the headings of Model Cards, the report's own numbers, no path and no patient."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from engine.pipeline import report_run
from engine.reading.store import open_store
from engine.records import Estimate, Run, Split
from engine.report import card_json, card_markdown, card_of
from engine.report.formatting import figure
from engine.report.records import Fact, Report
from engine.runs.folder import split_of
from engine.workspace import Workspace
from tests.engine.report.test_build import a_run, samples_of, some_cases
from tests.engine.report.test_snapshots import FOLDER, VALIDATED, agree, answered, told
from tests.snapshots import differences, hold_against

HEADINGS = [  # doi:10.1145/3287560.3287596, in its order
    "Model details",
    "Intended use",
    "Factors",
    "Metrics",
    "Evaluation data",
    "Training data",
    "Quantitative analyses",
    "Ethical considerations",
    "Caveats and recommendations",
]


@pytest.fixture
def report(trained: tuple[Workspace, Run]) -> Report:
    with open_store(trained[0].database) as store:
        return report_run(*(trained[0], store, trained[1]), part="test")


def test_the_card_has_the_headings_of_model_cards_and_says_what_the_model_is_not_for(report: Report) -> None:
    text = card_markdown(card_of(report))
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == HEADINGS
    assert "not for diagnosis" in text
    assert text.startswith("---\n") and '\nlibrary_name: "overread"\n' in text


def test_every_figure_of_the_report_is_in_the_card_with_its_interval(report: Report) -> None:
    card = card_of(report)
    text, document = card_markdown(card), json.loads(card_json(card))
    against = report.against[0]
    assert list(document["metrics"]) == [one.name for one in report.against]
    for name, estimate in against.estimates.items():
        told = document["metrics"][against.name][name]
        assert told["value"] == pytest.approx(estimate.value, nan_ok=True) or told["value"] is None
        assert (
            f"| {name.replace('|', '')} | {figure(estimate.value) if told['value'] is not None else ''}"
            in text
        )
    for fact in report.facts:
        assert fact.name in text
    counts = " | ".join(str(report.balance["test"][name]) for name in report.classes)
    assert f"| test | {counts} | {report.patients_by_part['test']} |" in text
    for sentence in report.limitations:
        assert sentence.split(".")[0][:40] in text


def test_no_path_and_no_patient_is_in_the_card(report: Report) -> None:
    card = card_of(report)
    told = card_markdown(card) + card_json(card)
    for sample in split_of(report.run).test:
        assert str(sample.path.parent) not in told and sample.path.name not in told
        assert sample.image_id not in told and f"{sample.patient_id} " not in told


def test_what_somebody_typed_is_shown_and_not_run(report: Report) -> None:
    nasty = "a|b\n# heading <script>alert(1)</script> ![x](http://y) `c` *d*"
    run = replace(report.run, recipe=replace(report.run.recipe, title=nasty))
    text = card_markdown(
        card_of(replace(report, run=run, facts=(*report.facts, Fact("Model", "Recipe", nasty))))
    )
    assert "<script" not in text.replace("\\<script", "") and "](http" not in text.replace("\\]", "")
    body = text.split("---\n", 2)[2]
    assert body.count("\n# ") == 1
    rows = [line for line in body.splitlines() if line.startswith("|")]
    widths = {len(re.findall(r"(?<!\\)\|", row)) for row in rows if "heading" in row}
    assert widths == {3}


def test_a_card_says_what_a_person_has_read() -> None:
    run = replace(a_run(), validated=VALIDATED)
    cases = some_cases(run, 60)
    images = samples_of(cases, {"sex": "F"}, {"sex": "M"})
    split = Split(
        train=images[:30], val=images[30:40], test=images, classes=run.classes, seed=1, method="given"
    )
    pointing = Estimate(value=0.9, low=0.7, high=0.97, method="Wilson", n=20, patients=9, effective_n=11.0)
    report = told(run, cases, split=split, reviews=agree(cases[:5], comment="seen"))
    full = card_markdown(card_of(replace(report, pointing=pointing)))
    three = a_run(("a", "b", "c"))
    bare = card_markdown(card_of(told(three, answered(three, lambda number: number + (number % 5 == 0), 30))))
    hold_against(FOLDER.parent / "exports" / "snapshots" / "a card.txt", full.splitlines())
    hold_against(
        FOLDER.parent / "exports" / "snapshots" / "a card of three classes.txt",
        differences(full.splitlines(), bare.splitlines()),
    )
