"""The formats that a study's report can be taken away in: a function and a line each, as of a run's report.

What writes is imported when a file is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import ReportError
from engine.language import ENGLISH, speaking
from engine.storage import storage_error, write_together

if TYPE_CHECKING:
    from engine.report.study.records import StudyReport

Files = Mapping[str, bytes | str]


@dataclass(frozen=True, eq=False)
class Shown:
    """A study's report, and its page, which is made once for all formats that are made of it."""

    report: StudyReport
    language: str = ENGLISH

    @cached_property
    def page(self) -> str:
        """The page, in the language of what people read."""
        from engine.report.study.page import study_page

        with speaking(self.language):
            return study_page(self.report)


def html_page(shown: Shown) -> Files:
    """Return one page that needs nothing else."""
    return {"study.html": shown.page}


def pdf_pages(shown: Shown) -> Files:
    """Return the same page as PDF."""
    from engine.report.paper.pdf import pdf_of

    return {"study.pdf": pdf_of(shown.page)}


def word_file(shown: Shown) -> Files:
    """Return the text and the tables of the same page for Word."""
    from engine.report.paper.word import word_of

    return {"study.docx": word_of(shown.page)}


def csv_tables(shown: Shown) -> Files:
    """Return the tables."""
    from engine.report.study.exports import study_tables
    from engine.spreadsheet import write_csv

    return {f"{table}.csv": write_csv(rows) for table, rows in study_tables(shown.report).items() if rows}


def parquet_tables(shown: Shown) -> Files:
    """Return the same tables with the types of their columns."""
    from engine.report.exports.parquet import write_parquet
    from engine.report.study.exports import study_tables

    return {
        f"{table}.parquet": write_parquet(rows) for table, rows in study_tables(shown.report).items() if rows
    }


def json_numbers(shown: Shown) -> Files:
    """Return every number."""
    import json

    from engine.report.study.exports import study_document

    text = json.dumps(study_document(shown.report), indent=1, ensure_ascii=False, allow_nan=False)
    return {"study.json": text + "\n"}


def for_other_programs(shown: Shown) -> Files:
    """Return the readings for iMRMC and for MRMCaov."""
    from engine.report.study.exchange import exchange_files

    return exchange_files(shown.report.readings)


def checkable_bundle(shown: Shown) -> Files:
    """Return one zip with all of it, out of which every figure can be computed again."""
    from engine.report.study.bundle.packing import pack_study

    return {"bundle.zip": pack_study(shown.report, in_every_other_format)}


def in_every_other_format(report: StudyReport) -> Files:
    """Return a report's files in every format but the bundle."""
    shown = Shown(report)
    others = (make for name, make in STUDY_FORMATS.items() if name != "bundle")
    return {name: content for make in others for name, content in make(shown).items()}


STUDY_FORMATS: dict[str, Callable[[Shown], Files]] = {
    "html": html_page,
    "pdf": pdf_pages,
    "docx": word_file,
    "csv": csv_tables,
    "parquet": parquet_tables,
    "json": json_numbers,
    "imrmc": for_other_programs,
    "bundle": checkable_bundle,
}


def export_study(
    report: StudyReport, folder: Path, *, formats: Sequence[str] = (), told: str = ENGLISH
) -> dict[str, dict[str, Path]]:
    """Write a study's report: all files, or none; those that machines read, and the bundle, are in English.

    Args:
        report: Of the study.
        folder: Made if it is not there.
        formats: Of `STUDY_FORMATS`; empty means all.
        told: Language of what people read: of the HTML, the PDF and the Word file.

    Returns:
        Format → file name without its ending → file.

    Raises:
        ReportError: There is no such format.
        WorkspaceError: The folder cannot be made or written to.
    """
    wanted = tuple(dict.fromkeys(formats)) or tuple(STUDY_FORMATS)
    for name in wanted:
        if name not in STUDY_FORMATS:
            raise ReportError(
                f"A study's report has no format “{name}”", f"Choose one of: {', '.join(STUDY_FORMATS)}"
            )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, folder) from error
    shown = Shown(report, told)
    files = {name: STUDY_FORMATS[name](shown) for name in wanted}
    write_together([(folder / file, text) for texts in files.values() for file, text in texts.items()])
    return {name: {Path(file).stem: folder / file for file in texts} for name, texts in files.items()}
