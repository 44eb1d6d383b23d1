"""One HTML page that needs nothing else, the same as PDF and for Word, its numbers as CSV and JSON beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.spreadsheet import write_csv
from engine.storage import storage_error, versioned, write_together


@dataclass(frozen=True, slots=True)
class WrittenPage:
    """Where a page and its numbers were written.

    Attributes:
        html: The page.
        files: Every file, by format; the page among them.
    """

    html: Path
    files: Mapping[str, Path]


def write_page(
    folder: Path,
    name: str,
    *,
    page: str,
    lines: Iterable[Mapping[str, Any]],
    document: Mapping[str, Any],
    schema: Mapping[str, Any] | None = None,
    paper: bool = True,
) -> WrittenPage:
    """Write NAME.html, NAME.csv and NAME.json, all of them or nothing; then NAME.pdf and NAME.docx.

    Args:
        folder: Made if it is not there.
        name: Of the files, without their ending.
        page: The HTML, as `fill_template` gives it.
        lines: Of the CSV: cell by heading.
        document: Every number, as JSON has it.
        schema: What describes the document, for NAME.schema.json; None without.
        paper: Whether the PDF and the file for Word are wanted.

    Raises:
        WorkspaceError: The folder cannot be made or written to.
        ReportError: It cannot be set as PDF; the other files are written by then.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, folder) from error
    files = {
        kind: folder / f"{name}.{kind}"
        for kind in ("html", "csv", "json", *(("pdf", "docx") if paper else ()))
    }
    numbers = json.dumps(versioned(dict(document)), indent=1, ensure_ascii=False) + "\n"
    contents: list[tuple[Path, bytes | str]] = [
        (files["html"], page), (files["csv"], write_csv(list(lines))), (files["json"], numbers),
    ]  # fmt: skip
    if schema is not None:
        files["schema"] = folder / f"{name}.schema.json"
        contents.append((files["schema"], json.dumps(schema, indent=1, ensure_ascii=False) + "\n"))
    write_together(contents)
    if paper:
        from engine.report.paper.pdf import pdf_of
        from engine.report.paper.word import word_of

        write_together([(files["pdf"], pdf_of(page)), (files["docx"], word_of(page))])
    return WrittenPage(files["html"], files)
