"""Promises of engine.data.fingerprint: in order, in parallel, a bounded number at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from engine.images.threads import in_order


def test_order_is_kept_although_some_take_longer() -> None:
    def slow(number: int) -> int:
        time.sleep(0.002 if number % 50 == 0 else 0)
        return number * 2

    assert list(in_order(slow, range(500), workers=4)) == [number * 2 for number in range(500)]


def test_no_more_is_taken_than_is_needed_soon() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for number in range(10_000):
            taken += 1
            yield number

    results = in_order(lambda number: number, items(), workers=2)
    next(results)
    assert taken < 1000
    results.close()  # type: ignore[attr-defined]


def test_an_error_comes_out_and_no_thread_stays() -> None:
    def fail(number: int) -> int:
        return 1 // (100 - number)

    before = {*threading.enumerate()}
    with pytest.raises(ZeroDivisionError):
        list(in_order(fail, range(1000), workers=2))
    assert {*threading.enumerate()} <= before
