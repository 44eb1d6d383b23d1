"""Promises of pages other than a run's report: each number has an id, by which the JSON beside the page explains it."""

from __future__ import annotations

import random
import re
import sys
import uuid
from collections.abc import Iterator, Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from engine.reading.studies.studies import Studies
from engine.report import operating
from engine.report.printed.looking_up import tells
from engine.report.printed.page import numbers_on
from engine.report.study import stored
from engine.report.study.told.anonymous import salt_of
from tests.engine.report.printed.pages import PAGES, Page
from tests.engine.report.printed.test_numbers import bare, misplaced, resolved, without_id
from tests.snapshots import differences, hold_against, lines_of_html

FOLDER, PLAIN = Path(__file__).parent / "snapshots", "a study"


@pytest.fixture(scope="module", params=PAGES)
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Page:
    drawn, real = random.Random(0), uuid.uuid4

    def of_the_readings() -> uuid.UUID:
        """Threads that other tests left behind draw as well: they must not shift what is drawn here."""
        ours = str(sys._getframe(1).f_globals["__name__"]).startswith("engine.reading")
        return uuid.UUID(int=drawn.getrandbits(128), version=4) if ours else real()

    with (
        pytest.MonkeyPatch.context() as patch
    ):  # who is who decides in which order they read and are numbered
        patch.setattr(Studies, "secret", lambda self, study_id: "salt")
        # Tests of studies have readers in another order, once they were here.
        for module in (stored, operating):
            patch.setattr(module, "salt_of", salt_of)
        patch.setattr(uuid, "uuid4", of_the_readings)
        return PAGES[request.param](tmp_path_factory.mktemp("page"))


UNLIKE = {r"\d{4}-\d\d-\d\d( \d\d:\d\d UTC)?": "TODAY", r"\b[0-9a-f]{12,64}\b": "HASH"}
"""What is another each time, and what stands for it."""


def words_of(page: Page) -> list[str]:
    """Return what a page says, line by line, without the checklists at its end."""
    lines = [*takewhile(lambda line: not line.endswith("Reporting checklists"), lines_of_html(page.html))]
    for pattern, instead in UNLIKE.items():
        lines = [re.sub(pattern, instead, line) for line in lines]
    return lines


def test_a_page_says_what_a_person_has_read(page: Page, request: pytest.FixtureRequest) -> None:
    name, lines = request.node.callspec.params["page"], words_of(page)
    if name != PLAIN and ("study" in name or "readers" in name):  # what it says otherwise
        lines = differences((FOLDER / f"{PLAIN}.txt").read_text(encoding="utf-8").splitlines(), lines)
    hold_against(FOLDER / f"{name}.txt", lines)


def test_no_page_prints_a_number_without_an_id(page: Page) -> None:
    assert not without_id(page.html, page.names) and not misplaced(page.html)
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
