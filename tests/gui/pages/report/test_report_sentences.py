"""What the Report page says in the odd situations of the report, as text that a person has read.

`snapshots/no reader.txt` is a whole page; the other situations hold the lines that come (+) and go (-).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from engine.report.printed.book import Book
from engine.report.records import Report
from engine.report.standards.reference_standards import REFERENCE_STANDARDS
from engine.workspace import open_workspace
from gui.pages.report.page import show
from gui.pages.report.sections import (
    about,
    cases,
    chosen_standards,
    drawings,
    headline,
    said,
    training,
)
from gui.web import markup
from gui.web.session import AppSession, open_session
from tests.engine.report.test_snapshots import PLAIN, situations
from tests.gui.conftest import Room
from tests.snapshots import differences, hold_against, lines_of_html, one_text

FOLDER = Path(__file__).parent / "snapshots"
BOTH = list(REFERENCE_STANDARDS)


def lines_of(session: AppSession, report: Report, standards: Sequence[str] = BOTH) -> list[str]:
    lines = lines_of_html(headline(report, standards))
    printed = dict(zip([one.kind for one in report.against], Book(report).performance, strict=True))
    for one in chosen_standards(report, standards):
        lines += [f"Against {one.name}", *lines_of_html(said(one))]
        if one.cases:
            lines += lines_of_html(markup.printed(printed[one.kind]))
        lines += lines_of_html(drawings(report, one))
    lines += lines_of_html(training(report))
    lines += _first_of_each(lines_of_html(cases(session, report, standards, heat=True)))
    return lines + lines_of_html(about(report))


def _first_of_each(lines: Sequence[str]) -> list[str]:
    """Return the gallery with one picture under each heading."""
    kept, pictures = [], 0
    for line in lines:
        if line.startswith(("Incorrect", "Correct")):
            pictures = 0
        pictures += line.startswith("[image: ")
        if pictures < 2:
            kept.append(re.sub(r"Case [0-9a-f]+$", "Case ID", line))
    return kept


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppSession]:
    workspace = open_workspace(tmp_path_factory.mktemp("sentences") / "workspace")
    opened = open_session(workspace, reader="anna")
    yield opened
    opened.store.close()


@pytest.fixture(scope="module")
def plain(session: AppSession) -> list[str]:
    return lines_of(session, situations()[PLAIN]())


@pytest.mark.parametrize("name", situations())
def test_the_report_page_says_what_a_person_has_read(
    session: AppSession, plain: list[str], name: str
) -> None:
    lines = plain if name == PLAIN else differences(plain, lines_of(session, situations()[name]()))
    hold_against(FOLDER / f"{name}.txt", lines)


def test_a_page_without_figures_says_why(room: Room) -> None:
    def shown(run_id: str | None, part: str, standards: Sequence[str] = BOTH) -> list[str]:
        return lines_of_html(show(room.session, run_id, part, standards)[0])

    hold_against(
        FOLDER / "nothing to show.txt",
        one_text(
            {
                "no run": shown(None, "test"),
                "a run without validation cases": shown(room.run.run_id, "val"),
                "an unknown run": shown("20260101-120000-ffff", "test"),
            }
        ),
    )
