"""How many small faults the tests of a chapter catch, on a random sample of mutants.

    python -m pip install -e ".[mutants]"
    python -m benchmarks.mutants statistics report reading training --number 80 --seed 1
    python -m benchmarks.mutants statistics/kappa report/subgroups --number 20 --tests tests/engine/statistics

A mutant is the program with one small fault: an operator replaced, a number moved, a branch turned round (all by
cosmic-ray), a keyword of a call left out, a call left out. It is *killed* where a test fails with it. Mutants are
drawn evenly over a chapter's code, one a place; each is written into a copy of the program and tried by the tests that
ran its line, those that mirror its module first. Torch and the like are imported once: each trial is a fork.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = (
    "torch", "timm", "scipy.stats", "scipy.optimize", "sklearn.metrics", "statsmodels.api", "pandas", "sqlalchemy",
    "matplotlib.figure", "pydicom", "hypothesis", "coverage", "PIL.Image",
)  # fmt: skip
ARITHMETIC = {"Add", "Sub", "Mul", "Div", "FloorDiv", "Mod", "Pow"}
# A module is tried without these: what they change is for mypy, or for a reader of the source.
SILENT = ("annotation", "returns")
# Of a record: that none is changed where it should not be is held by mypy and tests/test_architecture.py. So is what
# may be given without its name.
FLAGS = {"frozen", "kw_only", "slots"}


@dataclass(frozen=True)
class Mutant:
    """One fault: the module, relative to the root; the lines it may lie in; the module's text with it; the change."""

    module: str
    line: int
    operator: str
    text: str
    change: str


@dataclass(frozen=True)
class Trial:
    """What became of a mutant: killed, survived or untested, the test that failed, and how many were never asked."""

    module: str
    line: int
    operator: str
    change: str
    outcome: str
    by: str
    seconds: float
    left_out: int = 0


# ------------------------------------------------------------------------------------------------ mutants


def bare(source: str) -> str:
    """Return a program without annotations, docstrings, flags of records and what only a type checker runs."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        for field in SILENT:
            if getattr(node, field, None) is not None:
                setattr(node, field, ast.Constant(None))
        if isinstance(node, ast.arguments):  # whether one may be given without its name
            node.args = [*node.posonlyargs, *node.args, *node.kwonlyargs]
            node.defaults = [*node.defaults, *filter(None, node.kw_defaults)]
            node.posonlyargs, node.kwonlyargs, node.kw_defaults = [], [], []
        if isinstance(node, ast.ClassDef):
            node.decorator_list = [_unflagged(each) for each in node.decorator_list]
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [one for one in body if not _is_silent(one)]  # type: ignore[attr-defined]
    return ast.dump(tree)


def _unflagged(decorator: ast.expr) -> ast.expr:
    """Return a decorator without the flags of a record."""
    if (
        isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Name)
        and decorator.func.id == "dataclass"
    ):
        kept = [keyword for keyword in decorator.keywords if keyword.arg not in FLAGS]
        return ast.Call(decorator.func, decorator.args, kept) if kept else decorator.func
    return decorator


def _is_silent(node: ast.stmt) -> bool:
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def by_cosmic_ray(source: str) -> Iterator[tuple[tuple[int, int], str, Callable[[], str]]]:
    """Yield place, operator and the mutated text for whatever cosmic-ray can change."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator, operator_names

    nodes = list(ast_nodes(get_ast(source)))
    for name in operator_names():
        operator = get_operator(name)
        if operator.arguments() or not _is_fair(name):
            continue
        places = (place for node in nodes for place in operator().mutation_positions(node))
        for occurrence, (start, _) in enumerate(places):
            yield start, name, lambda o=operator, n=occurrence: mutate_code(source, o(), n)  # type: ignore[misc]


def _is_fair(name: str) -> bool:
    """Return whether a replacement can be told only by what comes out: not by a TypeError, and not by nothing."""
    kind, _, pair = name.removeprefix("core/").partition("_")
    words = set(pair.split("_"))
    if kind == "ReplaceBinaryOperator":
        return words <= ARITHMETIC or not words & ARITHMETIC
    return kind != "ReplaceComparisonOperator" or words <= {"Is", "IsNot"} or not words & {"Is", "IsNot"}


