"""A link ends when one clock says so, whatever was done to the other."""

from __future__ import annotations

import pytest

from gui.sharing.deadline import Deadline, clocks_of_this_computer


class Computer:
    """Its two clocks, as they stand after something happened to it."""

    def __init__(self) -> None:
        self.wall, self.running = 1_000_000.0, 50.0

    def deadline(self, seconds: float) -> Deadline:
        return Deadline(seconds, [lambda: self.wall, lambda: self.running])


@pytest.mark.parametrize(
    ("wall", "running", "over"),
    [
        (59, 59, False),
        (60, 60, True),
        (3600, 10, True),  # it slept for an hour: the running clock stood still
        (-7200, 60, True),  # the clock on the wall was set back by two hours
        (-7200, 59, False),
        (86_400, 1, True),  # it was set forward
    ],
)
def test_the_time_is_over_when_either_clock_says_so(wall: float, running: float, over: bool) -> None:
    computer = Computer()
    deadline = computer.deadline(60)
    computer.wall += wall
    computer.running += running
    assert deadline.over is over


def test_this_computer_has_a_clock_that_can_be_set_and_one_that_cannot() -> None:
    first = [clock() for clock in clocks_of_this_computer()]
    assert len(first) >= 2
    assert all(clock() >= before for clock, before in zip(clocks_of_this_computer(), first, strict=True))
    assert Deadline(0).over and not Deadline(60).over


def test_what_is_left_is_what_the_clock_says_that_comes_there_first() -> None:
    computer = Computer()
    deadline = computer.deadline(60)
    computer.wall += 50
    computer.running += 20
    assert deadline.left() == pytest.approx(10)
