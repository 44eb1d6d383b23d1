"""Check a run's bundle: every file by its digest, every figure by computing it again from the case table."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from engine.errors import EngineError, RecipeError, ReportError, RunError
from engine.kept_files import parse_json
from engine.records import Run
from engine.report.checked.run_files import (
    DOCUMENT,
    NEEDED,
    PAGE,
    belonging,
    figures_again,
    made_again,
    may_hold,
    repeated,
    said_on_page,
    tables_told,
)
from engine.report.computed import Computed, compute
from engine.report.exports.bundle.beside import Place, against_schema, drawn_regions, repeated_tables
from engine.report.exports.bundle.case_masks import mask_places
from engine.report.exports.bundle.case_table import damaged, image_sizes, read_case_table, understood
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
from engine.report.exports.schema.earlier import as_known, earlier_schema, version_of, written_here
from engine.report.exports.tables import computed_tables
from engine.report.held.by_digest import by_digest
from engine.report.printed.book import computed_printed
from engine.report.printed.looking_up import bare, tells
from engine.report.printed.page import numbers_on, on_the_page
from engine.report.printed.records import Table
from engine.runs import load_run
from engine.spreadsheet import write_csv


def verify_run(files: Mapping[str, bytes]) -> Verification:
    """Compute every figure of a run's bundle again.

    Raises:
        ReportError: It is damaged so that nothing can be computed.
    """
    run = run_in(files)
    evidence, part = read_case_table(files, run)
    found = compute(run, evidence)
    document = understood(DOCUMENT, lambda: dict(parse_json(files[DOCUMENT])))
    schema = report_schema("run-report")
    earlier = earlier_schema(files, DOCUMENT, schema)
    again = plain(computed_document(found, run))
    if earlier is not None:
        again = as_known(again, earlier, earlier)
    computed = {name: rows for name, rows in computed_tables(found, run.classes).items() if rows}
    told, drawn = tables_told(document), figures_again(run, part, evidence, found, document)
    held = belonging(run, part, evidence, tables={*computed, *(told or ())}, figures=drawn or ())
    others = may_hold(
        files, *(() if told is not None else ("",)), *(() if drawn is not None else ("figures/",))
    )
    changed, sums = digests(files, held, others) if earlier is None else digests(files, NEEDED, held | others)
    agree: Counter[str] = Counter()
    places = chain(
        [(DOCUMENT, "", _same_names(document, again), again)],
        chain.from_iterable(
            table_places(
                f"{name}.csv", files.get(f"{name}.csv"), write_csv(rows), earlier=earlier is not None
            )
            for name, rows in computed.items()
        ),
        repeated_tables(files),
        drawn_regions(files, evidence),
        mask_places(files, last_drawn(evidence.reviews), image_sizes(evidence)),
        _card_places(files, found),
        against_schema(document, files, DOCUMENT, schema, earlier),
    )
    differences = [*hold(places, agree), *_looked_up(files, document)]
    exactly = earlier is None and written_here(files)
    if earlier is None:
        differences += hold(
            chain(repeated(files, told or {}, [*(drawn or {}).values()]), said_on_page(files, document)),
            agree,
        )
        ids = captions if isinstance(captions := document.get("tables"), dict) else {}
        differences += _printed_differences(files, document, computed_printed(found, run, ids), agree)
    if exactly:
        differences += hold(made_again(files, run, drawn or {}), agree)
    return Verification(
        about=f"run {run.run_id}",
        run_id=run.run_id,
        images=len(evidence.predictions),
        files=sums,
        changed=changed,
        agree=agree,
        differences=tuple(_once(differences)),
        earlier=version_of(files) if earlier is not None else "",
        by_digest=by_digest(files, PAGE, exactly=exactly, page_again=False),
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
    if f"{settings}run.json" not in files:
        raise damaged(f"{settings}run.json", "it is not there")
    with tempfile.TemporaryDirectory() as folder:
        kept = {
            name: Path(folder) / Path(name).name
            for name in files
            if name.startswith(settings) and "/" not in name.removeprefix(settings)
        }
        for name, path in kept.items():
            path.write_bytes(files[name])
        try:
            return load_run(Path(folder))
        except RunError as error:
            said: EngineError = error
            problem = said.problem
            if isinstance(error.__cause__, RecipeError):
                said, problem = error.__cause__, f"{settings}recipe.json: {error.__cause__.problem}"
            for name, path in kept.items():  # the folder is of this moment: nobody knows its name
                problem = problem.replace(str(path), name)
            raise ReportError(
                f"The run's settings in the bundle cannot be read ({problem})",
                said.remedy if said.remedy.startswith("Update") else "Ask the authors for it again",
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
                "report.json: numbers": (
                    entry.get("printed") if isinstance(entry, dict) else None,
                    cell.printed,
                ),
            }
            if PAGE in files:
                places[PAGE] = (page.get(name), on_the_page(cell))
            for where, (printed, computed) in places.items():
                if where == PAGE:
                    agree[where] += printed == computed
                if printed != computed:
                    yield Difference(f"{where}: {name} ({line.head}, {column})", printed, computed)


def _once(differences: Iterable[Difference]) -> Iterator[Difference]:
    """Yield one difference a place; where a number is named with its line and column, that by its id alone is none."""
    found = {one.where: one for one in reversed(list(differences))}  # the first of each place
    named = {where for one in found for where, told, _ in (one.partition(" ("),) if told}
    yield from (one for where, one in reversed(found.items()) if where not in named)


def _looked_up(files: Mapping[str, bytes], document: Mapping[str, Any]) -> Iterator[Difference]:
    """Look up every id: what is printed must be what stands at its place in report.json, on the page as there."""
    page = numbers_on(files.get(PAGE, b"").decode("utf-8", "replace"))
    told = document.get("numbers")
    entries = told if isinstance(told, dict) else {}
    for name in page.keys() - entries.keys():
        yield Difference(f"{PAGE}: {name}", page[name], "an id that report.json explains")
    for name, entry in entries.items():
        printed = str(entry.get("printed")) if isinstance(entry, dict) else ""
        if PAGE in files and bare(printed) not in bare(page.get(name, "")):
            yield Difference(f"{PAGE}: {name}", page.get(name), printed)
        if not isinstance(entry, dict) or not tells(entry, document):
            yield Difference(f"report.json: numbers: {name}", printed, "what stands at its place")
