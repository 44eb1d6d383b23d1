"""The files that a run's bundle holds, and what stands in them twice: each is held against the other."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from engine.records import Part, Run
from engine.report.checked.redrawn import as_drawn
from engine.report.computed import Computed
from engine.report.exports.bundle.apart import DEFINED, SEARCHED, SEARCHES, STANDARDS
from engine.report.exports.bundle.beside import Place, schema_name
from engine.report.exports.bundle.case_masks import MASKS
from engine.report.exports.bundle.case_table import (
    CHOICES,
    DICTIONARY,
    IMAGES,
    READINGS,
    dictionary_file,
    parquet_name,
)
from engine.report.exports.bundle.differences import table_places, words_of
from engine.report.exports.bundle.packing import (
    CARD,
    CARD_JSON,
    README,
    SAYS,
    SETTINGS,
    figures_by_file,
    has_card,
)
from engine.report.exports.bundle.regions import REGIONS
from engine.report.exports.dictionary import dictionary_of
from engine.report.exports.tables import Row, told_tables
from engine.report.held.by_digest import readme_places
from engine.report.held.drawings import figure_places
from engine.report.held.pages import drawings_on
from engine.report.held.paper import paper_places
from engine.report.paper.directions import MINUS
from engine.report.records import Evidence
from engine.runs import settings_of
from engine.spreadsheet import read_csv, write_csv

PAGE, DOCUMENT, MEANINGS = "report.html", "report.json", "dictionary.csv"
NEEDED = (IMAGES, READINGS, CHOICES, f"{SETTINGS}run.json", DOCUMENT)
"""Without these nothing can be computed."""
SENTENCES = ("marked_in_words", "facts", "limitations", "cautions", "tables", "notes", "figures")
"""Of report.json: what the page says in the same words."""
FEWEST = 3  # words of a sentence
DOES_NOT_SAY = (KeyError, TypeError, ValueError, AttributeError)
"""Of a document that is not what its schema says, which is named beside that."""


def tables_told(document: Mapping[str, Any]) -> dict[str, list[Row]] | None:
    """Return the tables that repeat report.json; None where it does not say them."""
    try:
        return {name: rows for name, rows in told_tables(document).items() if rows}
    except DOES_NOT_SAY:
        return None


def figures_again(
    run: Run, part: Part | None, evidence: Evidence, found: Computed, document: Mapping[str, Any]
) -> dict[str, str] | None:
    """Return the figures by name without their ending, drawn again; None where report.json does not say what of."""
    try:
        return figures_by_file(as_drawn(run, part, evidence, found, document))
    except DOES_NOT_SAY:
        return None


def belonging(
    run: Run, part: Part | None, evidence: Evidence, *, tables: Collection[str], figures: Collection[str]
) -> set[str]:
    """Return the names of the files that a run's bundle holds, its masks excepted."""
    names = {README, PAGE, "report.pdf", "report.docx", DOCUMENT, schema_name(DOCUMENT)}
    names |= {REGIONS, CHOICES, DICTIONARY, *(SETTINGS + name for name in settings_of(run))}
    names |= {CARD, CARD_JSON} if has_card(run, part) else set()
    names |= {STANDARDS, DEFINED} if evidence.settled else set()
    names |= {SEARCHES, SEARCHED} if evidence.searches else set()
    for table in (IMAGES, READINGS, MEANINGS, *(f"{name}.csv" for name in tables)):
        names |= {table, parquet_name(table)}
    return names | {f"{name}.{kind}" for name in figures for kind in ("svg", "png")}


def may_hold(files: Mapping[str, bytes], *starts: str) -> set[str]:
    """Return the files that are told elsewhere, by what their names begin with."""
    return {name for name in files if name.startswith((MASKS, *starts))}


def repeated(
    files: Mapping[str, bytes], tables: Mapping[str, list[Row]], figures: Collection[str]
) -> Iterator[Place]:
    """Yield the tables that repeat report.json or name columns beside what those say, and figures beside the page's.

    Args:
        files: Of the bundle; what is missing is said among the files.
        tables: That report.json gives.
        figures: As they were drawn again.
    """
    for name, rows in tables.items():
        yield from table_places(f"{name}.csv", files.get(f"{name}.csv"), write_csv(rows))
    yield from table_places(DICTIONARY, files.get(DICTIONARY), dictionary_file())
    columns = {
        name.removesuffix(".csv"): [dict.fromkeys(read_csv(files[name])[0])]
        for name in files
        if name.endswith(".csv") and "/" not in name and name != MEANINGS
    }
    yield from table_places(MEANINGS, files.get(MEANINGS), write_csv(dictionary_of(columns)))
    yield from drawings_on(files, PAGE, figures)


def said_on_page(files: Mapping[str, bytes], document: Mapping[str, Any]) -> Iterator[Place]:
    """Yield the sentences of report.json that do not stand on the page."""
    if PAGE not in files:
        return
    page = _plain(" ".join(words_of(files[PAGE].decode("utf-8", "replace"))))
    for section in SENTENCES:
        for sentence in _sentences(document.get(section)):
            if _plain(sentence) not in page:
                yield PAGE, section, "no such sentence", sentence


def _sentences(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _sentences(each)
    elif isinstance(value, str) and value.count(" ") >= FEWEST:
        yield value.rstrip(".")


def _plain(text: str) -> str:
    return re.sub(r"[\s\u2066-\u2069\u200e\u200f]", "", text).replace(MINUS, "-")


def made_again(files: Mapping[str, bytes], run: Run, figures: Mapping[str, str]) -> Iterator[Place]:
    """Yield where README, figures, PDF and Word file are not what numbers and page give."""
    yield from readme_places(files, SAYS, run_id=run.run_id)
    yield from figure_places(files, figures)
    yield from paper_places(files, PAGE)
