"""Promises of a report's first lines and definitions: each follows from the run, and what is printed is defined."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.data import index_data
from engine.errors import RunError
from engine.recipes import RECIPES
from engine.records import FixedEndpoint, LabelsUsed, Supplied, TrainingRequest, recipe_of
from engine.report.formatting import figure, interval
from engine.report.named.names import CAME
from engine.report.standards.defined import labels_name
from engine.report.titled.definitions import definitions_of
from engine.report.titled.files import facts_of_files
from engine.runs import fix_endpoint, load_run, settings_of
from engine.workspace import open_workspace
from sample_data import SAMPLE_TABLE
from tests.engine.report.exports.bundle.test_bundle import REPORTS
from tests.engine.report.printed.test_numbers import without_id
from tests.engine.report.test_build import a_run, build, page_of, some_cases

CORRECTED = LabelsUsed(
    number=3,
    sha256="ab" * 32,
    sentence="v3: 14 of 402 labels changed from v2 by blinded consensus of 2 readers",
)


def test_corrected_labels_are_no_longer_said_to_have_come_with_the_data() -> None:
    run = replace(a_run(), labels=CORRECTED)
    report = build(run, some_cases(run))
    page = page_of(report)
    assert report.against[0].name == labels_name(run) == "labels v3, corrected by readers"
    assert f"Against the {CAME}" not in page and "14 of 402 labels changed" in page
    assert labels_name(replace(run, labels=replace(CORRECTED, number=1))) == labels_name(a_run()) == CAME


def test_supplied_predictions_are_reported_and_are_no_test_part() -> None:
    supplied = Supplied(model="Vendor", version="2", file="x.csv", sha256="0" * 64, content="1" * 64)
    run = replace(a_run(), recipe=None, supplied=supplied)
    report = build(run, some_cases(run))
    page = page_of(report)
    assert report.heading.line.startswith("external testing of supplied predictions")
    assert "supplier" in report.heading.why and "test part" not in page


def test_a_report_is_not_final_and_says_what_was_not_fixed() -> None:
    report = build(a_run(), some_cases(a_run()))
    assert not report.heading.final and "no primary endpoint" in report.heading.why
    assert report.heading.line.startswith("internal testing, 40 images, 20 patients")
    assert build(replace(a_run(), folds=5), some_cases(a_run())).heading.line.startswith(
        "cross-validation of 5"
    )


def test_the_synthetic_images_of_the_demonstration_are_said_to_be_that_and_no_others() -> None:
    of_sample = index_data(SAMPLE_TABLE).dataset_id
    run = replace(a_run(), dataset_id=of_sample)
    assert build(run, some_cases(run)).heading.banner.startswith("Synthetic images, drawn by a program")
    assert build(a_run(), some_cases(a_run())).heading.banner == ""


FIXED = FixedEndpoint(figure="AUROC", operating_point="half", fixed=datetime(2026, 1, 1, 9, tzinfo=UTC))
AS_FIXED = replace(
    a_run(),
    recipe=replace(recipe_of(a_run()), operating_point="half"),
    created=FIXED.fixed + timedelta(hours=1),
    endpoint=FIXED,
)


def test_a_report_is_final_only_where_what_it_is_to_show_was_fixed_before_the_test_part_was_looked_at() -> (
    None
):
    report = build(AS_FIXED, some_cases(AS_FIXED))
    page = page_of(report)
    area = report.against[0].estimates["AUROC"]
    assert report.heading.final and FIXED.sha256[:12] in page and not without_id(page)
    assert f"Primary endpoint: AUROC {figure(area.value)}, 95% interval {interval(area)}." in page
    assert "fixed on 2026-01-01 09:00 UTC" in report.heading.why
    for run, said in (
        (replace(AS_FIXED, endpoint=None), "no primary endpoint"),
        (replace(AS_FIXED, created=FIXED.fixed), "when the model was trained already"),
        (
            replace(AS_FIXED, endpoint=replace(FIXED, tested_before=2)),
            "2 runs on the same data were finished",
        ),
        (replace(AS_FIXED, endpoint=replace(FIXED, operating_point="youden")), "“half” was used"),
    ):
        told = build(run, some_cases(run)).heading
        assert not told.final and said in told.why, told
    models = replace(AS_FIXED, folds=5)
    crossed = build(models, some_cases(models)).heading
    late = build(replace(models, created=FIXED.fixed), some_cases(models)).heading
    assert crossed.final and "before the models were trained" in crossed.why
    assert not late.final and "when the models were trained already" in late.why
    on_validation = build(AS_FIXED, [replace(one, part="val") for one in some_cases(AS_FIXED)], part="val")
    assert not on_validation.heading.final and "trained or tuned" in on_validation.heading.why


def test_what_is_fixed_before_training_stays_with_the_run_and_another_figure_has_another_digest(
    tmp_path: Path,
) -> None:
    workspace = open_workspace(tmp_path / "workspace")
    recipe = replace(RECIPES["default"], operating_point="half")
    asked = TrainingRequest(recipe=recipe, dataset_id=AS_FIXED.dataset_id)
    fixed = fix_endpoint(workspace, asked, "AUROC", 2).endpoint
    assert fixed is not None and fixed.tested_before == 0 and fixed.operating_point == "half"
    folder = workspace.runs / AS_FIXED.run_id
    folder.mkdir()
    for name, text in settings_of(replace(AS_FIXED, recipe=recipe, endpoint=fixed)).items():
        (folder / name).write_text(text, encoding="utf-8")
    assert load_run(folder).endpoint == fixed
    again = fix_endpoint(workspace, asked, "accuracy", 2).endpoint
    assert again is not None and again.tested_before == 1 and again.sha256 != fixed.sha256
    with pytest.raises(
        RunError, match="“sensitivity” cannot be the primary endpoint of a run with 3 classes"
    ):
        fix_endpoint(workspace, asked, "sensitivity", 3)


def test_every_figure_that_is_printed_is_defined() -> None:
    for make in REPORTS.values():
        for one in make().against:
            for name, estimate in one.estimates.items():
                known = definitions_of([name], [estimate.method])
                assert known or "for errors" in name or name.startswith("conformal"), name


def test_hashes_are_those_of_the_files(tmp_path: Path) -> None:
    (tmp_path / "fold-1").mkdir()
    for name in ("split.csv", "fold-1/model.safetensors"):
        (tmp_path / name).write_bytes(name.encode())
    facts = {fact.name: fact.value for fact in facts_of_files(replace(a_run(), folder=tmp_path))}
    assert hashlib.sha256(b"split.csv").hexdigest() in facts.values()
    assert (
        facts["Weights of the trained model, fold-1"]
        == hashlib.sha256(b"fold-1/model.safetensors").hexdigest()
    )
