"""An external test as files: one HTML page that needs nothing else, CSV, and JSON of every number."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from engine.records import ExternalTest
from engine.report.exports.html import fill_template
from engine.report.exports.numbers import external_document
from engine.report.exports.page_files import WrittenPage, write_page
from engine.report.exports.tables import external_lines


def write_external(test: ExternalTest, folder: Path) -> WrittenPage:
    """Write external.html, external.csv and external.json.

    Raises:
        WorkspaceError: The folder cannot be made or written to.
    """
    return write_page(
        folder,
        "external",
        page=fill_template("external.html", test=test, made=datetime.now(UTC)),
        lines=external_lines(test),
        document=external_document(test),
    )
