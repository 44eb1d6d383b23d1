"""Check a run's bundle: every file by its digest, every figure by computing it again from the case table."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from engine.errors import ReportError, RunError
from engine.kept_files import parse_json
from engine.records import Run
from engine.report.computed import Computed, compute
from engine.report.exports.bundle.beside import Place, against_schema, drawn_regions, repeated_tables
from engine.report.exports.bundle.case_masks import mask_places
from engine.report.exports.bundle.case_table import (
    CHOICES,
    IMAGES,
    READINGS,
    image_sizes,
    read_case_table,
    understood,
)
from engine.report.exports.bundle.differences import (
    Difference,
    Verification,
    digests,
    hold,
    numbers,
    table_places,
)
from engine.report.exports.bundle.packing import CARD, CARD_JSON, SETTINGS
from engine.report.exports.bundle.regions import last_drawn
from engine.report.exports.model_card import card_figures, markdown_table, tables_against
from engine.report.exports.numbers import computed_document, plain
from engine.report.exports.schema.documents import report_schema
from engine.report.exports.schema.earlier import as_known, earlier_schema, version_of
from engine.report.exports.tables import computed_tables
from engine.report.printed.book import computed_printed
from engine.report.printed.looking_up import bare, tells
from engine.report.printed.page import numbers_on, on_the_page
from engine.report.printed.records import Table
from engine.runs import load_run
from engine.spreadsheet import write_csv

PAGE = "report.html"
NEEDED = (IMAGES, READINGS, CHOICES, f"{SETTINGS}run.json", "report.json")


def verify_run(files: Mapping[str, bytes]) -> Verification:
    """Compute every figure of a run's bundle again.

    Raises:
        ReportError: It is damaged so that nothing can be computed.
    """
    changed, sums = digests(files)
    run = run_in(files)
    evidence, _ = read_case_table(files, run)
    found = compute(run, evidence)
    document = understood("report.json", lambda: dict(parse_json(files["report.json"])))
    schema = report_schema("run-report")
    earlier = earlier_schema(files, "report.json", schema)
    again = plain(computed_document(found, run))
    if earlier is not None:
        again = as_known(again, earlier, earlier)
    tables = {
        f"{name}.csv": write_csv(rows) for name, rows in computed_tables(found, run.classes).items() if rows
    }
    agree: Counter[str] = Counter()
    differences = [
        *hold([("report.json", "", _same_names(document, again), again)], agree),
        *hold(
            chain.from_iterable(
                table_places(name, files.get(name), made, earlier=earlier is not None)
                for name, made in tables.items()
            ),
            agree,
        ),
        *hold(repeated_tables(files), agree),
        *hold(drawn_regions(files, evidence), agree),
        *hold(mask_places(files, last_drawn(evidence.reviews), image_sizes(evidence)), agree),
        *hold(_card_places(files, found), agree),
        *hold(against_schema(document, files, "report.json", schema, earlier), agree),
        *(
            _printed_differences(files, document, computed_printed(found, run), agree)
            if earlier is None
            else ()
        ),
        *_looked_up(files, document),
    ]
    return Verification(
        about=f"run {run.run_id}",
        run_id=run.run_id,
        images=len(evidence.predictions),
        files=sums,
        changed=changed,
        agree=agree,
        differences=tuple(differences),
        earlier=version_of(files) if earlier is not None else "",
        taken={
            name: count
            for name, value in document.items()
            if name not in (*again, "numbers") and (count := sum(1 for _ in numbers(value)))
        },
    )


def run_in(files: Mapping[str, bytes], settings: str = SETTINGS) -> Run:
    """Return the run whose settings stand in a folder of a bundle.

    Raises:
        ReportError: They cannot be read.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name in files:
            if name.startswith(settings):
                (Path(folder) / Path(name).name).write_bytes(files[name])
        try:
            return load_run(Path(folder))
        except RunError as error:
            raise ReportError(
                f"The run's settings in the bundle cannot be read ({error.problem})",
                "Ask the authors for it again",
            ) from error


def _same_names(document: Mapping[str, Any], again: Mapping[str, Any]) -> dict[str, Any]:
    """Return of a report's numbers those that were computed again; what dropout says of a case is not."""
    printed = {name: document.get(name) for name in again}
    if isinstance(cases := printed["cases"], list):
        names = again["cases"][0] if again["cases"] else ()
        printed["cases"] = [
            {name: each.get(name) for name in names} if isinstance(each, dict) else each for each in cases
        ]
    return printed


def _card_places(files: Mapping[str, bytes], found: Computed) -> Iterator[Place]:
    """Yield the figures of a model card, and each of its tables of figures."""
    if CARD_JSON in files:
        told = understood(CARD_JSON, lambda: dict(parse_json(files[CARD_JSON])))
        for name, again in plain(card_figures(found)).items():
            yield CARD_JSON, name, told.get(name), again
    if CARD in files:
        text = files[CARD].decode("utf-8", "replace")
        for one in found.against:
            for table in tables_against(one) if one.cases else ():
                lines = "\n".join(markdown_table(table))
                yield CARD, f"“{table.headings[0]}”", lines if lines in text else "another table", lines


def _printed_differences(
    files: Mapping[str, bytes], document: Mapping[str, Any], tables: Iterable[Table], agree: Counter[str]
) -> Iterator[Difference]:
    """Look up every printed number by its id, wherever it is printed; count those on the page that agree."""
    page = numbers_on(files.get(PAGE, b"").decode("utf-8", "replace"))
    told = document.get("numbers")
    entries = told if isinstance(told, dict) else {}
    for table in tables:
        for name, line, column, cell in table.numbers():
            entry = entries.get(name)
            places = {
                PAGE: (page.get(name), on_the_page(cell)),
                "report.json: numbers": (
                    entry.get("printed") if isinstance(entry, dict) else None,
                    cell.printed,
                ),
            }
            for where, (printed, computed) in places.items():
                if where == PAGE:
                    agree[where] += printed == computed
                if printed != computed:
                    yield Difference(f"{where}: {name} ({line.head}, {column})", printed, computed)


def _looked_up(files: Mapping[str, bytes], document: Mapping[str, Any]) -> Iterator[Difference]:
    """Look up every id: what is printed must be what stands at its place in report.json, on the page as there."""
    page = numbers_on(files.get(PAGE, b"").decode("utf-8", "replace"))
    told = document.get("numbers")
    entries = told if isinstance(told, dict) else {}
    for name in page.keys() - entries.keys():
        yield Difference(f"{PAGE}: {name}", page[name], "an id that report.json explains")
    for name, entry in entries.items():
        printed = str(entry.get("printed")) if isinstance(entry, dict) else ""
        if bare(printed) not in bare(page.get(name, "")):
            yield Difference(f"{PAGE}: {name}", page.get(name), printed)
        if not isinstance(entry, dict) or not tells(entry, document):
            yield Difference(f"report.json: numbers: {name}", printed, "what stands at its place")
