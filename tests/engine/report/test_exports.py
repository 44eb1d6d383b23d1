"""Promises of what is taken away: tables, JSON and figures say what the report says, in the formats asked for."""

from __future__ import annotations

import html
import io
import json
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.errors import ReportError
from engine.records import Estimate, Explanation, Prediction, Run, Uncertainty, Verdict
from engine.report.build import MOST_RIGHT, MOST_WRONG, export_report
from engine.report.elsewhere.images import Abroad
from engine.report.exports.files import EXPORTS
from engine.report.exports.html import figures_of, render_html
from engine.report.exports.numbers import plain, render_json
from engine.report.exports.tables import tables_of
from engine.report.formatting import figure
from engine.report.records import Report
from tests.engine.report import test_snapshots as made
from tests.engine.report.test_build import FILM, HEAT, a_run, build, case, page_of, review, some_cases
from tests.snapshots import hold_against


@pytest.fixture(scope="module")
def report() -> Report:
    run = a_run()
    cases = some_cases(run)
    reviews = [review(each, Verdict.AGREE, reader=reader) for each in cases[:6] for reader in "AB"]
    return build(run, cases, reviews=reviews)


def png(mode: str) -> bytes:
    stream = io.BytesIO()
    Image.new(mode, (6, 4)).save(stream, "PNG")
    return stream.getvalue()


def of_three() -> Report:
    run = a_run(("a", "b", "c"))
    cases = [
        case(n, "abc"[n % 3], tuple(0.8 if at == (n + (n % 7 == 0)) % 3 else 0.1 for at in range(3)), run)
        for n in range(60)
    ]
    return build(run, cases)


# ---------------------------------------------------------------------------------------------------- formats


@pytest.mark.parametrize("formats", [("json",), ("csv", "html"), ()])
def test_the_formats_that_were_asked_for_are_written_and_no_others(
    formats: tuple[str, ...], report: Report, tmp_path: Path
) -> None:
    written = export_report(
        report,
        tmp_path / "folder of" / "out",
        picture=lambda _: FILM,
        heatmap=lambda _: HEAT,
        formats=formats,
    )
    assert tuple(written) == (formats or tuple(EXPORTS))
    there = {path for files in written.values() for path in files.values()}
    assert there == set((tmp_path / "folder of" / "out").iterdir()) and all(
        path.stat().st_size for path in there
    )


def test_an_unknown_format_is_refused_with_the_list_before_anything_is_written(
    report: Report, tmp_path: Path
) -> None:
    with pytest.raises(ReportError, match=f"“odt”.*{', '.join(EXPORTS)}"):
        export_report(
            report, tmp_path / "out", picture=lambda _: None, heatmap=lambda _: None, formats=("html", "odt")
        )
    assert not (tmp_path / "out").exists()


# ----------------------------------------------------------------------------------------------------- tables


def cells(found: Estimate, prefix: str = "") -> dict[str, object]:
    names = ("value", "low", "high", "method", "n", "patients", "effective_n")
    return {f"{prefix}{name.replace('_', ' ')}": getattr(found, name) for name in names}


def holds(row: Mapping[str, object], told: Mapping[str, object]) -> bool:
    return all(
        row[name] == value or (isinstance(value, float) and math.isnan(value) and math.isnan(row[name]))  # type: ignore[arg-type]
        for name, value in told.items()
    )


