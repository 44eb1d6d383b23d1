"""Promises of table 1: numbers have medians, words are counted, what is missing is counted too, ids are neither."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
from hypothesis import given, strategies as st

from engine.records import Split
from engine.report.participants.table_one import characteristics, number_in
from engine.report.records import Characteristic
from tests.engine.report.test_build import a_run, samples_of, some_cases

RUN = a_run()


def of(columns: list[dict[str, str]]) -> tuple[dict[tuple[str, str], Characteristic], tuple[str, ...]]:
    cases = some_cases(RUN)
    samples = samples_of(cases, *columns)
    split = Split(
        train=samples[:20], val=samples[20:30], test=samples[30:], classes=RUN.classes, seed=0, method=""
    )
    lines, left_out = characteristics(RUN, split)
    return {(line.name, line.value): line for line in lines}, left_out


def test_a_column_of_numbers_has_its_median_and_quartiles_and_one_of_words_its_counts() -> None:
    lines, left_out = of(
        [{"age": f"{20 + n:03}Y" if n else "", "sex": "F" if n % 2 else "M"} for n in range(40)]
    )
    assert lines["age", ""].by_part["training"] == (30.0, 25.5, 34.5)
    assert lines["age", "not given"].by_part == {"training": (1,), "validation": (0,), "test": (0,)}
    assert lines["sex", "F"].by_part["test"] == (5,) and ("sex", "not given") not in lines
    assert lines["images", ""].by_part == {"training": (20,), "validation": (10,), "test": (10,)}
    assert lines["class", "opacity"].by_part["training"] == (4,) and not left_out


@pytest.mark.parametrize(
    "column",
    [[f"{10**7 + n}" for n in range(40)], [f"word {n}" for n in range(40)], [f"{n:05}" for n in range(40)]],
    ids=["accession numbers", "words of each image's own", "ids with noughts"],
)  # fmt: skip
def test_a_column_in_which_every_image_has_a_value_of_its_own_is_named_and_not_summarised(
    column: list[str],
) -> None:
    lines, left_out = of([{"id": value} for value in column])
    assert left_out == ("id",) and not any(name == "id" for name, _ in lines)


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ([f"word {n % 8}" for n in range(40)], "count"),
        ([f"word {n % 9}" for n in range(40)], None),
        ([str(n % 5) for n in range(40)], "count"),
        ([str(n % 6) for n in range(40)], "median"),
        ([f"{1000 + n}" for n in range(40)], "median"),
        ([f"{10_000 + n}" for n in range(40)], None),
        ([f"{10_000 + n // 2}" for n in range(40)], "median"),  # two images each: no id of an image
        ([f"{10_000 + n}" if n < 8 else "" for n in range(40)], "median"),
        ([f"{10_000 + n}" if n < 9 else "" for n in range(40)], None),
        ([*(str(n % 6) for n in range(39)), "none"], "count"),
    ],
)
def test_eight_words_are_counted_six_numbers_have_a_median_and_ids_have_five_digits(
    column: list[str], kind: str | None
) -> None:
    lines, left_out = of([{"x": value} for value in column])
    kinds = {line.kind for (name, value), line in lines.items() if name == "x" and value != "not given"}
    assert kinds == ({kind} if kind else set()) and left_out == (() if kind else ("x",))


def test_codes_of_a_few_numbers_are_counted_in_their_order() -> None:
    lines, _ = of([{"grade": str(n % 3)} for n in range(40)])
    assert [value for name, value in lines if name == "grade"] == ["0", "1", "2"]


@given(st.lists(st.dictionaries(st.sampled_from(["a", "b"]), st.text(max_size=6)), min_size=40, max_size=40))
def test_whatever_a_column_holds_each_counted_column_adds_up_to_the_images_of_its_part(
    columns: list[Mapping[str, str]],
) -> None:
    lines, _ = of([dict(one) for one in columns])
    counted = [line for line in lines.values() if line.name in "ab" and line.kind == "count"]
    medians = {line.name for line in lines.values() if line.kind == "median"}
    for name in {line.name for line in counted} - medians:
        totals = [
            sum(line.by_part[part][0] for line in counted if line.name == name) for part in line_parts(lines)
        ]
        assert totals == [20, 10, 10]


def line_parts(lines: Mapping[tuple[str, str], Characteristic]) -> list[str]:
    return list(lines["images", ""].by_part)


def test_a_number_is_told_from_an_id() -> None:
    assert number_in("045Y") == 45 and number_in("1,5") == 1.5 and number_in("0") == 0
    assert all(math.isnan(number_in(text)) for text in ("00123", "1e10", "", "x1", "inf", "1.2.3"))