def leaving_out(source: str) -> Iterator[tuple[tuple[int, int], str, Callable[[], str]]]:
    """Yield the same for keywords of calls, and for statements that are a call."""
    for number, node in enumerate(ast.walk(ast.parse(source))):
        if isinstance(node, ast.Call):
            for index, keyword in enumerate(node.keywords):
                if keyword.arg == "strict" and ast.unparse(node.func) == "zip":
                    continue  # ruff refuses a zip without it (B905)
                place = (keyword.lineno, keyword.col_offset)
                yield place, "keyword left out", lambda n=number, i=index: _without(source, n, i)  # type: ignore[misc]
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            yield (node.lineno, node.col_offset), "call left out", lambda n=number: _without(source, n)  # type: ignore[misc]


def _without(source: str, number: int, keyword: int | None = None) -> str:
    tree = ast.parse(source)
    node = list(ast.walk(tree))[number]
    if isinstance(node, ast.Call) and keyword is not None:
        del node.keywords[keyword]
    elif isinstance(node, ast.Expr):
        node.value = ast.Constant(None)
    return ast.unparse(tree)


def modules_of(copy: Path, chapter: str) -> list[Path]:
    """Return the modules of a folder of engine/, or the one module that `statistics/kappa` names."""
    at = copy / "engine" / chapter
    found = sorted(at.rglob("*.py")) if at.is_dir() else [at.with_suffix(".py")]
    if not found or not found[0].is_file():
        sys.exit(f"engine/{chapter} is neither a folder of modules nor a module")
    return found


def draw(copy: Path, chapter: str, number: int, rng: random.Random) -> list[Mutant]:
    """Return `number` mutants of a chapter or a module, at every k-th place from a random one on."""
    places: dict[tuple[Path, tuple[int, int]], list[tuple[str, Callable[[], str]]]] = defaultdict(list)
    sources = {path: path.read_text(encoding="utf-8") for path in modules_of(copy, chapter)}
    for module, source in sorted(sources.items()):
        for ways in (by_cosmic_ray, leaving_out):
            for place, operator, mutate in ways(source):
                places[module, place].append((operator, mutate))
    chosen = [(*at, *rng.choice(ways)) for at, ways in sorted(places.items())]
    mutants: list[Mutant] = []
    start, step = rng.random(), len(chosen) / number
    for k in range(min(number, len(chosen))):
        # A place where nothing changes but an annotation gives way to the next.
        for module, place, operator, mutate in chosen[int((start + k) * step) :]:
            name = str(module.relative_to(copy))
            mutant = _mutant(name, place[0], operator, sources[module], mutate())
            if mutant is not None and mutant not in mutants:
                mutants.append(mutant)
                break
    rng.shuffle(mutants)  # whoever ends the run early has an even sample too
    return mutants


def once_more(copy: Path, chapter: str, file: Path) -> list[Mutant]:
    """Return the mutants of a chapter that survived before, also where the code around them has changed since."""
    before = [Trial(**json.loads(line)) for line in file.read_text().splitlines()]
    found = []
    for trial in before:
        if trial.outcome == "killed" or copy / trial.module not in modules_of(copy, chapter):
            continue
        source = (copy / trial.module).read_text(encoding="utf-8")
        ways = (way for all_ways in (by_cosmic_ray, leaving_out) for way in all_ways(source))
        again = (
            _mutant(trial.module, line, operator, source, mutate())
            for (line, _), operator, mutate in sorted(ways, key=lambda way: abs(way[0][0] - trial.line))
            if operator.removeprefix("core/") == trial.operator
        )
        found += [next((mutant for mutant in again if mutant and mutant.change == trial.change), None)]
    return [mutant for mutant in found if mutant]


def _mutant(module: str, line: int, operator: str, source: str, text: str) -> Mutant | None:
    try:
        if bare(text) == bare(source):
            return None
        old, new = (ast.unparse(ast.parse(each)).splitlines() for each in (source, text))
    except SyntaxError:
        return None
    lines = [
        line
        for line in difflib.unified_diff(old, new, n=0, lineterm="")
        if not line.startswith(("---", "+++", "@@"))
    ]
    return Mutant(module, line, operator.removeprefix("core/"), text, "\n".join(lines))