def test_tables_say_what_the_report_says(report: Report) -> None:
    tables = tables_of(report)
    given, reviewed = report.against
    notes = {of.name: of.note for of in report.against}
    figures = [(of.name, name, found) for of in (given, reviewed) for name, found in of.estimates.items()]
    for row, (standard, name, found) in zip(tables["estimates"], figures, strict=True):
        assert holds(
            row, {"reference standard": standard, "metric": name, **cells(found), "caution": notes[standard]}
        )
    for row, (one, of) in zip(
        tables["classification"],
        [(against, of) for against in (given, reviewed) for of in against.rows],
        strict=True,
    ):
        counts = {
            "reference standard": one.name,
            "class": of.name,
            "support": of.support,
            "predicted": of.predicted,
        }
        parts = {name: getattr(of, name.lower()) for name in ("precision", "recall", "F1", "AUROC")}
        told = {
            key: value for name, found in parts.items() for key, value in cells(found, f"{name} ").items()
        }
        assert holds(row, {**counts, **told})
    assert [list(row.values()) for row in tables["confusion"][:2]] == [
        [given.name, "normal", 30, 2],
        [given.name, "opacity", 1, 7],
    ]
    assert list(tables["confusion"][0])[2:] == ["predicted normal", "predicted opacity"]
    curve = given.roc["opacity"]
    assert curve is not None
    rows = [row for row in tables["roc"] if row["reference standard"] == given.name]
    assert [row["1 - specificity"] for row in rows] == curve.false_positive_rate.tolist()
    assert [row["sensitivity"] for row in rows] == curve.true_positive_rate.tolist()
    assert [row["threshold"] for row in rows if row["threshold"] != ""] == [
        each for each in curve.threshold.tolist() if math.isfinite(each)
    ]


def test_the_table_of_cases_has_a_row_for_each_reader_and_one_for_a_case_nobody_read(report: Report) -> None:
    rows = tables_of(report)["cases"]
    assert len(rows) == 6 * 2 + 34 and len({tuple(row) for row in rows}) == 1
    assert [row["reader"] for row in rows[:4]] == ["A", "B", "A", "B"] and rows[-1]["reader"] == ""
    first, case_of_first = rows[0], report.cases[0]
    assert (first["case"], first["label"], first["predicted"]) == (
        case_of_first.case_id,
        "opacity",
        "opacity",
    )
    assert (first["reviewed label"], first["reader's label"], first["verdict"]) == (
        "opacity",
        "opacity",
        "agree",
    )
    assert (first["probability of normal"], first["probability of opacity"]) == case_of_first.probabilities
    assert first["entropy"] == 0.1 and rows[-1]["reviewed label"] is None and not rows[-1]["verdict"]


def test_a_case_without_a_label_has_an_empty_cell_and_its_set_is_told() -> None:
    run = a_run()
    both = replace(case(90, None, (0.4, 0.6), run), conformal_set=run.classes)
    row = tables_of(build(run, [*some_cases(run), both]))["cases"][-1]
    assert row["label"] is None and row["conformal set"] == "normal | opacity" and row["passes"] is None


def test_json_has_null_for_what_is_no_number_and_plain_values_for_records(report: Report) -> None:
    assert plain({1: np.float64("nan"), "b": (np.int64(2), [math.inf, -math.inf]), "c": Verdict.AGREE}) == {
        "1": None, "b": [2, [None, None]], "c": "agree",
    }  # fmt: skip
    document = json.loads(render_json(report))
    assert document["run_id"] == report.run.run_id and document["part"] == "test"
    assert document["threshold"] == 0.5 and document["positive"] == "opacity"
    assert document["patients"] == 20 and document["cases_with_a_named_patient"] == 40
    first = document["cases"][0]
    assert first["probabilities"] == dict(zip(report.classes, report.cases[0].probabilities, strict=True))
    assert [said["reader"] for said in first["reviews"]] == ["A", "B"] and first["reviewed"] == "opacity"
    assert json.loads(render_json(of_three()))["threshold"] is None


def test_tables_hold_what_a_person_has_read() -> None:
    """Of each table its columns, how many lines it has, and the first and the last of them."""
    run = replace(a_run(), validated=made.VALIDATED)
    passes = Uncertainty(mean=0.7, variance=0.01, mutual_information=0.02, passes=20, rate=0.1, scale=2.0)
    cases = [
        replace(one, part=None if at < 12 else "test", conformal_set=run.classes, uncertainty=passes)
        for at, one in enumerate(some_cases(run))
    ]
    full = made.told(
        run,
        cases,
        part=None,
        reviews=made.agree(cases[10:18], comment="seen") + made.overrule(cases[12:14], reader="B"),
        abroad=Abroad(
            known=(made.KNOWN,),
            distances={one.image_id: 1.5 for one in cases},
            sources={one.image_id: "other hospital" for one in cases[:8]},
            tests=(made.external_test(run),),
        ),
        uncertainty=made.fitted(0.8, 0.7),
        explanations=made.heat(cases),
        passports=[(made.passport(), "")],
    )
    lines = []
    for name, rows in tables_of(full).items():
        lines += [
            f"=== {name}: {len(rows)} lines",
            " | ".join(dict.fromkeys(column for row in rows for column in row)),
        ]
        lines += [" | ".join(f"{value:.6g}" if isinstance(value, float) else str(value) for value in row.values())
                  for row in (*rows[:2], *rows[2:][-1:])]  # fmt: skip
    hold_against(made.FOLDER.parent / "exports" / "snapshots" / "tables.txt", lines)


