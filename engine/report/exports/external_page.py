"""An external test as files: one HTML page that needs nothing else, PDF, Word, CSV, and JSON of every number."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import Any

from engine.records import ExternalTest
from engine.report.exports.html import fill_template
from engine.report.exports.numbers import external_document
from engine.report.exports.page_files import WrittenPage, write_page
from engine.report.exports.schema.documents import report_schema
from engine.report.exports.tables import external_lines
from engine.report.printed.external import external_sheet


def write_external(test: ExternalTest, folder: Path, *, paper: bool = True) -> WrittenPage:
    """Write external.html, .csv, .json and the JSON's schema, and on `paper` external.pdf and external.docx.

    Raises:
        WorkspaceError: The folder cannot be made or written to.
        ReportError: It cannot be set as PDF; the other files are written by then.
    """
    return write_page(
        folder,
        "external",
        page=external_page(test),
        lines=external_lines(external_document(test)),
        document=external_file(test),
        schema=report_schema("external-test"),
        paper=paper,
    )


def external_page(test: ExternalTest) -> str:
    """Return the test as one HTML page without scripts or outside references."""
    sheet = external_sheet(test)
    return fill_template(
        "external.html", test=test, sheet=sheet, told=sheet.said, made=test.tested.astimezone(UTC)
    )


def external_file(test: ExternalTest) -> dict[str, Any]:
    """Return what external.json holds: the test, its sentences, and what is printed of it."""
    # The page has no drawings: what it calls figures are the test's.
    return {
        **external_sheet(test).document(),
        **external_document(test),
        "sentences": [f"{sentence}." for sentence in test.sentences],
    }
