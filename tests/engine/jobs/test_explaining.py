"""Promises of engine.jobs.explaining: one heatmap at a time in another process, and what is waited for first."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from engine.errors import EngineError, ImageError, RunError
from engine.jobs import explaining
from engine.jobs.explaining import Answer, Explaining, Wish
from engine.prediction.on_demand import explain_case
from engine.reading.store import open_store
from engine.records import Explanation, Run
from engine.workspace import Workspace, open_workspace
from tests.doubles.half_way import LET_GO, half_way
from tests.tiny import with_cells

PATIENCE = 120.0  # seconds: a busy machine takes long to start a process that imports torch


@pytest.fixture(scope="module")
def bench(trained: tuple[Workspace, Run], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    own = open_workspace(tmp_path_factory.mktemp("explaining") / "workspace")
    made = Bench(own, with_cells(own, trained[1]), trained[0])
    yield made
    made.explaining.close()


class Bench:
    def __init__(self, own: Workspace, run: Run, workspace: Workspace) -> None:
        self.cache = own.cache
        self.run = run
        self.explaining = Explaining(self.cache)
        self.store = workspace.database
        with open_store(workspace.database) as store:
            self.cases = store.predictions(run.run_id)

    def wish(self, number: int, method: str = "occlusion", target: str = "normal") -> Wish:
        return Wish(self.run, self.cases[number], method, target)

    def wait(self, who: str, wish: Wish) -> Explanation:
        answer = until(lambda: self.explaining.ask(who, wish), lambda one: one.explanation is not None)
        assert answer.explanation is not None
        return answer.explanation


def until(ask: Callable[[], Answer], enough: Callable[[Answer], bool]) -> Answer:
    end = time.monotonic() + PATIENCE
    while not enough(answer := ask()):
        assert time.monotonic() < end, answer
        time.sleep(0.002)
    return answer


def children() -> list[psutil.Process]:
    found = []
    for one in psutil.Process().children():
        with suppress(psutil.Error):  # it has just ended
            if "spawn_main" in " ".join(one.cmdline()):
                found.append(one)
    return found


@pytest.fixture
def let_go(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A method of several steps waits after its first until this file is there, however fast it would be."""
    monkeypatch.setattr(explaining, "_explain", half_way)
    gate = bench.run.folder / LET_GO
    gate.unlink(missing_ok=True)
    yield gate
    gate.touch()


def test_a_map_comes_from_another_process_with_its_share_on_the_way_and_at_once_the_second_time(
    bench: Bench, let_go: Path
) -> None:
    wish = bench.wish(0)
    began = time.monotonic()
    first = bench.explaining.ask("anna", wish)
    asking = time.monotonic() - began
    assert first.explanation is None
    shares = []

    def ask() -> Answer:
        shares.append(bench.explaining.ask("anna", wish))
        if shares[-1].share > 0:
            let_go.touch()
        return shares[-1]

    made = until(ask, lambda one: one.explanation is not None).explanation
    assert asking < 0.3 * (time.monotonic() - began)  # nobody waits for the process to start
    assert made is not None
    assert any(0 < one.share < 1 and one.begun for one in shares)
    assert [one.share for one in shares[:-1]] == sorted(one.share for one in shares[:-1])
    direct = explain_case(bench.run, wish.case, "occlusion", "normal", cache_dir=bench.cache / "other")
    assert np.allclose(made.heatmap, direct.heatmap, atol=2e-3)
    again = Explaining(bench.cache)  # another window, tomorrow: no process is needed for what was kept
    found = again.ask("ben", wish).explanation
    assert found is not None and np.array_equal(found.heatmap, made.heatmap)
    again.close()


def test_a_new_wish_takes_the_place_of_the_one_before_and_what_is_waited_for_goes_first(
    bench: Bench, let_go: Path
) -> None:
    bench.wait("anna", bench.wish(1, "grad-cam"))  # the process is warm
    left, ahead, wanted = bench.wish(2), bench.wish(3), bench.wish(4, "hirescam")
    until(lambda: bench.explaining.ask("anna", left), lambda one: one.begun)
    bench.explaining.ask("ben", ahead, ahead=True)
    bench.explaining.ask("anna", wanted)  # anna has left case 2: nobody wants it
    let_go.touch()
    bench.wait("anna", wanted)
    kept = Explaining(bench.cache)
    assert kept.ask("x", wanted).explanation is not None
    assert kept._kept.find(bench.run, left.case.image_id, "occlusion", "normal") is None
    kept.close()
    bench.wait("ben", ahead)  # which was asked for ahead, and is now


