"""A report as files: one HTML page that needs nothing else, JSON of every number, CSV tables.

Class names, comments and file names are whatever somebody typed: the page escapes all of them, and a cell that a
spreadsheet would run as a formula is written so that it does not.
"""

from __future__ import annotations

from pathlib import Path

from engine.report.exports.html import render_html
from engine.report.exports.numbers import render_json
from engine.report.exports.tables import tables_of
from engine.report.records import ExportedReport, Heatmap, Picture, Report
from engine.spreadsheet import write_csv
from engine.storage import storage_error, write_atomic


def write_report(report: Report, folder: Path, *, picture: Picture, heatmap: Heatmap) -> ExportedReport:
    """See `engine.report.build.export_report`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, folder) from error
    page, numbers = folder / "report.html", folder / "report.json"
    write_atomic(page, render_html(report, picture=picture, heatmap=heatmap))
    write_atomic(numbers, render_json(report))
    tables = {}
    for name, rows in tables_of(report).items():
        tables[name] = folder / f"{name}.csv"
        write_atomic(tables[name], write_csv(rows))
    return ExportedReport(html=page, json=numbers, csv=tables)
