"""From naming a folder to the proposal of how it would be read: names alone, with a row of a table for each image."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.measuring import LeftOut, Row, Setting, in_process

BUDGET = 5.0
PROGRAM = """
import sys, time
from pathlib import Path
from engine.data import propose
began, busy = time.perf_counter(), time.process_time()
proposal = propose(Path(sys.argv[1]))
taken, busy = time.perf_counter() - began, time.process_time() - busy
assert proposal.images == int(sys.argv[2]), proposal.images
print(busy if sys.argv[3] == "busy" else taken)
"""
_FINDINGS = ("No Finding", "Effusion", "Nodule", "Effusion|Nodule")


def measure(setting: Setting) -> Iterator[Row | LeftOut]:
    """Measure; the files hold nothing, because none of them is read."""
    count = 2000 if setting.quick else 100_000
    folder = _lay_out(setting.scratch / "cohort", count)
    for name, work in ((".", "in folders beside their table"), ("Data_Entry.csv", "of a table named itself")):
        seconds, memory = in_process(PROGRAM, str(folder / name), str(count), "taken")
        busy, _ = in_process(PROGRAM, str(folder / name), str(count), "busy")
        yield Row(
            work=f"proposal for {count:,} images {work}",
            ours=seconds,
            unit="s",
            budget=f"≤ {BUDGET:.0f} s",
            met=seconds <= BUDGET,
            quality=f"{busy:.2f} s of processor time, peak memory {memory:.0f} MB",
        )


def _lay_out(folder: Path, count: int) -> Path:
    """Lay out files and their table as NIH ChestX-ray14 has them."""
    rows = ["Image Index,Finding Labels,Patient ID,Patient Age,Patient Gender,View Position\n"]
    for number in range(count):
        name = f"{number // 4:08d}_{number % 4:03d}.png"
        images = folder / f"images_{number // 10_000 + 1:03d}" / "images"
        if number % 10_000 == 0:
            images.mkdir(parents=True)
        (images / name).touch()
        person = number // 4
        rows.append(f"{name},{_FINDINGS[number % 4]},{person},{20 + person % 60},{'FM'[person % 2]},PA\n")
    (folder / "Data_Entry.csv").write_text("".join(rows), encoding="utf-8")
    return folder