# ------------------------------------------------------------------------------------------------ tests


class Watch:
    """Of a run of pytest: how long each test computed, which failed, and, where asked, which lines each ran.

    What is made once for many tests (a fixture of a module, of a session) is counted by itself, under its own name:
    whoever asks first does not stand for all who use it.
    """

    def __init__(self, coverage: Any = None) -> None:
        self.coverage = coverage
        self.seconds: Counter[str] = Counter()
        self.shared: dict[str, list[str]] = {}
        self.failed: list[str] = []
        self._running, self._since = "", 0.0

    def _switch(self, running: str) -> str:
        """Count time and lines for another; return for whom they were counted."""
        now, before = time.process_time(), self._running
        if before:
            self.seconds[before] += now - self._since  # type: ignore[assignment]
        self._running, self._since = running, now
        if self.coverage is not None:
            self.coverage.switch_context(running)
        return before

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._switch(nodeid)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
        if fixturedef.scope == "function":
            return (yield)
        before = self._switch(_made_once(fixturedef))
        try:
            return (yield)
        finally:
            self._switch(before)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self, item: Any) -> None:
        used = item._request._fixture_defs.values()
        self.shared[item.nodeid] = sorted(_made_once(each) for each in used if each.scope != "function")

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.failed.append(report.nodeid)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self._switch("")


def _made_once(fixture: Any) -> str:
    return f"fixture {fixture.baseid}::{fixture.argname}"


def in_a_fork(work: Callable[[], dict[str, Any]], copy: Path, timeout: float) -> dict[str, Any] | None:
    """Run in a process of its own, within the copy, silently; return what it returned, None where it took too long.

    The limit is one of computing, so that a busy machine kills no mutant; a process that only waits has ten times it.
    """
    answer = copy.parent / "answer.json"
    answer.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CPU, (int(timeout) + 1, int(timeout) + 1))
        os.chdir(copy)
        sys.path[:] = [str(copy), *(p for p in sys.path if p not in ("", str(ROOT)))]
        os.environ |= {"PYTHONPATH": str(copy), "OMP_NUM_THREADS": "1"}
        out = os.open(copy.parent / "output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        status = 1
        try:
            answer.write_text(json.dumps(work()))
            status = 0
        finally:
            os._exit(status)
    until = time.monotonic() + 10 * timeout
    while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0):
        if time.monotonic() > until:
            os.killpg(child, signal.SIGKILL)
        time.sleep(0.02)
    if answer.exists():
        return dict(json.loads(answer.read_text()))
    return None if os.WIFSIGNALED(ended[1]) else {"code": 3, "failed": []}


def run_tests(tests: Sequence[str], *options: str, watch: Watch) -> int:
    """Run pytest in this process, with the same draws of hypothesis each time; return its exit status."""
    from hypothesis import settings

    settings.register_profile("mutants", deadline=None)  # slow is not wrong, least of all on a busy machine
    settings.load_profile("mutants")
    fixed = ("-p", "no:cacheprovider", "--hypothesis-seed=0", "--tb=line")
    return int(pytest.main([*fixed, *options, *tests], plugins=[watch]))


def cover(copy: Path, tests: Sequence[str], chapters: Sequence[str], timeout: float) -> dict[str, Any]:
    """Return each test's seconds, and by module and line the tests that ran it.

    What is made once for many tests stands beside them, with seconds and lines of its own; `shared` has who uses it.
    """

    def work() -> dict[str, Any]:
        import coverage

        of_line = coverage.Coverage(
            data_file=None,
            include=[str(module) for chapter in chapters for module in modules_of(copy, chapter)],
        )
        watch = Watch(of_line)
        of_line.start()
        run_tests(tests, watch=watch)
        of_line.stop()
        data = of_line.get_data()
        lines = {
            os.path.relpath(file): {
                str(line): [c for c in by if c] for line, by in data.contexts_by_lineno(file).items()
            }
            for file in data.measured_files()
        }
        return {
            "seconds": watch.seconds, "failed": watch.failed, "lines": lines, "shared": watch.shared
        }  # fmt: skip

    if (covered := in_a_fork(work, copy, timeout)) is None or "lines" not in covered:
        sys.exit(f"the tests could not be run: {copy.parent / 'output.txt'}")
    return covered


