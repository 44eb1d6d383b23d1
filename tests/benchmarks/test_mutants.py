"""What counts as a fault is one that the program would run; nothing else can survive or be killed."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.mutants import Mutant, attempt, bare, chosen_tests, cover, draw, leaving_out

SOURCE = '''
"""A module."""
from __future__ import annotations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = 7

@dataclass(frozen=True, kw_only=True, eq=False)
class Record:
    number: int

@dataclass
class Other:
    number: int

def shorter(names: list[str] | None = None, *, key: int = 0) -> list[str] | None:
    """Return them."""
    report(names, to="log", twice=True)
    return names and sorted(names, key=len)[:LIMIT]
'''

MADE_ONCE = """
import runpy
import time

import pytest

ONE = runpy.run_path("engine/toy/one.py")


@pytest.fixture(scope="module")
def made():
    until = time.process_time() + 0.3
    while time.process_time() < until:
        pass
    return ONE['two']()


def test_first(made):
    assert made is not None


def test_second(made):
    assert made == 2


def test_alone():
    assert ONE['three']() == 3
"""


def test_what_only_a_type_checker_or_a_reader_sees_is_no_fault() -> None:
    for silent in (
        SOURCE.replace("list[str] | None:", "int:"),
        SOURCE.replace("names: list[str] | None", "names: str & int"),
        SOURCE.replace("A module.", ""),
        SOURCE.replace("Return them.", "Return nothing."),
        SOURCE.replace("from pathlib import Path", "pass"),
        SOURCE.replace("frozen=True, kw_only=True, ", "slots=True, "),
        SOURCE.replace("@dataclass\n", "@dataclass(frozen=True)\n"),
        SOURCE.replace("*, key", "/, key"),
    ):
        assert silent != SOURCE and bare(silent) == bare(SOURCE)
    for heard in (
        SOURCE.replace("7", "8"),
        SOURCE.replace("= None", "= ()"),
        SOURCE.replace("and", "or"),
        SOURCE.replace(", eq=False", ""),
        SOURCE.replace("key: int = 0", "key: int = 1"),
        SOURCE.replace("@dataclass\n", ""),
    ):
        assert heard != SOURCE and bare(heard) != bare(SOURCE)


def test_every_keyword_of_a_call_and_every_call_that_stands_alone_is_left_out_once() -> None:
    texts = [text() for _, _, text in leaving_out(SOURCE)]
    assert len(texts) == 7 and len({bare(text) for text in (*texts, SOURCE)}) == 6  # two flags are no faults
    assert sum("report(" not in text for text in texts) == 1
    assert sum("key=len" not in text for text in texts) == 1
    assert sum("twice=True" not in text for text in texts) == 2  # alone, and with the call
    kept = [text() for _, _, text in leaving_out("zip(one, other, strict=True)\nask(one, strict=True)")]
    assert (
        len(kept) == 3 and sum("ask(one)" in text for text in kept) == 1
    )  # ruff refuses a zip without `strict`


def test_a_sample_lies_evenly_over_the_code_and_is_the_same_for_a_seed(tmp_path: Path) -> None:
    pytest.importorskip("cosmic_ray")
    chapter = tmp_path / "engine" / "toy"
    chapter.mkdir(parents=True)
    for name in ("one", "two"):
        (chapter / f"{name}.py").write_text(SOURCE)
    sample = draw(tmp_path, "toy", 6, random.Random(3))
    assert sample == draw(tmp_path, "toy", 6, random.Random(3)) != draw(tmp_path, "toy", 6, random.Random(4))
    assert len(sample) == 6 and [mutant.module for mutant in sample].count("engine/toy/one.py") == 3
    assert all(bare(mutant.text) != bare(SOURCE) for mutant in sample)


def test_a_fault_is_tried_by_the_tests_that_ran_its_line_its_own_modules_first(tmp_path: Path) -> None:
    module = "engine/toy/one.py"
    (tmp_path / "engine" / "toy").mkdir(parents=True)
    (tmp_path / module).write_text(SOURCE)
    own, other, far, slow = (f"tests/engine/toy/test_{name}.py::t" for name in ("one", "two", "far", "slow"))
    covered: dict[str, Any] = {
        "lines": {module: {"21": [other, own, slow], "22": [far]}},
        "seconds": {own: 2.0, other: 1.0, far: 1.0, slow: 9.0},
        "shared": {own: [], other: [], far: [], slow: []},
        "failed": [],
    }
    called = Mutant(module, 21, "", "", "")
    assert chosen_tests(called, tmp_path, covered, 5) == [own, other]
    assert chosen_tests(called, tmp_path, covered, 50) == [own, other, slow]
    assert chosen_tests(called, tmp_path, {**covered, "failed": [own]}, 5) == [other]
    constant = Mutant(module, 9, "", "", "")  # run when the module is imported: every test of the module
    looked_at = "tests/engine/toy/test_one.py::names"
    covered["seconds"][looked_at], covered["shared"][looked_at] = 0.1, []
    assert set(chosen_tests(constant, tmp_path, covered, 50)) == {own, other, far, slow, looked_at}
    assert chosen_tests(called, tmp_path, covered, 50) == [
        own,
        other,
        slow,
        looked_at,
    ]  # of the same file, at last


def test_what_is_made_once_for_many_tests_is_held_by_all_who_use_it(tmp_path: Path) -> None:
    pytest.importorskip("coverage")
    program, tests = (
        tmp_path / "program" / "engine" / "toy",
        tmp_path / "program" / "tests" / "engine" / "toy",
    )
    program.mkdir(parents=True)
    tests.mkdir(parents=True)
    (program / "one.py").write_text(
        "def two() -> int:\n    return 1 + 1\n\ndef three() -> int:\n    return 3\n"
    )
    (tests / "test_far.py").write_text(MADE_ONCE)
    copy = tmp_path / "program"
    covered = cover(copy, ["tests"], ["toy"], timeout=60)
    first, second, alone = (
        f"tests/engine/toy/test_far.py::test_{name}" for name in ("first", "second", "alone")
    )
    assert covered["failed"] == [] and set(covered["shared"]) == {first, second, alone}
    in_the_fixture, called = (Mutant("engine/toy/one.py", line, "", "", "") for line in (2, 5))
    assert set(chosen_tests(in_the_fixture, copy, covered, 50)[:2]) == {first, second}
    assert chosen_tests(called, copy, covered, 50)[0] == alone
    # Making it took the fixture's time, not that of the test which asked first; who is tried alone pays for it.
    (made,) = covered["shared"][second]
    assert covered["seconds"][made] > 0.2 > covered["seconds"][first]
    assert chosen_tests(in_the_fixture, copy, covered, 0.2) == [alone]
    fault = "def two() -> int:\n    return 1 - 1\n\ndef three() -> int:\n    return 3\n"
    trial = attempt(Mutant("engine/toy/one.py", 2, "", fault, ""), copy, covered, 50)
    assert (trial.outcome, trial.by) == ("killed", second)
    # What the quick tests let pass is shown to those that took too long for the budget, and who was not asked is told.
    found = [
        attempt(Mutant("engine/toy/one.py", 2, "", fault, ""), copy, covered, 0.2, more) for more in (0, 50)
    ]
    assert [(each.outcome, each.left_out) for each in found] == [("survived", 2), ("killed", 0)]
