"""Does the demonstration depend on its seed? `overread demo` with five seeds, each with its own split and training.

`python -m benchmarks steady`: mean and standard deviation over the seeds, of films of the one cohort that comes with
the program. What other cohorts give is in `pointing`.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measuring import LeftOut, Row, Setting, machine

ROOT = Path(__file__).parents[1]
SEEDS = 5
FIGURES = {
    "auc": "AUROC",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "pointing_game": "share of heatmap peaks on the finding",
}
LONGEST = 60.0
IDLE = 0.5  # a load up to which the computer counts as our own


def measure(setting: Setting) -> Iterator[Row | LeftOut]:
    """Measure."""
    seeds = range(1 if setting.quick else SEEDS)
    load = machine()["load before"]
    yield from rows([_demonstrated(setting.scratch, seed) for seed in seeds], load=load)


def rows(told: Sequence[Mapping[str, Any]], *, load: str) -> Iterator[Row | LeftOut]:
    """Return a row a figure, and one for the time.

    Args:
        told: What `overread demo --json` printed, of each seed.
        load: Programs that were at work before, as `benchmarks.measuring.machine` says it.
    """
    over = f"{len(told)} seeds" if len(told) > 1 else "1 seed"
    for name, words in FIGURES.items():
        values = [each[name] for each in told]
        yield Row(
            work=f"demonstration, test films: {words}, {over}",
            ours=statistics.mean(values),
            unit="on average",
            quality=f"{_deviation(values)}by seed {', '.join(f'{value:.3f}' for value in values)}",
        )
    seconds = [each["seconds_in_all"] for each in told]
    work = f"demonstration from its start to its figures, {over}"
    if load != "unknown" and float(load) > IDLE:
        yield LeftOut(work=work, reason=f"other programs were at work (load {load})")
        return
    yield Row(
        work=work,
        ours=statistics.median(seconds),
        unit="s",
        peer="the promised minute",
        theirs=LONGEST,
        ratio=LONGEST / statistics.median(seconds),
        budget="≤ 60 s",
        met=max(seconds) <= LONGEST,
        quality=f"by seed {', '.join(f'{value:.0f}' for value in seconds)}",
    )


def _deviation(values: Sequence[float]) -> str:
    return f"standard deviation {statistics.stdev(values):.3f}; " if len(values) > 1 else ""


def _demonstrated(scratch: Path, seed: int) -> Mapping[str, Any]:
    asked = ["demo", "--no-gui", "--json", "--seed", str(seed), "--workspace", str(scratch / f"seed-{seed}")]
    done = subprocess.run(
        [sys.executable, "-m", "gui", *asked], cwd=ROOT, check=False, capture_output=True, encoding="utf-8"
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    told: Mapping[str, Any] = json.loads(done.stdout)
    return told