def tests_by_nearness(mutant: Mutant, copy: Path, covered: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return the tests that ran the mutant's statement, and the others of their files.

    Of each, the module's own come first, then the quick. A file's other tests may look at what was computed once, where
    it was imported or for the first of them that asked.
    """
    lines: dict[str, list[str]] = covered["lines"].get(mutant.module, {})
    seconds, shared = covered["seconds"], covered["shared"]
    tests = set(shared) - set(covered["failed"])
    ran = {name for line in _statement(mutant, copy) for name in lines.get(str(line), [])}
    mirror = "tests/" + re.sub(r"([^/]+)$", r"test_\1", mutant.module)
    own = {test for test in tests if test.startswith(mirror)}
    # What runs while the module is imported, a constant or a default, belongs to all that the module does, and may be
    # looked at without running a line.
    ran = ran or own.union(*lines.values())
    found = {test for test in tests if test in ran or not ran.isdisjoint(shared[test])}
    chapter = "/".join(["tests", *mutant.module.split("/")[:2], ""])
    found = found or {test for test in tests if test.startswith(chapter)}
    files = {test.partition("::")[0] for test in found}
    beside = {test for test in tests - found if test.partition("::")[0] in files}

    def nearness(test: str) -> tuple[bool, float, str]:
        return not test.startswith(mirror), seconds[test], test

    return sorted(found, key=nearness), sorted(beside, key=nearness)


def within(tests: Sequence[str], covered: dict[str, Any], budget: float) -> list[str]:
    """Return of these tests those for which there is time, in their order."""
    seconds, shared = covered["seconds"], covered["shared"]
    chosen: list[str] = []
    made: set[str] = set()
    for test in tests:
        cost = seconds[test] + sum(seconds[each] for each in shared[test] if each not in made)
        if cost <= budget:
            chosen.append(test)
            made.update(shared[test])
            budget -= cost
    return chosen


def chosen_tests(mutant: Mutant, copy: Path, covered: dict[str, Any], budget: float) -> list[str]:
    """Return the tests that may notice, while there is time: those that ran the statement, then their files'."""
    found, beside = tests_by_nearness(mutant, copy, covered)
    return within([*found, *beside], covered, budget)


def _statement(mutant: Mutant, copy: Path) -> range:
    tree = ast.parse((copy / mutant.module).read_text(encoding="utf-8"))
    starts = [
        n.lineno
        for n in ast.walk(tree)
        if isinstance(n, ast.stmt) and n.lineno <= mutant.line <= (n.end_lineno or 0)
    ]
    return range(max(starts, default=mutant.line), mutant.line + 1)


def attempt(
    mutant: Mutant, copy: Path, covered: dict[str, Any], budget: float, further: float = 0.0
) -> Trial:
    """Write the mutant into the copy, run its tests, put the module back.

    `budget`: seconds of tests, the nearest and quickest; `further`: what survives is shown for so many seconds to
    those which ran its statement and were left out for their time.
    """
    began = time.monotonic()
    ran, _ = tests_by_nearness(mutant, copy, covered)
    first = chosen_tests(mutant, copy, covered, budget)
    then = within([test for test in ran if test not in first], covered, further)
    target = copy / mutant.module
    original = target.read_bytes()
    by = ""
    try:
        _put(target, mutant.text.encode())
        for tests in filter(None, (first, then)):
            if by := _noticed(tests, copy, covered):
                break
    finally:
        _put(target, original)
    return Trial(
        *(mutant.module, mutant.line, mutant.operator, mutant.change),
        outcome="killed" if by else "survived" if first or then else "untested",
        by=by,
        seconds=round(time.monotonic() - began, 2),
        left_out=0 if by else len({*ran} - {*first, *then}),
    )


def _put(target: Path, text: bytes) -> None:
    """Write a module; what Python kept of the one before goes."""
    # Bytecode is told from its source by seconds and size, which a mutant may share with the program.
    for stale in target.parent.glob(f"__pycache__/{target.stem}.*"):
        stale.unlink()
    target.write_bytes(text)


def _noticed(tests: Sequence[str], copy: Path, covered: dict[str, Any]) -> str:
    """Return which of these tests fails first; "time" where they do not end, "" where all pass."""
    shutil.rmtree(copy / ".hypothesis", ignore_errors=True)

    def work() -> dict[str, Any]:
        watch = Watch()
        return {
            "code": run_tests(tests, "-x", f"--basetemp={copy.parent / 'tmp'}", watch=watch),
            "failed": watch.failed,
        }

    asked = {*tests, *(each for test in tests for each in covered["shared"][test])}
    answer = in_a_fork(work, copy, 3 * sum(covered["seconds"][each] for each in asked) + 20)
    if answer is None:
        return "time"
    return next(iter(answer["failed"]), "collection" if answer["code"] else "")


# ------------------------------------------------------------------------------------------------ the whole


def copy_program(to: Path) -> Path:
    """Copy what git knows or would know into a folder."""
    files = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    for file in filter(None, files.split("\0")):
        if (ROOT / file).is_file():
            (to / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, to / file)
    return to


def table(trials: Sequence[tuple[str, Trial]]) -> str:
    """Return the kill rate of each chapter or module asked for, with its 95% interval, as Markdown."""
    from engine.statistics.proportions import wilson

    rows = ["| chapter | mutants | killed | rate, 95% interval |", "| --- | ---: | ---: | --- |"]
    killed = Counter(chapter for chapter, trial in trials if trial.outcome == "killed")
    for chapter, n in Counter(chapter for chapter, _ in trials).items():
        rate = wilson(killed[chapter], n)
        rows.append(
            f"| {chapter} | {n} | {killed[chapter]} | {rate.value:.3f} ({rate.low:.3f} to {rate.high:.3f}) |"
        )
    return "\n".join(rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw, try and tell; print each survivor with its change."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants", description=__doc__)
    parser.add_argument("chapters", nargs="+", help="folders of engine/, or modules: statistics/kappa")
    parser.add_argument("--number", type=int, default=80, help="mutants of each, or as many as it has places")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tests", nargs="+", default=["tests/engine"], help="where the tests are")
    parser.add_argument("--budget", type=float, default=30, help="seconds of tests a mutant")
    parser.add_argument(
        "--further",
        type=float,
        default=120,
        help="seconds a survivor for the tests that ran its line and took too long for the budget",
    )
    parser.add_argument(
        "--covered", type=Path, help="a file to keep in which tests ran which lines, for the next run"
    )
    parser.add_argument(
        "--again", type=Path, help="only those that survived in this file, once written by --out"
    )
    parser.add_argument("--out", type=Path, help="a file to write every trial to, one JSON a line")
    asked = parser.parse_args(arguments)
    for name in HEAVY:
        import_module(name)
    trials: list[tuple[str, Trial]] = []
    with tempfile.TemporaryDirectory(prefix="overread-mutants-") as scratch:
        copy = copy_program(Path(scratch) / "program")
        if asked.covered and asked.covered.exists():
            covered = json.loads(asked.covered.read_text())
        else:
            covered = cover(copy, asked.tests, asked.chapters, timeout=3600)
        if asked.covered:
            asked.covered.write_text(json.dumps(covered))
        if covered["failed"]:
            print("left out, since they fail without any mutant:", *covered["failed"], sep="\n  ")
        for chapter in asked.chapters:
            rng = random.Random(f"{chapter} {asked.seed}")
            sample = (
                draw(copy, chapter, asked.number, rng)
                if not asked.again
                else once_more(copy, chapter, asked.again)
            )
            for mutant in sample:
                trial = attempt(mutant, copy, covered, asked.budget, asked.further)
                trials.append((chapter, trial))
                if trial.outcome != "killed":
                    unasked = f", {trial.left_out} tests of its line not asked" if trial.left_out else ""
                    print(
                        f"{trial.outcome}{unasked}: {trial.module}:{trial.line} {trial.operator}\n{trial.change}",
                        flush=True,
                    )
                if asked.out:
                    with asked.out.open("a") as file:
                        file.write(json.dumps(asdict(trial)) + "\n")
    print(table(trials))


if __name__ == "__main__":
    main()
