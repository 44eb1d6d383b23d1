"""Promises of pages other than a run's report: each number has an id, by which the JSON beside the page explains it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from engine.report.printed.looking_up import tells
from engine.report.printed.page import numbers_on
from tests.engine.report.printed.pages import PAGES, Page
from tests.engine.report.printed.test_numbers import bare, resolved, without_id


@pytest.fixture(scope="module", params=PAGES)
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Page:
    return PAGES[request.param](tmp_path_factory.mktemp("page"))


def test_no_page_prints_a_number_without_an_id(page: Page) -> None:
    assert not without_id(page.html, page.names)
    assert numbers_on(page.html).keys() == page.document["numbers"].keys()
    more = page.html.replace("</main>", "<p>1 of them</p></main>")
    assert without_id(more, page.names) == ["1 of them"]


def test_every_id_leads_to_its_number_in_the_document_beside_the_page(page: Page) -> None:
    printed = numbers_on(page.html)
    for name, entry in page.document["numbers"].items():
        assert [resolved(at, page.document) for at in entry["at"]]
        assert tells(entry, page.document), (name, entry)
        assert bare(printed[name]).endswith(bare(entry["printed"])), (name, entry["printed"], printed[name])
        assert entry["method"], name
        assert not tells(entry | {"printed": "none"}, page.document), name


def fitting(cases: Mapping[str, list[str]], among: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for case in among:
        if all(resolved(at, case) in of for at, of in cases.items()):
            yield case


def test_the_cases_of_a_number_are_there_and_as_many_as_it_rests_on(page: Page) -> None:
    among = page.document[page.cases] if page.cases else []
    for name, entry in page.document["numbers"].items():
        if entry["cases"] is None:
            continue
        count = len(list(fitting(entry["cases"], among)))
        if entry["n"] is None and entry["method"].startswith("count of "):
            assert count == resolved(entry["at"][0], page.document), (name, entry)
        else:
            assert count, (name, entry)
        if entry["n"] is not None and name.startswith(page.counted):
            assert count == entry["n"], (name, entry)


def test_a_seed_is_told_where_something_was_drawn_and_only_there(page: Page) -> None:
    for name, entry in page.document["numbers"].items():
        if name[0] in "TF":
            drawn = any(word in entry["method"] for word in ("draws", "resamples"))
            assert (entry["seed"] is not None) == drawn, (name, entry)
