"""Promise of patients as numbers: whatever names them, they are numbered in the names' order and without gaps."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
from hypothesis import given, strategies as st

from engine.statistics.clusters import Clusters

NAMES = st.one_of(
    st.lists(st.integers(0, 12)),
    st.lists(st.integers(-3, 3)),
    st.lists(st.integers(0, 10**12)),
    st.lists(st.text("ab \u05d0", max_size=2)),
    st.lists(st.booleans()),
)


@given(NAMES, st.randoms())
def test_patients_are_numbered_in_the_order_of_their_names_and_anew_among_some_images(
    names: list[Any], chance: Random
) -> None:
    def expected(of: list[Any]) -> list[int]:
        order = sorted(set(of))
        return [order.index(one) for one in of]

    all_of = Clusters.by(names, len(names))
    assert all_of.of.tolist() == expected(names) and all_of.count == len(set(names))
    rows = np.array([chance.random() < 0.5 for _ in names], dtype=bool)
    some = [name for name, kept in zip(names, rows, strict=True) if kept]
    taken = all_of.take(rows)
    assert taken.of.tolist() == expected(some)
    assert taken.count == all_of.among(rows) == len(set(some))


def test_images_without_patients_are_each_their_own() -> None:
    assert Clusters.by(None, 3).of.tolist() == [0, 1, 2] and Clusters.by(None, 3).single
