"""Check a bundle, without the workspace: every file by its digest, every figure by computing it from the case table."""

from __future__ import annotations

import csv
import math
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any

from engine.errors import ReportError, RunError
from engine.kept_files import parse_json
from engine.report.computed import Computed, compute
from engine.report.exports.bundle.archive import REMEDY, files_of
from engine.report.exports.bundle.beside import against_schema, drawn_regions, repeated_tables
from engine.report.exports.bundle.case_table import CHOICES, IMAGES, READINGS, read_case_table, understood
from engine.report.exports.bundle.packing import SETTINGS, SUMS
from engine.report.exports.html import computed_sections
from engine.report.exports.numbers import computed_document, plain
from engine.report.exports.tables import computed_tables
from engine.report.printed.book import computed_printed
from engine.report.printed.page import numbers_on, on_the_page
from engine.report.printed.records import Table
from engine.runs import load_run
from engine.spreadsheet import read_csv, write_csv

PAGE = "report.html"
NEAR = 1e-9  # relative: the order in which patients are added up differs


@dataclass(frozen=True, slots=True)
class Difference:
    """A number or a word that is not what the case table gives.

    Attributes:
        where: File and place in it, such as "report.json: against[0].estimates.AUROC.value".
        printed: What stands there.
        computed: What the case table gives.
    """

    where: str
    printed: Any
    computed: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """What was found in a bundle.

    Attributes:
        run_id: Of the report.
        images: Of the report.
        files: With the digest that is written for them.
        changed: Files with another digest, files that are missing, and files without one; sentences.
        agree: Numbers that were computed again and are the same, by file.
        differences: What is not the same.
        taken: Numbers of report.json that the case table does not give, by section: they were not checked.
    """

    run_id: str
    images: int
    files: int
    changed: tuple[str, ...]
    agree: Mapping[str, int]
    differences: tuple[Difference, ...]
    taken: Mapping[str, int]

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not (self.changed or self.differences)


def verify(bundle: Path) -> Verification:
    """Compute every figure of a bundle again.

    Raises:
        ReportError: It is no bundle, or it is damaged so that nothing can be computed.
    """
    files = _bundle_files(bundle)
    changed, sums = _digests(files)
    with tempfile.TemporaryDirectory() as folder:
        for name in files:
            if name.startswith(SETTINGS):
                (Path(folder) / Path(name).name).write_bytes(files[name])
        try:
            run = load_run(Path(folder))
        except RunError as error:
            raise ReportError(
                f"The run's settings in the bundle cannot be read ({error.problem})",
                "Ask the authors for it again",
            ) from error
    evidence, _ = read_case_table(files, run)
    found = compute(run, evidence)
    document = understood("report.json", lambda: dict(parse_json(files["report.json"])))
    again = plain(computed_document(found, run))
    agree: Counter[str] = Counter()
    differences: list[Difference] = []
    for place, printed, computed in _pairs(_same_names(document, again), again):
        _note("report.json", place, printed, computed, agree, differences)
    for name, rows in computed_tables(found, run.classes).items():
        if rows:
            for place, printed, computed in _table_pairs(files.get(f"{name}.csv"), write_csv(rows)):
                _note(f"{name}.csv", place, printed, computed, agree, differences)
    for file, place, printed, computed in chain(
        repeated_tables(files), drawn_regions(files, evidence), against_schema(document, files, "run-report")
    ):
        for inner, one, other in _pairs(printed, computed, place):
            _note(file, inner, one, other, agree, differences)
    differences += _printed_differences(files, document, computed_printed(found, run), agree)
    differences += _page_differences(files.get("report.html", b"").decode("utf-8", "replace"), found)
    return Verification(
        run_id=run.run_id,
        images=len(evidence.predictions),
        files=sums,
        changed=changed,
        agree=agree,
        differences=tuple(differences),
        taken={
            name: count
            for name, value in document.items()
            if name not in (*again, "numbers") and (count := sum(1 for _ in _numbers(value)))
        },
    )


