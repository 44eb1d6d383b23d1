"""The Report page: what stands on the screen is what the report says, and what is downloaded is the same."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.records import Review, Run, Verdict
from engine.report.build import build_report
from engine.report.standards.reference_standards import REFERENCE_STANDARDS
from engine.workspace import Workspace, open_workspace
from gui.pages.report.page import export, report_of, run_choices, show
from gui.pages.report.sections import (
    about,
    cases,
    classification_rows,
    drawings,
    estimate_rows,
    headline,
    said,
)
from gui.web.session import AppSession, open_session
from tests.engine.reading.test_store import with_readers
from tests.gui.conftest import Room, fill, make_run
from tests.gui.pages.data.test_data_page import HOSTILE

BOTH = list(REFERENCE_STANDARDS)
FROM_DATA, REVIEWED = BOTH


@pytest.fixture
def session(trained: tuple[Workspace, Run], tmp_path: Path) -> Iterator[AppSession]:
    """A window on a copy of a workspace with one trained run."""
    shutil.copytree(trained[0].root, tmp_path / "workspace")
    opened = open_session(open_workspace(tmp_path / "workspace"), reader="Dr Test")
    yield opened
    opened.store.close()


def overrule_first(session: AppSession) -> str:
    """Let a reader overrule the first test case; return its id."""
    ((_, run_id),) = run_choices(session)
    case = session.store.predictions(run_id, part="test")[0]
    other = next(name for name in session.store.run(run_id).classes if name != case.predicted)
    with_readers(session.store, "anna").add_review(
        Review(run_id=run_id, image_id=case.image_id, reader="anna", verdict=Verdict.OVERRULE, label=other)
    )
    return case.image_id


def test_a_finished_run_is_offered_in_words(session: AppSession) -> None:
    ((words, run_id),) = run_choices(session)
    assert run_id == "20260101-000000-tiny"
    assert "A net small enough for a test" in words


def test_the_tables_say_what_the_report_says(session: AppSession) -> None:
    report = report_of(session, "20260101-000000-tiny", "test")
    against = report.against[0]
    assert against.name == FROM_DATA
    assert [row[0] for row in classification_rows(against)] == ["normal", "opacity"]
    assert sum(int(row[-1]) for row in classification_rows(against)) == against.cases
    shown = {row[0]: row[1] for row in estimate_rows(against)}
    assert set(shown) == set(against.estimates)
    accuracy = against.confusion.trace() / against.confusion.sum()
    assert float(f"0{shown['accuracy']}" if shown["accuracy"].startswith(".") else shown["accuracy"]) == (
        pytest.approx(accuracy, abs=5e-4)
    )
    assert all(isinstance(cell, str) for row in estimate_rows(against) for cell in row)


def test_a_review_changes_the_reviewed_standard_and_no_other(session: AppSession) -> None:
    before = report_of(session, "20260101-000000-tiny", "test")
    overrule_first(session)
    after = report_of(session, "20260101-000000-tiny", "test")
    assert [one.cases for one in before.against] == [before.against[0].cases, 0]
    assert [one.cases for one in after.against] == [before.against[0].cases, 1]
    assert "1</b><span>image read" in headline(after, BOTH)
    assert "Reviewed: " in cases(session, after, BOTH, heat=True)


def test_an_unchanged_report_is_not_computed_again(session: AppSession) -> None:
    first = report_of(session, "20260101-000000-tiny", "test")
    assert report_of(session, "20260101-000000-tiny", "test") is first
    assert report_of(session, "20260101-000000-tiny", "all") is not first


def test_only_the_chosen_standards_are_shown(session: AppSession) -> None:
    report = report_of(session, "20260101-000000-tiny", "test")
    assert f"Against {FROM_DATA}" in headline(report, BOTH) and f"Against {REVIEWED}" in headline(
        report, BOTH
    )
    assert f"Against {REVIEWED}" not in headline(report, [FROM_DATA])
    outputs = show(session, "20260101-000000-tiny", "test", [FROM_DATA], True)
    assert outputs[1].visible is True and outputs[6].visible is False


def test_cases_are_served_at_signed_addresses_and_without_names(session: AppSession) -> None:
    report = report_of(session, "20260101-000000-tiny", "test")
    shown = cases(session, report, BOTH, heat=True)
    assert "/image/20260101-000000-tiny/" in shown and "/heatmap/" in shown
    assert "/heatmap/" not in cases(session, report, BOTH, heat=False)
    assert ".png" not in shown and str(session.workspace.root) not in shown


@pytest.mark.parametrize("kind", ["html", "csv", "json"])
def test_a_download_holds_the_same_figures(session: AppSession, kind: str) -> None:
    path = Path(export(session, kind, "20260101-000000-tiny", "test"))
    report = report_of(session, "20260101-000000-tiny", "test")
    expected = report.against[0].estimates["accuracy"].value
    assert path.name.startswith("overread-20260101-000000-tiny-test")
    if kind == "json":
        kept = json.loads(path.read_text(encoding="utf-8"))
        assert kept["against"][0]["estimates"]["accuracy"]["value"] == expected
    elif kind == "csv":
        with zipfile.ZipFile(path) as packed:
            text = packed.read("estimates.csv").decode("utf-8-sig")
        rows = [row for row in csv.DictReader(io.StringIO(text)) if row["metric"] == "accuracy"]
        assert float(rows[0]["value"]) == expected
    else:
        page = path.read_text(encoding="utf-8")
        assert "<script" not in page and "data:image/" in page


def test_a_workspace_without_runs_says_what_to_do(workspace: Workspace) -> None:
    session = open_session(workspace)
    assert "Train one" in show(session, None, "test", BOTH, True)[0]
    session.store.close()


def test_a_part_that_was_not_read_is_said_in_a_sentence(session: AppSession) -> None:
    with sqlite3.connect(session.workspace.database) as connection:  # as if test films alone had been read
        connection.execute("DELETE FROM cases WHERE part = 'val'")
    assert "no predictions" in show(session, "20260101-000000-tiny", "val", BOTH, True)[0]


def test_class_names_and_comments_are_text_and_never_markup(room: Room, tmp_path: Path) -> None:
    run = make_run(room.session.workspace, run_id="20260102-120000-abcd", classes=("normal", HOSTILE))
    predictions = fill(
        room.session, tmp_path / "more", ["a.png", "b.png", "c.png", "d.png"], run=run, side=64
    )
    review = Review(
        run_id=run.run_id,
        image_id=predictions[0].image_id,
        reader=HOSTILE,
        verdict=Verdict.OVERRULE,
        label="normal" if predictions[0].predicted != "normal" else HOSTILE,
        comment=HOSTILE,
    )
    report = build_report(run, predictions, history=[], reviews=[review])
    pieces = [
        headline(report, BOTH),
        cases(room.session, report, BOTH, heat=True),
        about(report),
        *(said(one) for one in report.against),
        *(drawings(report, one) for one in report.against),
    ]
    for piece in pieces:
        assert "<img src=x" not in piece
    assert any("&lt;img src=x" in piece for piece in pieces)


@pytest.mark.browser
def test_a_report_is_read_and_taken_away(
    session: AppSession, page: Any, opened: Callable[..., Any], tmp_path: Path
) -> None:
    from playwright.sync_api import expect

    expect.set_options(timeout=30_000)  # two cores, shared

    overrule_first(session)
    page.goto(opened(session, page="report").url)
    expect(page.locator("#report-headline")).to_contain_text(f"Against {REVIEWED}", timeout=30_000)
    expect(page.locator("#report-drawings-0 svg").first).to_be_visible()
    expect(page.locator("#report-classes-0")).to_contain_text("opacity")
    for kind, ending in (("html", ".html"), ("csv", ".zip"), ("json", ".json")):
        with page.expect_download() as started:
            page.locator(f"#report-{kind}").click()
        assert started.value.suggested_filename.endswith(ending)
        assert Path(started.value.path()).stat().st_size > 500
    page.get_by_role("tab", name="Cases").click()
    page.wait_for_function("document.querySelector('#report-cases img')?.naturalWidth > 0")
    overlays = page.locator("#report-cases img.or-fill")
    assert overlays.count() > 0
    page.get_by_label("Show the heatmap over the image").click()
    expect(overlays).to_have_count(0)
    page.get_by_role("checkbox", name=REVIEWED).click()
    expect(page.locator("#report-headline")).not_to_contain_text(f"Against {REVIEWED}")
