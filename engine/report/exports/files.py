"""The formats that a report can be taken away in.

A format is one entry of `EXPORTS`: words for its button, and a function that returns the files, by name. The buttons of
the report page, `overread report --format` and `export_report` read this dictionary, and nothing else names a format.
What draws or writes is imported when a file is asked for: a window opens seconds sooner without it.

Class names, comments and file names are whatever somebody typed: a page escapes all of them, and `engine.spreadsheet`
writes a cell that a spreadsheet would run as a formula so that it does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import ReportError
from engine.language import ENGLISH, speaking
from engine.storage import storage_error, write_together

if TYPE_CHECKING:
    from engine.report.records import ExportedReport, Heatmap, Picture, Report


@dataclass(frozen=True, eq=False)
class Shown:
    """A report with what its page shows of images: see `export_report`.

    Attributes:
        report: Of which machines read.
        picture: Of an image.
        heatmap: Of an image.
        told: The same report, of which people read: made while their language was spoken. None: it is in English.
        language: Of what people read.
    """

    report: Report
    picture: Picture
    heatmap: Heatmap
    told: Report | None = None
    language: str = ENGLISH

    @cached_property
    def page(self) -> str:
        """The page, made once for all formats that are made of it."""
        return self.page_with(self.picture, self.heatmap)

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """Every number, as JSON has it."""
        from engine.report.exports.numbers import report_document

        return report_document(self.report)

    @cached_property
    def tables(self) -> Mapping[str, list[Mapping[str, Any]]]:
        """The tables that have rows."""
        from engine.report.exports.tables import tables_of

        return {name: rows for name, rows in tables_of(self.report, self.document).items() if rows}

    def page_with(self, picture: Picture, heatmap: Heatmap) -> str:
        """Return the page in its language, with other pictures."""
        from engine.report.exports.html import render_html

        with speaking(self.language):
            return render_html(self.told or self.report, picture=picture, heatmap=heatmap)


@dataclass(frozen=True, slots=True)
class Export:
    """One format.

    Attributes:
        title: For a button: "Download" comes before it.
        files: File name → content.
    """

    title: str
    files: Callable[[Shown], Mapping[str, bytes | str]]


def html_page(shown: Shown) -> dict[str, bytes | str]:
    """Return one page that needs nothing else."""
    return {"report.html": shown.page}


def pdf_pages(shown: Shown) -> dict[str, bytes | str]:
    """Return the same page as PDF."""
    from engine.report.paper.pdf import pdf_of

    return {"report.pdf": pdf_of(shown.page)}


def word_file(shown: Shown) -> dict[str, bytes | str]:
    """Return the text and the tables of the same page for Word."""
    from engine.report.paper.word import word_of

    return {"report.docx": word_of(shown.page_with(_none, _none))}


def _none(_: str) -> None:
    """Return no picture: Word takes none."""


def csv_tables(shown: Shown) -> dict[str, bytes | str]:
    """Return the tables, without pictures."""
    from engine.spreadsheet import write_csv

    return {f"{name}.csv": write_csv(rows) for name, rows in shown.tables.items()}


def parquet_tables(shown: Shown) -> dict[str, bytes | str]:
    """Return the same tables with the types of their columns."""
    from engine.report.exports.parquet import write_parquet

    return {f"{name}.parquet": write_parquet(rows) for name, rows in shown.tables.items()}


def json_numbers(shown: Shown) -> dict[str, bytes | str]:
    """Return every number, without pictures."""
    from engine.report.exports.numbers import written_json

    return {"report.json": written_json(shown.document)}


def checkable_bundle(shown: Shown) -> dict[str, bytes | str]:
    """Return one zip with all of it, out of which every figure can be computed again: in English, whoever checks it."""
    from engine.report.exports.bundle.packing import pack

    def render(anonymous: Report) -> dict[str, bytes | str]:
        told = Shown(anonymous, shown.picture, shown.heatmap)
        others = (export.files(told) for name, export in EXPORTS.items() if name != "bundle")
        return {name: content for files in others for name, content in files.items()}

    return {"bundle.zip": pack(shown.report, render)}


EXPORTS: dict[str, Export] = {
    "html": Export("as HTML", html_page),
    "pdf": Export("as PDF", pdf_pages),
    "docx": Export("for Word", word_file),
    "csv": Export("tables (CSV)", csv_tables),
    "parquet": Export("tables (Parquet)", parquet_tables),
    "json": Export("as JSON", json_numbers),
    "bundle": Export("as a checkable bundle (ZIP)", checkable_bundle),
}


def write_report(
    report: Report,
    folder: Path,
    *,
    picture: Picture,
    heatmap: Heatmap,
    formats: Sequence[str],
    told: tuple[str, Report] | None = None,
) -> ExportedReport:
    """See `engine.report.build.export_report`."""
    for name in formats:
        if name not in EXPORTS:
            raise ReportError(f"There is no report format “{name}”", f"Choose one of: {', '.join(EXPORTS)}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, folder) from error
    written: dict[str, dict[str, Path]] = {}
    contents: dict[Path, bytes | str] = {}
    shown = Shown(report, picture, heatmap)
    if told is not None:  # one moment, and the checklists as they are answered, of both
        from engine.report.run_answers.subjects import answered_again

        language, other = told
        with speaking(language):
            other = answered_again(replace(other, made=report.made), report.checklists)
        shown = Shown(report, picture, heatmap, other, language)
    for name in formats:
        files = EXPORTS[name].files(shown)
        written[name] = {Path(file).stem: folder / file for file in files}
        contents |= {folder / file: content for file, content in files.items()}
    write_together(contents.items())
    return written
