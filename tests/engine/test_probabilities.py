"""Promises of records' probabilities: in a block they are what tuples of them would be, and take less room."""

from __future__ import annotations

import copy
import pickle
import sys
from dataclasses import asdict, replace
from types import SimpleNamespace

import numpy as np
import pytest

from engine.records import ProbabilityBlock, ProbabilityRow, probabilities_of
from engine.report.exports.numbers import plain
from tests.engine.report.test_build import a_run, case

ROWS = [tuple(row) for row in np.random.default_rng(3).dirichlet(np.ones(7), 12).tolist()]


def in_block(rows: list[tuple[float, ...]]) -> list[SimpleNamespace]:
    block = ProbabilityBlock()
    return [SimpleNamespace(probabilities=block.add(row)) for row in rows]


def test_a_row_of_a_block_is_what_a_tuple_would_be() -> None:
    for kept, row in zip(in_block(ROWS), ROWS, strict=True):
        found = kept.probabilities
        assert isinstance(found, ProbabilityRow)
        assert found == row and row == found and found == copy.deepcopy(found)
        assert found != row[::-1] and found != list(row)
        assert (hash(found), repr(found), len(found), tuple(found)) == (hash(row), repr(row), 7, row)
        assert (found[-1], found[2], found[1:3], found.index(row[4])) == (row[-1], row[2], row[1:3], 4)
        assert type(found[0]) is float and max(range(7), key=found.__getitem__) == row.index(max(row))
        assert plain(found) == list(row) and np.array_equal(np.array(found), row)
        again = pickle.loads(pickle.dumps(found))
        assert type(again) is tuple and again == row
        for beyond in (7, -8):
            with pytest.raises(IndexError):
                found[beyond]


def test_a_record_with_a_row_is_equal_to_one_with_a_tuple() -> None:
    run = a_run()
    one = case(1, "opacity", (0.25, 0.75), run)
    other = replace(one, probabilities=ProbabilityBlock().add([0.25, 0.75]))
    assert (
        one == other
        and hash(one) == hash(other)
        and asdict(one) == asdict(other)
        and repr(one) == repr(other)
    )


def test_what_is_of_another_length_or_comes_too_late_is_a_tuple() -> None:
    block = ProbabilityBlock()
    first = block.add([0.5, 0.5])
    assert type(block.add([0.2, 0.3, 0.5])) is tuple and type(ProbabilityBlock().add([])) is tuple
    second = block.add([0.1, 0.9])
    assert block.matrix().tolist() == [[0.5, 0.5], [0.1, 0.9]]
    assert block.add([0.4, 0.6]) == (0.4, 0.6) and type(block.add([0.4, 0.6])) is tuple
    assert (first, second) == ((0.5, 0.5), (0.1, 0.9))
    assert (
        second < first and first > (0.1, 0.9) and first >= (0.5, 0.5) and sorted([first, second])[0] == second
    )


def test_all_cases_of_a_block_are_one_matrix_that_is_no_copy_and_cannot_be_changed() -> None:
    cases = in_block(ROWS)
    whole = probabilities_of(cases, 7)
    assert np.array_equal(whole, np.array(ROWS)) and not whole.flags.writeable
    assert np.shares_memory(whole, probabilities_of(cases, 7)) and np.shares_memory(
        whole, probabilities_of(cases[3:8], 7)
    )
    for at in ([3, 4, 5], [5, 3, 3, 11], [0]):
        found = probabilities_of([cases[place] for place in at], 7)
        assert np.array_equal(found, np.array(ROWS)[at]) and found.dtype == np.float64
    other = in_block(ROWS[:2])
    mixed = [cases[1], other[0], SimpleNamespace(probabilities=ROWS[2])]
    assert np.array_equal(probabilities_of(mixed, 7), np.array(ROWS)[[1, 0, 2]])
    assert probabilities_of([], 7).shape == (0, 7)
    with pytest.raises(ValueError, match="inhomogeneous"):
        probabilities_of([SimpleNamespace(probabilities=(1.0,)), cases[0]], 7)


def test_fifty_probabilities_of_a_case_take_less_than_a_third_of_a_tuple_of_them() -> None:
    rows = [tuple(row) for row in np.random.default_rng(4).random((500, 50)).tolist()]
    as_tuples = sum(sys.getsizeof(row) + sum(map(sys.getsizeof, row)) for row in rows)
    cases = in_block(rows)
    held = [one.probabilities for one in cases]
    in_rows = held[0].block.matrix().nbytes + sum(
        sys.getsizeof(row) + sys.getsizeof(row.first) for row in held
    )
    assert in_rows < as_tuples / 3
