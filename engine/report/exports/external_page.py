"""An external test as files: one HTML page that needs nothing else, PDF, Word, CSV, and JSON of every number."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

from engine.records import ExternalTest
from engine.report.exports.html import fill_template
from engine.report.exports.numbers import external_document
from engine.report.exports.page_files import WrittenPage, write_page
from engine.report.exports.tables import external_lines


def write_external(test: ExternalTest, folder: Path, *, paper: bool = True) -> WrittenPage:
    """Write external.html, external.csv and external.json, and on `paper` external.pdf and external.docx.

    Raises:
        WorkspaceError: The folder cannot be made or written to.
        ReportError: It cannot be set as PDF; the other files are written by then.
    """
    return write_page(
        folder,
        "external",
        page=fill_template("external.html", test=test, made=test.tested.astimezone(UTC)),
        lines=external_lines(test),
        document=external_document(test),
        paper=paper,
    )
