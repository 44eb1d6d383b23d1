"""Promises of a printed number: its id leads to the figure, to the cases it rests on, to its method and its seed."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser

from engine.report.build import export_report
from engine.report.formatting import figure
from engine.report.printed.page import numbers_on
from engine.report.printed.records import pointer
from engine.report.records import Report
from tests.engine.report.exports.bundle.test_bundle import REPORTS
from tests.engine.report.test_build import FILM, HEAT, page_of
from tests.engine.report.test_snapshots import page_in, situations

Numbers = Mapping[str, Mapping[str, Any]]


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


SHARE, SUM = "share: the first number of the second", "sum of images"


def forms(value: Any, decimals: int) -> tuple[str, ...]:
    """How a value may stand in a sentence, beside the one style of decimals."""
    if isinstance(value, float):
        short = f"{value:g}".replace("0.", ".", 1) if 0 < abs(value) < 1 else f"{value:g}"
        return as_printed(value, decimals), f"{value:.0f}", f"{value:,.0f}", f"{value:g}", short, "< .001"
    return (as_printed(value, decimals),)


def in_order(printed: str, values: list[Any], decimals: int) -> bool:
    rest = printed
    for value in values:
        found = [(rest.index(form), form) for form in forms(value, decimals) if form in rest]
        if not found:
            return False
        at, form = min(found, key=lambda each: (each[0], -len(each[1])))
        rest = rest[at + len(form) :]
    return True


def test_every_number_has_an_id_that_leads_to_it_in_the_json(told: tuple[Report, dict[str, Any]]) -> None:
    _, document = told
    assert {name[0] for name in document["numbers"]} == {"T", "S", "F", "C"}
    for name, entry in document["numbers"].items():
        values = [resolved(at, document) for at in entry["at"]]
        printed = entry["printed"]
        if isinstance(values[0], str):
            assert printed.rstrip(".").lower() == values[0].rstrip(".").lower(), (name, entry)
        elif entry["method"] == SHARE:
            assert printed in (f"{values[0] / values[1]:.0%}", f"{values[0] / values[1]:.1%}")
        elif entry["method"] == SUM:
            assert printed == f"{sum(values):,}"
        else:
            assert in_order(printed, values, entry["decimals"]), (name, entry, values)


EXEMPT = {
    "head, style, nav": "not part of the text",
    "h1": "what people called it",
    "h2": "the number of a section",
    "th, dt": "names of lines and columns: classes, groups, steps, figures such as F1",
    "code": "ids, and names of files and commands",
    "figcaption > strong, caption > strong": "the number of a figure or table",
    ".scale": "ticks of an axis and of a colour bar",
    ".definitions": "definitions, the same in every report",
    ".said": "what a reader wrote",
    ".made": "when it was written, the run's id and the names of its classes",
    "#checklists :is(p, td:nth-child(2))": "items of checklists, in words that are the same in every report",
    "footer": "the same in every report",
}
"""Where a page may print a number without an id, and why."""
CONSTANT = re.compile(
    r"(?:CLAIM|STARD(?:-AI)?|TRIPOD\+AI) \d{4}|doi:\S+|arXiv:\S+|95%|1 − specificity|F1\b|fold \d+|\d{4}-\d\d-\d\d"
)
"""Checklists, sources, the level of the intervals, names of figures and folds, dates."""


def without_id(page: str, names: Sequence[str] = ()) -> list[str]:
    """The texts of a page that hold a number and have no id; what people called something is no number."""
    tree = LexborHTMLParser(page)
    for node in tree.css(f"[data-number], {', '.join(EXEMPT)}"):
        node.decompose()
    assert tree.body is not None
    texts = [node.text_content or "" for node in tree.body.traverse(include_text=True) if node.tag == "-text"]
    known = re.compile("|".join([CONSTANT.pattern, *map(re.escape, sorted(names, key=len, reverse=True))]))
    return [text.strip() for text in texts if re.search(r"\d", known.sub("", text))]


HEADED = re.compile(r'<h2[^>]*>(.*?)</h2>|\bid="[STF](\d+)\.[\d.]+"', re.DOTALL)


def misplaced(html: str) -> list[str]:
    """Return the ids, as section printed → section it stands in, that name another section than their own."""
    found, here = [], ""
    for heading, section in HEADED.findall(html):
        if not section:
            here = next(iter(re.findall(r"^\d+", re.sub(r"<[^>]+>", "", heading).strip())), "")
        elif here and section != here:
            found.append(f"{section} → {here}")
    return found


def test_no_page_prints_a_number_without_an_id(told: tuple[Report, dict[str, Any]]) -> None:
    report, document = told
    page = page_of(report)
    assert not without_id(page) and not misplaced(page)
    assert numbers_on(page).keys() == document["numbers"].keys()
    assert without_id(page.replace("</main>", "<p>1 of them</p></main>")) == ["1 of them"]


@pytest.mark.parametrize("name", situations())
def test_whatever_a_report_holds_each_of_its_numbers_has_an_id_that_begins_with_its_section(
    name: str,
) -> None:
    page = page_in(name)
    assert not without_id(page) and not misplaced(page)
    assert page.count('id="S3.') > 3 and misplaced(page.replace('id="S3.1"', 'id="S9.1"')) == ["9 → 3"]


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
        if entry["n"] is None and entry["method"] != SHARE:
            (at,) = entry["at"]
            assert count == resolved(at, document), (name, entry)
        elif entry["n"] is not None and "by patient" not in entry["column"]:
            assert count == entry["n"], (name, entry)


def test_a_number_is_the_same_on_the_page_in_the_json_and_in_the_csv(
    told: tuple[Report, dict[str, Any]], tmp_path: Path
) -> None:
    report, document = told
    with (tmp_path / "numbers.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = {row["id"]: row["printed"] for row in csv.DictReader(stream)}
    page = numbers_on(page_of(report))
    for name, entry in document["numbers"].items():
        assert bare(rows[name]) == bare(entry["printed"])
        # in a figure the name of what it is of stands before it
        assert bare(page[name]).endswith(bare(entry["printed"])), (name, entry["printed"], page[name])
    assert rows.keys() == document["numbers"].keys()


def bare(text: str) -> str:
    return re.sub(r"[()\s\u2066-\u2069]+", "", text.removeprefix("'")).replace("\u2212", "-")


def test_a_seed_is_told_where_something_was_drawn_and_only_there(told: tuple[Report, dict[str, Any]]) -> None:
    _, document = told
    for name, entry in document["numbers"].items():
        if name[0] in "TF":
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
