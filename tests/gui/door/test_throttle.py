"""Guessing is slowed down, by name and by address, without keeping everybody out."""

from __future__ import annotations

from gui.door.throttle import SECONDS, TRIES_OF_ADDRESS, TRIES_OF_NAME, TRIES_OF_NAME_AND_ADDRESS, Throttle


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_one_address_has_five_tries_of_a_name_then_waits_out_the_oldest() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    for _ in range(TRIES_OF_NAME_AND_ADDRESS):
        assert throttle.wait("Ada", "a") == 0
        throttle.wrong("ada", "a")
        clock.now += 10
    assert 0 < throttle.wait("ADA", "a") <= SECONDS - 50 + 1
    assert throttle.wait("Ada", "b") == 0 == throttle.wait("Ben", "a")
    clock.now += SECONDS - 49
    assert throttle.wait("Ada", "a") == 0


def test_one_address_that_tries_many_names_waits_for_all_of_them() -> None:
    throttle = Throttle(Clock())
    for number in range(TRIES_OF_ADDRESS):
        assert throttle.wait(f"reader {number}", "a") == 0
        throttle.wrong(f"reader {number}", "a")
    assert throttle.wait("somebody else", "a") > 0
    assert throttle.wait("somebody else", "b") == 0


def test_many_addresses_that_try_one_name_are_many_tries() -> None:
    throttle = Throttle(Clock())
    for number in range(TRIES_OF_NAME):
        assert throttle.wait("Ada", f"10.0.0.{number}") == 0
        throttle.wrong("Ada", f"10.0.0.{number}")
    assert throttle.wait("Ada", "new") > 0


def test_who_comes_in_has_their_wrong_tries_forgotten() -> None:
    throttle = Throttle(Clock())
    for _ in range(3):
        for _ in range(TRIES_OF_NAME_AND_ADDRESS - 1):
            throttle.wrong("Ada", "a")
        throttle.right("ada", "a")
        assert throttle.wait("Ada", "a") == 0