# ---------------------------------------------------------------------------------------------------- figures


def labels_of(report: Report) -> dict[str, str]:
    """Return what each figure says to the blind, against the labels that came with the data."""
    drawn = figures_of(report, report.against[0])
    return {name: html.unescape(re.search(r'aria-label="([^"]*)"', svg)[1]) for name, svg in drawn.items()}


def test_figures_mark_the_operating_point_where_the_table_says_it_is(report: Report) -> None:
    said, given = labels_of(report), report.against[0].estimates
    sensitivity, specificity = given["sensitivity"].value, given["specificity"].value
    assert f"marked at ({figure(1 - specificity)}, {figure(sensitivity)})" in said["roc"]
    precision = given["positive predictive value"].value
    assert f"marked at ({figure(sensitivity)}, {figure(precision)})" in said["precision_recall"]
    assert f"area {figure(given['AUROC'].value)} (" in said["roc"]
    assert f"average precision {figure(given['average precision'].value)} (" in said["precision_recall"]
    assert f"Calibration error {figure(given['calibration error'].value)}" in said["reliability"]
    assert "of 32 normal: 30 predicted normal, 2 predicted opacity" in said["confusion"]


def test_figures_of_three_classes_have_a_curve_a_class_and_no_operating_point() -> None:
    report = of_three()
    said, rows = labels_of(report), report.against[0].rows
    for row in rows:
        assert f"{row.name}: area {figure(row.auroc.value)} (" in said["roc"]
    assert "marked" not in said["roc"] + said["precision_recall"]
    assert "probability of the most probable" in str(figures_of(report, report.against[0])["reliability"])
    assert "not estimated" in said["precision_recall"]


def test_what_cannot_be_drawn_is_left_out() -> None:
    run = a_run()
    alone = build(run, [case(n, "normal", (0.8, 0.2), run) for n in range(5)])
    assert set(labels_of(alone)) == {"confusion", "reliability", "risk_coverage", "scores"}
    assert not alone.against[1].cases and not figures_of(alone, alone.against[1])  # nobody has read any


def test_each_kind_of_interval_is_listed_once_with_its_figures(report: Report) -> None:
    page = html.unescape(page_of(report))
    for method in {found.method for one in report.against for found in one.estimates.values()}:
        of = [
            name
            for name in dict.fromkeys(n for one in report.against for n in one.estimates)
            if any(
                name in one.estimates and one.estimates[name].method == method
                and math.isfinite(one.estimates[name].low)
                for one in report.against
            )
        ]  # fmt: skip
        if of:
            assert method in page and all(name in page for name in of)


# ---------------------------------------------------------------------------------------------------- gallery


def many(run: Run, wrong: int, right: int) -> list[Prediction]:
    sure = [0.51 + 0.004 * n for n in range(wrong + right)]
    return [
        case(
            n,
            "normal" if (n < wrong) != (n % 2 == 0) else "opacity",
            (p, 1 - p) if n % 2 == 0 else (1 - p, p),
            run,
        )
        for n, p in enumerate(sure)
    ]


def test_the_gallery_shows_as_many_as_were_said_surest_first() -> None:
    run = a_run()
    report = build(run, many(run, MOST_WRONG + 3, MOST_RIGHT + 5))
    assert (len(report.galleries[0].wrong), len(report.galleries[0].right)) == (200, 24)
    for shown, wrong in ((report.galleries[0].wrong, True), (report.galleries[0].right, False)):
        sure = [max(each.probabilities) for each in shown]
        assert sure == sorted(sure, reverse=True)
        assert all((each.label != each.predicted) == wrong for each in shown)


