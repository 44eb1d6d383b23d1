"""Promises of a printed number: its id leads to the figure, to the cases it rests on, to its method and its seed."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from engine.report.build import export_report
from engine.report.formatting import figure
from engine.report.printed.book import printed_tables
from engine.report.printed.page import numbers_on
from engine.report.printed.records import pointer
from engine.report.records import Report
from tests.engine.report.exports.bundle.test_bundle import REPORTS
from tests.engine.report.test_build import FILM, HEAT, page_of

Numbers = Mapping[str, Mapping[str, Any]]
NUMBER = re.compile(r"-?(?:\d[\d,]*)?\.?\d+|-?∞")


@cache
def made(kind: str) -> Report:
    return REPORTS[kind]()


def document_of(report: Report, folder: Path) -> dict[str, Any]:
    written = export_report(
        report, folder, picture=lambda _: FILM, heatmap=lambda _: HEAT, formats=("json", "csv")
    )
    return dict(json.loads(written["json"]["report"].read_text(encoding="utf-8")))


def resolved(at: str, document: Any) -> Any:
    """A JSON Pointer by the words of RFC 6901, sections 3 and 4."""
    for part in at.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        document = document[int(name)] if isinstance(document, list) else document[name]
    return document


def as_printed(value: Any, decimals: int) -> str:
    """A value of report.json in the one style of decimals."""
    if value is None:
        return "∞"
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else figure(value, decimals)


@pytest.fixture(params=REPORTS)
def told(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Report, dict[str, Any]]:
    report = made(request.param)
    return report, document_of(report, tmp_path)


def test_every_number_of_a_table_has_an_id_that_leads_to_it_in_the_json(
    told: tuple[Report, dict[str, Any]],
) -> None:
    _, document = told
    assert document["numbers"]
    for name, entry in document["numbers"].items():
        assert name.rpartition(".")[0] in document["tables"]
        values = [resolved(at, document) for at in entry["at"]]
        if isinstance(values[0], str):
            assert entry["printed"] == values[0]
            continue
        if "based on" in entry["column"]:
            assert [float(each.replace(",", "")) for each in NUMBER.findall(entry["printed"])] == [
                round(each) for each in values
            ]
            continue
        printed = [each.lstrip("–") for each in re.split(r" \(| to |(?<=\d)–|[;)]", entry["printed"])]
        assert printed[: len(values)] == [as_printed(each, entry["decimals"]) for each in values], (
            name,
            entry,
            values,
        )


def fitting(cases: Mapping[str, list[str]], document: Mapping[str, Any]) -> Iterator[Any]:
    for case in document["cases"]:
        try:
            if all(resolved(at, case) in among for at, among in cases.items()):
                yield case
        except KeyError:
            continue


def test_the_cases_of_a_number_are_as_many_as_it_rests_on(told: tuple[Report, dict[str, Any]]) -> None:
    _, document = told
    for name, entry in document["numbers"].items():
        if entry["cases"] is None:
            continue
        count = len(list(fitting(entry["cases"], document)))
        if entry["n"] is None:
            (at,) = entry["at"]
            assert count == resolved(at, document), (name, entry)
        elif "by patient" not in entry["column"]:
            assert count == entry["n"], (name, entry)


def test_a_number_is_the_same_on_the_page_in_the_json_and_in_the_csv(
    told: tuple[Report, dict[str, Any]], tmp_path: Path
) -> None:
    """Whatever writes tables joins here: a name, and what it prints by the ids of the numbers."""
    report, document = told
    with (tmp_path / "numbers.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = {row["id"]: row["printed"] for row in csv.DictReader(stream)}
    expected = {
        name: cell.printed for table in printed_tables(report) for name, _, _, cell in table.numbers()
    }
    page = numbers_on(page_of(report))
    writers: Mapping[str, Mapping[str, str]] = {
        "json": {name: entry["printed"] for name, entry in document["numbers"].items()},
        "csv": rows,
        "page": page,
    }
    bare: Callable[[str], str] = lambda text: re.sub(r"[()]|\s+", "", text.lstrip("'"))  # noqa: E731
    for writer, numbers in writers.items():
        assert {name: bare(text) for name, text in numbers.items()} == {
            name: bare(text) for name, text in expected.items()
        }, writer


def test_a_seed_is_told_where_something_was_drawn_and_only_there(told: tuple[Report, dict[str, Any]]) -> None:
    _, document = told
    for name, entry in document["numbers"].items():
        assert (entry["seed"] is not None) == ("draws" in entry["method"]), (name, entry)


def test_a_pointer_leads_through_names_with_slashes_and_tildes() -> None:
    document = {"a/b": {"~c": [0, {"d.e": 1}]}}
    assert resolved(pointer("a/b", "~c", 1, "d.e"), document) == 1


def test_counts_of_a_cross_table_add_up_to_all_cases_by_whatever_standard(
    told: tuple[Report, dict[str, Any]],
) -> None:
    report, _ = told
    for one in report.against:
        rows = [*one.confusion.tolist(), *one.undecided.values()]
        assert sum(map(sum, rows)) == one.of == len(report.cases)
        assert {why: sum(of) for why, of in one.undecided.items()} == dict(one.excluded)
        assert sum(one.excluded.values()) + one.cases == one.of


def test_by_patient_a_patient_counts_once_and_has_what_any_image_has() -> None:
    report = made("two classes")
    (one, _) = report.against
    ill = {each.patient_id for each in report.evidence.predictions if each.label == report.positive}
    found = {each.patient_id for each in report.evidence.predictions if each.predicted == report.positive}
    assert one.by_patient.patients == 20 and one.by_patient.estimates["sensitivity"].n == len(ill)
    assert one.by_patient.estimates["sensitivity"].value == pytest.approx(len(ill & found) / len(ill))
    alone = tuple(replace(each, patient_id=each.image_id) for each in report.evidence.predictions)
    assert len({each.patient_id for each in alone}) == len(alone)
    assert not made("nobody read").against[0].by_patient.rule


def test_every_column_of_every_table_has_a_meaning(
    told: tuple[Report, dict[str, Any]], tmp_path: Path
) -> None:
    files = {path.name: path for path in tmp_path.glob("*.csv")}
    columns = {}
    for name, path in files.items():
        with path.open(encoding="utf-8-sig", newline="") as stream:
            columns[name] = next(csv.reader(stream))
    with files["dictionary.csv"].open(encoding="utf-8-sig", newline="") as stream:
        known = {(row["file"], row["column"]): row["meaning"] for row in csv.DictReader(stream)}
    for name, headings in columns.items():
        if name != "dictionary.csv":
            assert all(known[name, heading] for heading in headings), (name, headings)
