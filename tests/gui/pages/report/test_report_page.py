"""The Report page: what stands on the screen is what the report says, and what is downloaded is the same."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import ReportError, ReviewError
from engine.labels import keep_search
from engine.reading import Drawn, Protocol, StudyAnswer
from engine.records import Review, Run, Verdict
from engine.report.build import build_report
from engine.report.formatting import figure, interval
from engine.report.printed.book import Book
from engine.report.printed.page import numbers_on, on_the_page
from engine.report.standards.reference_standards import REFERENCE_STANDARDS
from engine.runs import load_run
from engine.statistics import predictive_values
from engine.workspace import Workspace, open_workspace
from gui.pages.report.asked import (
    cases_behind,
    compare,
    report_part,
    runs_to_compare,
    write_item,
    write_prevalence,
)
from gui.pages.report.computed import report_of
from gui.pages.report.page import run_choices, show
from gui.pages.report.parts import PARTS
from gui.pages.report.sections import (
    about,
    cases,
    drawings,
    headline,
    said,
)
from gui.pages.report.taking import export
from gui.web.session import AppSession, open_session
from tests.gui.conftest import Room, fill, make_run
from tests.gui.pages.data.test_data_page import HOSTILE
from tests.readers import with_readers

BOTH = list(REFERENCE_STANDARDS)
FROM_DATA, REVIEWED = BOTH
RUN = "20260101-000000-tiny"


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


def test_the_tables_are_those_of_the_report_with_its_ids(session: AppSession) -> None:
    report = report_of(session, RUN, "test")
    asked = {"run": RUN, "part": "test", "standards": [FROM_DATA], "name": "performance"}
    shown = numbers_on(report_part(session, asked)["html"])
    tables = Book(report).performance[0]
    assert len(tables) > 3
    assert shown == {name: on_the_page(cell) for table in tables for name, _, _, cell in table.numbers()}


def test_a_search_for_wrong_labels_is_on_the_page_at_once(session: AppSession) -> None:
    assert not report_of(session, RUN, "test").label_errors
    keep_search(load_run(session.workspace.runs / RUN), [])
    assert len(report_of(session, RUN, "test").label_errors) == 1


def test_what_readers_settled_in_a_study_is_on_the_page_when_it_is_closed(session: AppSession) -> None:
    store = with_readers(session.store, "anna", "ben")
    before = report_of(session, RUN, "test")
    made = store.studies.create(
        Protocol(name="pair", run_id=RUN, readers=("anna", "ben"), drawn=Drawn(parts=("test",)))
    )
    for name in made.protocol.readers:
        sitting = store.studies.begin(made.study_id, name)
        while (task := store.studies.next(made.study_id, name)) is not None:
            said = StudyAnswer(
                study_id=made.study_id, image_id=task.image_id, arm=task.arm, verdict="read", label="normal"
            )
            store.studies.answer(said, sitting, last=task.last)
    assert len(report_of(session, RUN, "test").against) == len(before.against), "an open study tells nothing"
    store.studies.close(made.study_id)
    after = report_of(session, RUN, "test")
    assert len(after.against) == len(before.against) + 1 and after.against[-1].cases > 0


def test_a_review_changes_the_reviewed_standard_and_no_other(session: AppSession) -> None:
    before = report_of(session, "20260101-000000-tiny", "test")
    overrule_first(session)
    after = report_of(session, "20260101-000000-tiny", "test")
    assert [one.cases for one in before.against] == [before.against[0].cases, 0]
    assert [one.cases for one in after.against] == [before.against[0].cases, 1]
    assert "1</b><span>image read" in headline(after, BOTH)
    assert "Reviewed: " in cases(session, after, BOTH, heat=True)


def test_an_answer_taken_back_for_another_is_on_the_page_at_once(session: AppSession) -> None:
    store = with_readers(session.store, "anna")
    for case in store.predictions(RUN, part="test")[:2]:
        review = Review(
            run_id=RUN, image_id=case.image_id, reader="anna", verdict=Verdict.AGREE, label=case.predicted
        )
        store.add_review(review)
        assert [each.image_id for each in report_of(session, RUN, "test").cases if each.reviews] == [
            case.image_id
        ]
        store.take_back(RUN, "anna")


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
    asked = {"run": "20260101-000000-tiny", "part": "test", "standards": [FROM_DATA]}
    drawn = {name: report_part(session, {**asked, "name": name})["html"] for name in PARTS}
    for name in ("summary", "figures", "performance", "participants"):
        assert f"gainst the {FROM_DATA}" in drawn[name] or f"Against {FROM_DATA}" in drawn[name]
        assert REVIEWED not in drawn[name].split("reviewed labels that differ")[-1]


def test_every_part_of_the_page_is_drawn_or_says_why_not_and_nothing_else_is_asked_for(
    session: AppSession,
) -> None:
    asked = {"run": "20260101-000000-tiny", "part": "test", "standards": BOTH}
    for name in PARTS:
        assert len(report_part(session, {**asked, "name": name})["html"]) > 40
    with pytest.raises(ReportError, match="no part “secrets”"):
        report_part(session, {**asked, "name": "secrets"})


def test_what_is_open_is_said_before_the_files_and_closes_when_it_is_written(session: AppSession) -> None:
    asked = {"run": "20260101-000000-tiny", "part": "test", "standards": BOTH}

    def left() -> int:
        said = report_part(session, {**asked, "name": "files"})["html"]
        return int(re.search(r"CLAIM 2024: (\d+) of 44 items are open", said)[1])  # type: ignore[index]

    before = left()
    assert "No case of it has been read." in report_part(session, {**asked, "name": "files"})["html"]
    said = write_item(session, {**asked, "checklist": "claim2024", "item": "44", "text": HOSTILE})["said"]
    assert "STARD 2015 item 30" in said and left() == before - 1
    drawn = report_part(session, {**asked, "name": "checklists"})["html"]
    assert HOSTILE not in drawn and "&lt;img src=x" in drawn and session.reader in drawn
    page = Path(export(session, "html", asked["run"], "test", ["claim2024"])).read_text(encoding="utf-8")  # type: ignore[arg-type]
    assert "&lt;img src=x" in page and "TRIPOD" not in page
    with pytest.raises(ReviewError, match="Guests"):
        write_item(
            replace(session, read_only=True), {**asked, "checklist": "claim2024", "item": "44", "text": "x"}
        )


def test_one_run_alone_is_not_compared_and_another_is_named_in_words(session: AppSession) -> None:
    asked = {"run": "20260101-000000-tiny"}
    assert runs_to_compare(session, asked)["runs"] == []
    with pytest.raises(ReportError, match="No other run is chosen"):
        compare(session, {**asked, "others": []})


def test_the_cases_behind_a_figure_are_those_that_it_counts(session: AppSession) -> None:
    asked = {"run": "20260101-000000-tiny", "part": "test", "standard": FROM_DATA}
    report = report_of(session, "20260101-000000-tiny", "test")
    against = report.against[0]
    for (row, column), count in np.ndenumerate(against.confusion):
        told = cases_behind(session, {**asked, "figure": "confusion", "x": column + 0.3, "y": row - 0.3})
        assert len(told["cases"]) == count and report.classes[row] in told["title"]
    held = [
        len(
            cases_behind(session, {**asked, "figure": "reliability", "x": (one.low + one.high) / 2, "y": 0})[
                "cases"
            ]
        )
        for one in against.reliability
    ]
    assert held == [one.count for one in against.reliability]
    point = cases_behind(session, {**asked, "figure": "roc", "x": 0.0, "y": 1.0})
    assert point["cases"] and all(set(one) == {"id", "title", "words", "image"} for one in point["cases"])
    for wrong in (
        {"figure": "roc"},
        {"figure": "none", "x": 1, "y": 1},
        {"figure": "confusion", "x": 9, "y": 9},
    ):
        assert cases_behind(session, {**asked, **wrong})["cases"] == []


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


def test_a_prevalence_that_was_entered_is_in_every_file_until_it_is_taken_back(session: AppSession) -> None:
    write_prevalence(session, {"run": RUN, "percent": 12.5})
    shown = report_part(session, {"run": RUN, "part": "test", "standards": BOTH, "name": "performance"})[
        "html"
    ]
    assert 'value="12.5"' in shown and "<bdi>12.5%</bdi>" in shown
    document = json.loads(Path(export(session, "json", RUN, "test")).read_text(encoding="utf-8"))
    assert [row[0] for row in document["against"][0]["predictive"]].count(0.125) == 1
    page = Path(export(session, "html", RUN, "test")).read_text(encoding="utf-8")
    assert '<th scope="row">12.5%</th>' in page
    for typed in ("7,5", "\u06f7\u066b\u06f5\u066a", " 7.5 %"):  # as it is typed, wherever that is
        write_prevalence(session, {"run": RUN, "percent": typed})
        assert report_of(session, RUN, "test").evidence.prevalence == 0.075
    with pytest.raises(ReportError, match="“7,5,5” is not a number"):
        write_prevalence(session, {"run": RUN, "percent": "7,5,5"})
    assert report_of(session, RUN, "test").evidence.prevalence == 0.075
    for wrong in (0, 100, -3, 1e9):
        with pytest.raises(ReportError, match="above 0% and below 100%"):
            write_prevalence(session, {"run": RUN, "percent": wrong})
    write_prevalence(session, {"run": RUN, "percent": ""})
    assert report_of(session, RUN, "test").evidence.prevalence is None
    (session.workspace.runs / RUN / "prevalence.json").write_text("[")
    report = report_of(session, RUN, "test")
    assert report.against[0].cases and any("prevalence.json" in said for said in report.limitations)


def test_a_workspace_without_runs_says_what_to_do(workspace: Workspace) -> None:
    session = open_session(workspace)
    assert "Train one" in show(session, None, "test", BOTH)[0]
    session.store.close()


def test_a_part_that_was_not_read_is_said_in_a_sentence(session: AppSession) -> None:
    with sqlite3.connect(session.workspace.database) as connection:  # as if test films alone had been read
        connection.execute("DELETE FROM cases WHERE part = 'val'")
    assert "no predictions" in show(session, "20260101-000000-tiny", "val", BOTH)[0]


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


GONE_TO_AND_AWAY = """() => {
  [...document.querySelectorAll('.rp-nav button')].find((one) => one.textContent === 'Checklists').click();
  document.querySelector('#report-chosen [data-chosen]').dataset.chosen += ' ';
  scrollTo({ top: 0, behavior: 'instant' });
}"""


@pytest.mark.browser
def test_a_report_is_read_and_taken_away(
    session: AppSession, page: Any, opened: Callable[..., Any], tmp_path: Path
) -> None:
    from playwright.sync_api import expect

    overrule_first(session)
    page.goto(opened(session, page="report").url)
    expect(page.locator("#report-part-summary")).to_contain_text(f"Against {REVIEWED}")
    expect(page.locator("#report-drawings-0 svg").first).to_be_visible()
    page.evaluate(GONE_TO_AND_AWAY)  # what a person went to comes though all is asked for again meanwhile
    expect(page.locator("#report-part-checklists")).to_contain_text("STARD 2015")
    page.get_by_role("button", name="Performance").click()
    expect(page.locator("#report-performance-0")).to_contain_text("opacity")
    field = page.get_by_label("At a prevalence of opacity of")
    field.fill("12.5")
    field.press("Enter")
    asked = page.locator("#report-part-performance tr", has_text="12.5%").first
    ppv, _ = predictive_values(
        *(
            report_of(session, RUN, "test").against[0].estimates[name]
            for name in ("sensitivity", "specificity")
        ),
        0.125,
    )
    expect(asked).to_contain_text(f"{figure(ppv.value)}{interval(ppv)}")
    page.get_by_role("button", name="Files", exact=True).click()
    expect(page.locator("#report-part-files")).to_contain_text("items are open")
    for kind, ending in (("html", ".html"), ("csv", ".zip"), ("json", ".json")):
        with page.expect_download() as started:
            page.locator(f"#report-{kind}").click()
        assert started.value.suggested_filename.endswith(ending)
        assert Path(started.value.path()).stat().st_size > 500
    page.get_by_role("button", name="Wrong and right cases").click()
    page.wait_for_function("document.querySelector('#report-part-cases img')?.naturalWidth > 0")
    assert page.locator("#report-part-cases img.or-fill").count() > 0
    page.get_by_role("checkbox", name=REVIEWED).click()
    page.get_by_role("button", name="Summary").click()
    expect(page.locator("#report-part-summary")).not_to_contain_text(f"Against {REVIEWED}")


@pytest.mark.browser
def test_a_click_on_a_figure_opens_its_cases_in_review_and_an_item_is_written_to(
    session: AppSession, page: Any, opened: Callable[..., Any]
) -> None:
    from playwright.sync_api import expect

    page.goto(opened(session, page="report").url)
    report = report_of(session, "20260101-000000-tiny", "test")
    row, column = (int(each) for each in np.argwhere(report.against[0].confusion > 0)[0])
    svg = page.locator("#report-drawings-0 [data-figure=confusion] svg")
    svg.scroll_into_view_if_needed()
    box, two = svg.bounding_box(), len(report.classes)
    left, top, right, bottom = map(float, svg.get_attribute("data-axes").split())
    page.mouse.click(
        box["x"] + box["width"] * (left + (right - left) * (column + 0.5) / two),
        box["y"] + box["height"] * (top + (bottom - top) * (row + 0.5) / two),
    )
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(
        f"{report.classes[row]} by the {FROM_DATA}, predicted {report.classes[column]}"
    )
    expect(dialog.locator("button img")).to_have_count(int(report.against[0].confusion[row, column]))
    page.keyboard.press("Escape")
    # every other figure with cases behind it: a point of a curve, a bar of a histogram
    for drawn, x, y in (
        ("roc", 0.0, 1.0),
        ("precision_recall", 1.0, 0.5),
        ("reliability", 0.5, 0.5),
        ("scores", 0.95, 1),
    ):
        svg = page.locator(f"#report-drawings-0 [data-figure={drawn}] svg")
        svg.scroll_into_view_if_needed()
        box = svg.bounding_box()
        axes, limits = (
            [float(n) for n in svg.get_attribute(f"data-{kind}").split(";")[0].split()]
            for kind in ("axes", "limits")
        )
        left, top, right, bottom = axes
        x0, x1, y0, y1 = limits
        across, up = (x - x0) / (x1 - x0), (y - y0) / (y1 - y0)
        page.mouse.click(
            box["x"] + box["width"] * (left + (right - left) * min(0.99, max(0.01, across))),
            box["y"] + box["height"] * (bottom - (bottom - top) * min(0.99, max(0.01, up))),
        )
        expect(dialog).to_be_visible()
        expect(dialog).to_contain_text("robability")
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
    # a picture of the gallery opens its case, by mouse and by key
    page.get_by_role("button", name="Wrong and right cases").click()
    picture = page.locator("#report-part-cases [data-case]").first
    picture.scroll_into_view_if_needed()
    case = picture.get_attribute("data-case")
    picture.focus()
    page.keyboard.press("Enter")
    expect(page.locator(f".rv[data-shown='{case}']")).to_be_visible()
    page.click("#page-report-button")
    page.get_by_role("button", name="Checklists", exact=True).click()
    page.locator("summary", has_text="STARD 2015:").click()
    field = page.get_by_label("STARD 2015, item 30")
    field.locator("xpath=ancestor::details[1]/summary").click()
    field.fill("No funding.")
    field.locator("xpath=..").get_by_role("button", name="Keep").click()
    expect(page.get_by_text("Kept for CLAIM 2024 item 44")).to_be_visible()
    # the same by the keyboard alone: the counts are buttons
    count = page.locator(".or-cell").filter(has_text=re.compile("[1-9]")).first
    count.focus()
    page.keyboard.press("Enter")
    case = dialog.locator(".rp-cases button").first
    expect(case).to_be_visible()
    name = case.locator("strong").inner_text().removeprefix("Case c")
    case.focus()
    page.keyboard.press("Enter")
    expect(page.locator(f".rv[data-shown^='{name}']")).to_be_visible()