def test_two_readers_of_the_same_case_share_one_map_and_one_who_leaves_does_not_take_it_away(
    bench: Bench,
) -> None:
    wish = bench.wish(5)
    bench.explaining.ask("anna", wish)
    bench.explaining.ask("ben", wish)
    bench.explaining.drop("anna")
    assert bench.wait("ben", wish).image_id == wish.case.image_id


def test_what_was_dropped_stops_and_the_next_wish_is_answered(bench: Bench, let_go: Path) -> None:
    wish = bench.wish(6)
    until(lambda: bench.explaining.ask("anna", wish), lambda one: one.begun)
    bench.explaining.drop("anna")
    let_go.touch()
    bench.wait("anna", bench.wish(6, "grad-cam"))
    assert bench.explaining._kept.find(bench.run, wish.case.image_id, "occlusion", "normal") is None


def test_what_cannot_be_explained_is_said_and_tried_again_when_asked_again(
    bench: Bench, tmp_path: Path
) -> None:
    case = bench.cases[0]
    moved = replace(case, path=tmp_path / "film.png")
    wish = Wish(bench.run, moved, "smoothgrad", "opacity")

    def refused() -> Answer:
        try:
            return bench.explaining.ask("anna", wish)
        except ImageError as error:
            assert "film.png" in str(error)
            return Answer(share=2.0)

    until(refused, lambda one: one.share == 2.0)
    shutil.copy(case.path, moved.path)
    assert bench.wait("anna", wish).target == "opacity"


def test_a_process_that_dies_is_said_and_another_takes_its_place(bench: Bench) -> None:
    wish = bench.wish(7)
    until(lambda: bench.explaining.ask("anna", wish), lambda one: one.begun)
    for child in children():
        child.kill()

    def died() -> Answer:
        try:
            return bench.explaining.ask("anna", wish)
        except RunError as error:
            assert "ended" in str(error)
            return Answer(share=2.0)

    until(died, lambda one: one.share == 2.0 or one.explanation is not None)
    assert bench.wait("anna", bench.wish(7, "grad-cam")).method == "grad-cam"


def test_the_process_ends_when_nobody_wishes_for_anything(bench: Bench) -> None:
    bench.explaining.close()
    idle = Explaining(bench.cache, idle_seconds=0.2)
    wish = bench.wish(8, "grad-cam")
    until(lambda: idle.ask("anna", wish), lambda one: one.explanation is not None)
    end = time.monotonic() + PATIENCE
    while children() and time.monotonic() < end:
        time.sleep(0.1)
    assert not children()
    idle.close()  # waits for nothing of a process that is gone
    with pytest.raises(EngineError, match="no class"):
        until(lambda: idle.ask("anna", bench.wish(8, target="x")), lambda one: False)  # and it begins again
    idle.close()


def for_ever(_ticket: int, _wish: Wish) -> None:
    time.sleep(600)


def test_a_window_that_closes_does_not_wait_for_what_was_begun(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python would: at its own end it waits for the work of every process that it started so."""
    monkeypatch.setattr(explaining, "_explain", for_ever)  # a slow method
    closing = Explaining(tmp_path)
    before = {one.pid for one in children()}
    closing.ask("anna", bench.wish(0))
    (process,) = (one for one in children() if one.pid not in before)
    closing.close()
    process.wait(PATIENCE)


@pytest.mark.skipif(sys.platform == "win32", reason="a process is not killed like that there")
def test_the_process_ends_when_whoever_started_it_is_killed(bench: Bench, tmp_path: Path) -> None:
    program = tmp_path / "window.py"
    program.write_text(
        f"""
import sys, time
from pathlib import Path
from engine.jobs import Explaining, Wish
from engine.reading import open_store
from engine.runs import load_run

if __name__ == "__main__":
    run = load_run(Path({str(bench.run.folder)!r}))
    explaining = Explaining(Path({str(tmp_path)!r}))
    with open_store(Path({str(bench.store)!r})) as store:
        case = store.predictions(run.run_id)[0]
    while not explaining.ask("anna", Wish(run, case, "grad-cam", "normal")).explanation:
        time.sleep(0.05)
    print("made", flush=True)
    time.sleep(600)
"""
    )
    window = subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE, text=True)
    assert window.stdout is not None and window.stdout.readline() == "made\n"
    made = psutil.Process(window.pid).children(recursive=True)
    os.kill(window.pid, signal.SIGKILL)
    window.wait()
    _, alive = psutil.wait_procs(made, timeout=PATIENCE)
    assert not alive
