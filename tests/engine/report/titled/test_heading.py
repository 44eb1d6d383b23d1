"""Promises of a report's first lines and definitions: each follows from the run, and what is printed is defined."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from engine.records import LabelsUsed, Supplied
from engine.report.named.names import CAME
from engine.report.standards.defined import labels_name
from engine.report.titled.definitions import definitions_of
from engine.report.titled.files import facts_of_files
from tests.engine.report.exports.bundle.test_bundle import REPORTS
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
