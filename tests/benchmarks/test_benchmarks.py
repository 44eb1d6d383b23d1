"""The harness measures, prints a row with its ratio, and keeps it; no promise here rests on how long anything takes."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks import against, catalogue, results, steady
from benchmarks.__main__ import main
from benchmarks.measuring import LeftOut, Row, in_process, interleaved, is_installed, not_installed

FACTS = {"processor": "Test", "cores": "2", "device": "CPU only", "date": "2026-01-01", "load before": "0"}


@pytest.fixture(autouse=True)
def kept_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "FOLDER", tmp_path / "results")


def test_a_benchmark_prints_its_figure_its_peers_the_ratio_and_the_budget(capsys):
    assert main(["review", "--quick"]) == 0
    printed = capsys.readouterr().out
    assert "review" in printed and "cores" in printed and "torch" in printed
    rows = [line for line in printed.splitlines() if "next case" in line]
    assert len(rows) == 6
    assert all("budget p50 ≤ 30 ms" in row and "p95 " in row for row in rows)
    assert "ratio " in rows[-1]
    assert not results.FOLDER.exists(), "what was tried out quickly is not kept"


def test_json_holds_the_machine_and_every_row(capsys, monkeypatch):
    def sums(_setting):
        took = interleaved({"short": lambda: sum(range(1000)), "long": lambda: sum(range(100_000))})
        ours, theirs = took["short"], took["long"]
        yield Row(work="a sum", ours=ours, unit="s", peer="a longer one", theirs=theirs, ratio=theirs / ours)
        yield LeftOut(work="a product", reason="nobody has written it")

    monkeypatch.setitem(catalogue.BENCHMARKS, "sums", sums)
    main(["sums", "--quick", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert {"processor", "cores", "device", "torch", "date"} <= set(found["machine"])
    row, left_out = found["benchmarks"]["sums"]
    assert row["peer"] == "a longer one" and row["ratio"] == pytest.approx(row["theirs"] / row["ours"])
    assert left_out["reason"] == "nobody has written it"


def test_the_table_shows_met_missed_and_left_out():
    rows = [
        Row(
            work="a",
            ours=1.0,
            unit="s",
            peer="b",
            theirs=3.0,
            ratio=3.0,
            budget="≥ 2×",
            met=True,
            note="as is",
        ),
        Row(work="c", ours=1234.0, unit="MB", budget="≤ 1 MB", met=False),
        LeftOut(work="d", reason="e is not installed"),
    ]
    results.save(FACTS, {"one": rows[:1]}, "synthetic films")
    results.save(FACTS, {"two": rows[1:]}, "synthetic films")  # beside what was measured before
    printed = results.table()
    assert "| a | 1 s | b: 3 s | 3× | ≥ 2× | yes | — |" in printed
    assert "| c | 1,234 MB | — | — | ≤ 1 MB | **no** | — |" in printed
    assert "- a beside b: as is." in printed
    assert "- d: left out, e is not installed." in printed


def test_the_table_has_each_machine_with_what_was_measured_last_of_each_benchmark():
    def measured(name: str, figure: float, **where: str) -> None:
        results.save(FACTS | where, {name: [Row(work=name, ours=figure, unit="s")]}, "synthetic films")

    measured("one", 1.0)
    measured("two", 2.0)
    measured("one", 3.0, date="2026-01-02")
    measured("one", 4.0, date="2026-01-03", device="a GPU")
    gpu, cpu = results.table().split("\n\nMeasured on ")
    assert gpu.startswith("Measured on 2026-01-03: Test, 2 cores, a GPU") and "| one | 4 s |" in gpu
    assert cpu.startswith("2026-01-01 to 2026-01-02: Test, 2 cores, CPU only")
    assert "| one | 3 s |" in cpu and "| two | 2 s |" in cpu and "| one | 1 s |" not in cpu


def test_an_unknown_name_is_refused_with_the_choices(capsys):
    with pytest.raises(SystemExit):
        main(["speed"])
    said = capsys.readouterr().err
    assert all(name in said for name in catalogue.BENCHMARKS)


def test_works_are_timed_turn_by_turn_and_the_first_turn_does_not_count():
    turns: list[str] = []

    def slow_at_first() -> None:
        time.sleep(0.2 if not turns else 0)
        turns.append("a")

    taken = interleaved({"a": slow_at_first, "b": lambda: turns.append("b")}, rounds=2)
    assert turns == ["a", "b"] * 3
    assert taken["a"] < 0.2


def test_memory_is_that_of_the_process_alone():
    ballast = bytearray(300_000_000)
    _, memory = in_process("print(0.5)")
    assert memory < 200, "the parent's memory counts with it"
    seconds, more = in_process("kept = b'x' * 100_000_000\nprint(0.5)")
    assert seconds == 0.5
    assert more > memory + 80
    del ballast


def test_a_commit_stands_beside_another_by_how_many_times_as_well_it_does():
    def row(work: str, ours: float, unit: str, peer: str = "") -> dict[str, object]:
        return asdict(Row(work=work, ours=ours, unit=unit, peer=peer, quality=f"AUC {ours}"))

    before = [row("a", 2.0, "s"), row("b", 10.0, "images/s", "p"), row("b", 10.0, "images/s", "q")]
    now = [
        row("a", 1.0, "s"),
        row("b", 30.0, "images/s", "p"),
        row("b", 30.0, "images/s", "q"),
        row("c", 1.0, "s"),
    ]
    faster, more, fresh = against.beside(now, before, "v1")
    assert isinstance(faster, Row) and isinstance(more, Row) and isinstance(fresh, LeftOut)
    assert (faster.ratio, faster.peer, faster.quality) == (2.0, "at v1", "AUC 1.0 was AUC 2.0")
    assert more.ratio == 3.0
    assert fresh.reason == "v1 has no such row"


def test_a_peer_that_is_missing_is_said_and_left_out():
    assert is_installed("numpy") and not is_installed("a_peer_that_nobody_wrote")
    line = results.line(not_installed("Grad-CAM", "grad-cam"))
    assert "left out, grad-cam is not installed: python -m pip install" in line


def test_how_steady_the_demonstration_is_is_a_mean_with_the_deviation_of_its_seeds():
    figures = {"sensitivity": 0.9, "specificity": 1.0, "pointing_game": 0.85}
    told = [{**figures, "auc": auc, "seconds_in_all": 2 * auc * 31} for auc in (0.9, 0.95, 1.0)]
    area, *_, seconds = steady.rows(told, load="0.1")
    assert area.work == "demonstration, test films: AUROC, 3 seeds"
    assert area.ours == pytest.approx(0.95)
    assert area.quality == "standard deviation 0.050; by seed 0.900, 0.950, 1.000"
    assert seconds.ours == pytest.approx(58.9)
    assert seconds.met is False, "one of the seeds took longer than the minute"


def test_a_busy_computer_does_not_say_how_long_the_demonstration_takes():
    told = [dict.fromkeys(steady.FIGURES, 0.9) | {"seconds_in_all": 131.0}]
    *figures, seconds = steady.rows(told, load="6.8")
    assert len(figures) == len(steady.FIGURES)
    assert isinstance(seconds, LeftOut) and "load 6.8" in seconds.reason