def _same_names(document: Mapping[str, Any], again: Mapping[str, Any]) -> dict[str, Any]:
    """Return of a report's numbers those that were computed again; what dropout says of a case is not."""
    printed = {name: document.get(name) for name in again}
    if isinstance(cases := printed["cases"], list):
        names = again["cases"][0] if again["cases"] else ()
        printed["cases"] = [
            {name: each.get(name) for name in names} if isinstance(each, dict) else each for each in cases
        ]
    return printed


def _bundle_files(bundle: Path) -> dict[str, bytes]:
    """Read the files of a report's bundle.

    Raises:
        ReportError: It is none.
    """
    files = files_of(bundle)
    needed = (IMAGES, READINGS, CHOICES, f"{SETTINGS}run.json", "report.json")
    if missing := [name for name in needed if name not in files]:
        raise ReportError(
            f"{bundle.name} is no bundle of a report: {', '.join(missing)} is not in it", REMEDY
        )
    return files


def _digests(files: Mapping[str, bytes]) -> tuple[tuple[str, ...], int]:
    """Hold each file against its digest; return what is wrong, and how many digests there are."""
    lines = files.get(SUMS, b"").decode("utf-8", "replace").splitlines()
    written = {name: digest for digest, _, name in (line.partition("  ") for line in lines) if name}
    said = [] if written else [f"{SUMS} is missing or empty"]
    for name, digest in written.items():
        if name not in files:
            said.append(f"{name} is missing")
        elif sha256(files[name]).hexdigest() != digest:
            said.append(f"{name} was changed after the bundle was written")
    said += [
        f"{name} was added after the bundle was written" for name in files if name not in (*written, SUMS)
    ]
    return tuple(said), len(written)


def _pairs(printed: Any, computed: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield place, printed and computed value of every leaf that either has."""
    if isinstance(printed, dict) and isinstance(computed, dict):
        for name in dict.fromkeys((*computed, *printed)):
            dot = f"{place}.{name}" if place else name
            yield from _pairs(printed.get(name), computed.get(name), dot)
    elif isinstance(printed, list) and isinstance(computed, list):
        for number in range(max(len(printed), len(computed))):
            one, other = (side[number] if number < len(side) else None for side in (printed, computed))
            yield from _pairs(one, other, f"{place}[{number}]")
    else:
        yield place, printed, computed


def _note(
    file: str,
    place: str,
    printed: Any,
    computed: Any,
    agree: Counter[str],
    differences: list[Difference],
) -> None:
    """Count a number that agrees; write down what does not."""
    number = _number(computed)
    if number is not None and (other := _number(printed)) is not None:
        same = math.isclose(number, other, rel_tol=NEAR, abs_tol=NEAR)
        agree[file] += same
    else:
        same = printed == computed
    if not same:
        differences.append(Difference(f"{file}: {place}", printed, computed))


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _numbers(each)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


def _table_pairs(printed: bytes | None, computed: bytes) -> Iterator[tuple[str, Any, Any]]:
    """Yield place, printed and computed cell of a table."""
    names, rows = read_csv(computed)
    try:
        headings, lines = read_csv(printed or b"")
    except csv.Error:
        headings, lines = [], []
    yield "headings", headings, names
    for number in range(max(len(rows), len(lines))):
        one, other = (side[number] if number < len(side) else [] for side in (lines, rows))
        for column, name in enumerate(names):
            cells = [side[column] if column < len(side) else None for side in (one, other)]
            yield f"line {number + 2}, {name}", cells[0], cells[1]


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


def _page_differences(page: str, found: Computed) -> list[Difference]:
    """Look for each table of figures that has no ids in the page, letter by letter."""
    sections = computed_sections(found.subgroups, found.subgroup_tests)
    return [
        Difference(f"report.html: {title}", "another table", "the table that the case table gives")
        for title, section in sections.items()
        if section.strip() not in page
    ]
