"""Promises of subgroups: each value of a column has its figures, by patient; too small ones are not shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from engine.records import Prediction, Run, Split
from engine.report.subgroups import (
    FEWEST_IN_SUBGROUP,
    SMALL,
    groups_by_column,
    subgroup_table,
    subgroup_tests,
)
from engine.statistics import auroc, holm, log_odds, proportion
from tests.engine.report.test_build import a_run, samples_of, some_cases


def test_the_intervals_of_a_subgroup_count_patients_not_images() -> None:
    run = a_run()
    cases = [
        replace(each, patient_id=f"patient {number // 8}") for number, each in enumerate(some_cases(run, 80))
    ]
    samples = samples_of(cases, {"view": "PA"}, {"view": "AP"})
    split = Split(train=(), val=(), test=samples, classes=run.classes, seed=0, method="given")
    for row in subgroup_table(run, cases, split):
        chosen = [each for each, of in zip(cases, samples, strict=True) if of.meta["view"] == row.value]
        right = np.array([each.predicted == each.label for each in chosen])
        ill = np.array([each.label == run.positive for each in chosen])
        patient = np.array([each.patient_id for each in chosen])
        p = log_odds([each.probabilities for each in chosen], run.classes.index(run.positive))
        by_patient = proportion(right, patient)
        assert row.estimates == {
            "accuracy": by_patient,
            "sensitivity": proportion(right[ill], patient[ill]),
            "specificity": proportion(right[~ill], patient[~ill]),
            "AUROC": auroc(ill, p, patient),
        }
        assert {found.patients for found in row.estimates.values()} <= set(range(1, 11))
        assert by_patient.high - by_patient.low > 1.02 * (proportion(right).high - proportion(right).low)


def test_a_subgroup_without_a_class_says_so_and_has_the_other_figures() -> None:
    run = a_run()
    cases = some_cases(run)
    samples = tuple(
        replace(each, meta={"site": "well" if each.label == "normal" and number % 2 else "mixed"})
        for number, each in enumerate(samples_of(cases))
    )
    split = Split(train=(), val=(), test=samples, classes=run.classes, seed=0, method="given")
    well = next(row for row in subgroup_table(run, cases, split) if row.value == "well")
    assert well.estimates["sensitivity"].method == "cannot be estimated because no case is of the class"
    assert (well.estimates["sensitivity"].n, well.estimates["specificity"].n) == (0, well.cases)


@pytest.mark.parametrize("size", [FEWEST_IN_SUBGROUP - 1, FEWEST_IN_SUBGROUP])
def test_a_subgroup_is_shown_from_five_cases_on(size: int) -> None:
    run = a_run()
    cases = some_cases(run)
    samples = tuple(
        replace(each, meta={"site": "small" if number < size else "large"})
        for number, each in enumerate(samples_of(cases))
    )
    split = Split(train=(), val=(), test=samples, classes=run.classes, seed=0, method="given")
    shown = {row.value for row in subgroup_table(run, cases, split)}
    assert shown == ({"small", "large"} if size >= FEWEST_IN_SUBGROUP else {"large"})


def a_split(run: Run, cases: Sequence[Prediction], meta: Callable[[int], dict[str, str]]) -> Split:
    samples = tuple(replace(each, meta=meta(number)) for number, each in enumerate(samples_of(list(cases))))
    return Split(train=(), val=(), test=samples, classes=run.classes, seed=0, method="given")


def test_many_numbers_stand_in_bands_that_hold_every_case_once() -> None:
    run, cases = a_run(), some_cases(a_run(), 200)
    ages = np.random.default_rng(0).integers(18, 95, 200)
    split = a_split(run, cases, lambda number: {"age": str(ages[number]) if number else ""})
    rows = subgroup_table(run, cases, split)
    values = [row.value for row in rows]
    assert 3 <= len(values) <= 5 and values[0].startswith("under ") and values[-1].endswith(" and over")
    cut = int(values[0].removeprefix("under "))
    assert rows[0].cases == int((ages[1:] < cut).sum())
    assert sum(row.cases for row in rows) == 199  # one age is not given, which makes too small a group


def holds(name: str, number: float) -> bool:
    """Whether a number is in the band of a name, as a reader of the report takes it."""
    if name.startswith("under "):
        return number < float(name.removeprefix("under "))
    if name.endswith(" and over"):
        return number >= float(name.removesuffix(" and over"))
    if "–" in name:
        low, high = map(float, name.split("–"))
        return low <= number <= high
    low, high = map(float, name.split(" to under "))
    return low <= number < high


@pytest.mark.parametrize("whole", [True, False])
def test_a_band_holds_what_its_name_says(whole: bool) -> None:
    run, cases = a_run(), some_cases(a_run(), 200)
    numbers = np.random.default_rng(3).integers(0, 999, 200) / (1 if whole else 100)
    split = a_split(run, cases, lambda number: {"size": f"{numbers[number]:g}"})
    rows = subgroup_table(run, cases, split)
    assert sum(row.cases for row in rows) == 200 and len(rows) >= 3
    for row in rows:
        assert row.cases == sum(holds(row.value, number) for number in numbers), row.value
    assert all(("–" in row.value) == whole for row in rows[1:-1])


def test_numbers_that_are_nearly_all_one_make_no_bands() -> None:
    run, cases = a_run(), some_cases(a_run(), 200)
    split = a_split(run, cases, lambda number: {"pack years": "0" if number < 188 else str(number)})
    assert subgroup_table(run, cases, split) == ()


@pytest.mark.parametrize(
    ("sites", "shown"), [(8, 8), (9, 7), (10, 7)]
)  # up to eight as they are; of more the six most frequent, and the others together
def test_a_column_makes_eight_groups_at_most(sites: int, shown: int) -> None:
    run, cases = a_run(), some_cases(a_run(), 180)
    split = a_split(run, cases, lambda number: {"site": f"site {number % sites}"})
    rows = subgroup_table(run, cases, split)
    assert len(rows) == shown and sum(row.cases for row in rows) == 180
    assert ("(other)" in [row.value for row in rows]) == (sites > 8)
    some = a_split(run, cases, lambda number: {"site": f"site {number % sites}" if number % 7 else ""})
    rows = subgroup_table(run, cases, some)
    assert len(rows) == 8 and rows[-1].value in ("(not given)", "(other)")
    assert next(row.cases for row in rows if row.value == "(not given)") == 26


@pytest.mark.parametrize(("groups", "crossed"), [(4, True), (5, False)])
def test_columns_of_four_groups_are_crossed_and_of_more_not(groups: int, crossed: bool) -> None:
    run, cases = a_run(), some_cases(a_run(), 200)
    split = a_split(
        run, cases, lambda number: {"site": f"site {number % groups}", "sex": "FM"[number // 7 % 2]}
    )
    assert any(not row.single for row in subgroup_table(run, cases, split)) == crossed


def test_no_more_than_six_pairs_of_columns_are_crossed() -> None:
    run, cases = a_run(), some_cases(a_run(), 160)
    split = a_split(
        run, cases, lambda number: {name: f"{name}{number >> at & 1}" for at, name in enumerate("abcde")}
    )
    assert len({row.column for row in subgroup_table(run, cases, split) if not row.single}) == 6


def test_rare_words_are_put_together_and_names_make_no_groups() -> None:
    run, cases = a_run(), some_cases(a_run(), 120)
    cases = [replace(each, patient_id=f"patient {number // 20}") for number, each in enumerate(cases)]
    split = a_split(
        run,
        cases,
        lambda number: {
            "site": f"site {number % 5}" if number < 100 else f"rare {number}",
            "who": f"Jane {number // 20}",  # of one patient each
            "note": f"free text {number}",
        },
    )
    rows = subgroup_table(run, cases, split)
    assert {row.column for row in rows} == {"site"}
    assert [(row.value, row.cases) for row in rows] == [
        *((f"site {at}", 20) for at in range(5)),
        ("(other)", 20),
    ]


def test_two_columns_are_crossed_and_small_groups_are_marked() -> None:
    run, cases = a_run(), some_cases(a_run(), 120)
    split = a_split(
        run, cases, lambda number: {"sex": "FM"[number % 2], "view": "PA" if number % 3 else "AP"}
    )
    crossed = [row for row in subgroup_table(run, cases, split) if not row.single]
    assert {row.column for row in crossed} == {"sex × view"}
    assert sum(row.cases for row in crossed) == 120
    for row in subgroup_table(run, cases, split):
        assert row.positives is not None
        assert row.small == (min(row.positives, row.cases - row.positives) < SMALL)


def test_grouping_the_names_of_groups_gives_the_same_rows_and_tests() -> None:
    """A bundle holds groups in place of ages: its figures must come out of these alone."""
    run, cases = a_run(), some_cases(a_run(), 200)
    ages = np.random.default_rng(0).integers(0, 95, 200)
    split = a_split(run, cases, lambda number: {"age": str(ages[number]), "sex": "FM"[number % 2]})
    groups = groups_by_column(run, cases, split)
    told = a_split(
        run, cases, lambda number: {name: of[cases[number].image_id] for name, of in groups.items()}
    )
    assert groups_by_column(run, cases, told) == groups
    assert subgroup_table(run, cases, told) == subgroup_table(run, cases, split)
    assert subgroup_tests(run, cases, told) == subgroup_tests(run, cases, split)


def test_a_column_by_which_results_differ_is_told_from_one_by_which_they_do_not() -> None:
    run, cases = a_run(), some_cases(a_run(), 200)
    wrong = [each.predicted != each.label for each in cases]
    split = a_split(
        run, cases, lambda number: {"device": "old" if wrong[number] else "new", "day": "ab"[number % 2]}
    )
    tests = subgroup_tests(run, cases, split)
    assert min(one.adjusted for one in tests if one.column == "device") < 0.001
    assert all(one.adjusted >= one.p_value for one in tests)
    assert [one.adjusted for one in tests] == holm([one.p_value for one in tests])


@pytest.mark.parametrize(("numbers", "banded"), [(79, False), (80, True)])
def test_a_column_is_one_of_numbers_where_four_fifths_of_what_is_given_are(
    numbers: int, banded: bool
) -> None:
    run, cases = a_run(), some_cases(a_run(), 110)
    odd = [
        *(str(number) for number in range(numbers)),
        *(f"x{number}" for number in range(numbers, 100)),
        *[""] * 10,
    ]
    values = {
        row.value: row.cases
        for row in subgroup_table(run, cases, a_split(run, cases, lambda at: {"a": odd[at]}))
    }
    assert bool(values) == banded
    if banded:
        assert values["(other)"] == 20 and values["(not given)"] == 10 and sum(values.values()) == 110


@pytest.mark.parametrize(("frequent", "grouped"), [(49, False), (50, True)])
def test_rare_words_are_put_together_where_half_of_what_is_given_has_a_frequent_one(
    frequent: int, grouped: bool
) -> None:
    run, cases = a_run(), some_cases(a_run(), 106)
    words = ["site", *(f"rare {number}" for number in range(100 - frequent))]
    split = a_split(run, cases, lambda at: {"a": "" if at >= 100 else words[max(0, at - frequent + 1)]})
    values = {row.value: row.cases for row in subgroup_table(run, cases, split)}
    assert values == ({"site": 50, "(other)": 50, "(not given)": 6} if grouped else {})


@pytest.mark.parametrize(("fewest", "crossed"), [(FEWEST_IN_SUBGROUP - 1, False), (FEWEST_IN_SUBGROUP, True)])
def test_a_column_of_which_one_group_alone_is_shown_is_not_crossed(fewest: int, crossed: bool) -> None:
    run, cases = a_run(), some_cases(a_run(), 60)
    split = a_split(run, cases, lambda at: {"a": "few" if at < fewest else "many", "b": "FM"[at % 2]})
    assert any(not row.single for row in subgroup_table(run, cases, split)) == crossed


def test_of_three_classes_a_group_has_its_accuracy_alone_and_is_small_below_ten_cases() -> None:
    run = a_run(("a", "b", "c"))
    cases = [
        replace(each, label=run.classes[at % 3], predicted="a", probabilities=(0.4, 0.3, 0.3))
        for at, each in enumerate(some_cases(a_run(), 79))
    ]
    sizes = {"nine": SMALL - 1, "ten": SMALL}
    named = [name for name, size in sizes.items() for _ in range(size)]
    split = a_split(run, cases, lambda at: {"site": named[at] if at < len(named) else "rest"})
    rows = {row.value: row for row in subgroup_table(run, cases, split)}
    assert {name: row.small for name, row in rows.items()} == {"nine": True, "ten": False, "rest": False}
    assert all(row.positives is None and list(row.estimates) == ["accuracy"] for row in rows.values())
    assert {one.figure for one in subgroup_tests(run, cases, split)} <= {"accuracy"}


def test_bands_stand_in_the_order_of_their_numbers_and_words_in_that_of_the_alphabet_after_them() -> None:
    run, cases = a_run(), some_cases(a_run(), 120)
    given = ["10", "9", "-1", "b", "a", ""]
    rows = subgroup_table(run, cases, a_split(run, cases, lambda at: {"x": given[at % 6]}))
    assert [row.value for row in rows] == ["-1", "9", "10", "a", "b", "(not given)"]
    ages = [f"{at * 95 // 120 + 5}" for at in range(120)]
    rows = subgroup_table(run, cases, a_split(run, cases, lambda at: {"x": ages[at]}))
    firsts = [float(row.value.removeprefix("under ").partition("–")[0].partition(" ")[0]) for row in rows]
    assert rows[0].value.startswith("under ") and firsts[1:] == sorted(firsts[1:])
    assert rows[-1].value.endswith(" and over") and firsts[0] == firsts[1]


@pytest.mark.parametrize(("named", "grouped"), [(True, False), (False, True)])
def test_groups_that_are_of_one_named_patient_each_are_none(named: bool, grouped: bool) -> None:
    run = a_run()
    cases = [
        replace(each, patient_id=f"p{at // 10}" if named else each.image_id)
        for at, each in enumerate(some_cases(run, 60))
    ]
    split = a_split(run, cases, lambda at: {"who": f"n{at // 10}"})
    assert bool(groups_by_column(run, cases, split)) == grouped
    two = [replace(each, patient_id="q") if at in (0, 59) else each for at, each in enumerate(cases)]
    assert groups_by_column(run, two, a_split(run, two, lambda at: {"who": f"n{at // 10}"}))