def test_a_film_and_its_heatmap_stand_on_the_page_where_there_are_any() -> None:
    run = a_run()
    cases = some_cases(run)
    with_map = cases[1]  # overcalled, so shown as wrong
    heat = Explanation(
        image_id=with_map.image_id, heatmap=np.zeros((2, 2), np.float32), target="x", method="cam"
    )
    report = build(run, cases, explanations={with_map.image_id: heat})
    assert [each.image_id for each in report.cases if each.heatmap_for] == [with_map.image_id]
    films: list[str] = []
    maps: list[str] = []
    page = render_html(
        report,
        picture=lambda i: (films.append(i), png("L"))[1],
        heatmap=lambda i: (maps.append(i), png("RGBA"))[1],
    )
    shown = [each.image_id for each in (*report.galleries[0].wrong, *report.galleries[0].right)]
    assert films == shown and maps == [with_map.image_id]
    assert page.count("data:image/jpeg;base64,") == 2 * len(shown)
    assert page.count('alt="Heatmap of case') == 1


# ----------------------------------------------------------------------------------------------- what is held


def test_uncertainty_is_judged_where_every_case_has_it_and_something_is_wrong() -> None:
    run = a_run()
    cases = some_cases(run)
    sets = [replace(each, conformal_set=(each.predicted,)) for each in cases]
    told = build(run, sets).against[0].estimates
    assert told["conformal sets of one class"].value == 1
    held = told["conformal sets that contain opacity where it is present"]
    assert (held.value, held.n, held.patients) == (7 / 8, 8, 8)
    assert told["conformal sets that contain normal where it is present"].value == 30 / 32
    assert "AUROC of entropy for errors" not in told  # every case is as uncertain as every other
    partly = [*sets[:-1], cases[-1]]
    assert not [name for name in build(run, partly).against[0].estimates if name.startswith("conformal")]
    spread = [replace(each, entropy=0.01 * n) for n, each in enumerate(cases)]
    assert "AUROC of entropy for errors" in build(run, spread).against[0].estimates
    right = [each for each in spread if each.label == each.predicted]
    assert "AUROC of entropy for errors" not in build(run, right).against[0].estimates


def test_predictive_values_are_given_for_rare_and_for_common_findings(report: Report) -> None:
    given = report.against[0]
    assert [row[0] for row in given.predictive] == [0.01, 0.05, 0.1, 0.25, 0.5]
    assert all(ppv.value < npv.value for _, ppv, npv in given.predictive[:3])
    assert [ppv.value for _, ppv, _ in given.predictive] == sorted(
        ppv.value for _, ppv, _ in given.predictive
    )
    assert of_three().against[0].predictive == ()


def test_figures_are_by_patient(report: Report) -> None:
    for one in report.against[0].estimates.values():
        assert one.patients is None or one.patients <= 20
    assert report.against[0].estimates["accuracy"].patients == 20
    assert report.against[0].rows[1].recall.patients == 8
    assert sum(each.count for each in report.against[0].reliability) == 40
    assert max(each.frequency.patients or 0 for each in report.against[0].reliability) <= 20


@pytest.mark.parametrize(("part", "words"), [("test", " of the test part"), (None, "")])
def test_a_run_without_predictions_is_told_by_part(part: str | None, words: str) -> None:
    with pytest.raises(ReportError, match=f"has no predictions{words} to report on"):
        build(a_run(), [], part=part)


def test_software_is_that_of_training_where_it_is_known_and_of_now_elsewhere() -> None:
    run = a_run()
    then = {fact.name: fact.value for fact in build(run, some_cases(run), software={"torch": "0.1"}).facts}
    assert then["Software"] == "torch 0.1"
    now = {fact.name: fact.value for fact in build(run, some_cases(run)).facts}["Software"]
    assert f"numpy {np.__version__}" in now and re.search(r"torch \d", now)
