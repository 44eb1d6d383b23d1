"""What a benchmark gives, and how time and memory are taken.

Peers are timed turn by turn with ours, so that a machine that is slow for a minute is slow for both, and each figure
is the median of its turns.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

VERSIONS = (
    "overread", "torch", "timm", "openvino", "numpy", "scikit-learn", "gradio", "sqlalchemy", "fastai", "grad-cam",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table.

    Attributes:
        work: What was done, with its amount.
        ours: Our figure.
        unit: Of both figures, e.g. "s" or "images/s".
        peer: What stands beside: a peer's name, or the limit's.
        theirs: The peer's figure; None where there is no peer.
        ratio: How many times as well as the peer we do; None where there is no peer.
        budget: As section 8 of the design words it; empty where it has none.
        met: Whether the budget is met; None where there is none.
        quality: What must not be lost for speed: AUC, or the largest difference.
        note: How the figures came about, where that is not plain.
    """

    work: str
    ours: float
    unit: str
    peer: str = ""
    theirs: float | None = None
    ratio: float | None = None
    budget: str = ""
    met: bool | None = None
    quality: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A line that could not be measured, and why."""

    work: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a benchmark runs on.

    Attributes:
        scratch: An empty folder of its own.
        data: Real films (a folder, or one with a manifest.csv); None means synthetic ones.
        quick: Small enough to try the benchmark out; its figures mean little.
    """

    scratch: Path
    data: Path | None = None
    quick: bool = False


def interleaved(works: Mapping[str, Callable[[], object]], *, rounds: int = 5) -> dict[str, float]:
    """Time each work once a round, after one round that is not counted; return the median seconds of each."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(rounds + 1):
        for name, work in works.items():
            started = time.perf_counter()
            work()
            if turn:
                seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def seconds_of(work: Callable[[], object]) -> float:
    """Time one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value below which a share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def in_process(program: str, *arguments: str) -> tuple[float, float]:
    """Run a program's text in a separate process.

    The program prints the seconds it counts as its last line.

    Returns:
        Those seconds, and the process's peak memory in MB.
    """
    # Linux lets a process begin with its parent's peak in ru_maxrss, not in VmHWM.
    peak = """
import re, sys
from pathlib import Path
if sys.platform == "linux":
    peak = 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
elif sys.platform == "win32":
    import psutil
    peak = psutil.Process().memory_info().peak_wset
else:
    import resource
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(peak)
"""
    done = subprocess.run(
        [sys.executable, "-c", program + peak, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[1],
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    seconds, memory = done.stdout.split()[-2:]
    return float(seconds), float(memory) / 1e6


def is_installed(module: str) -> bool:
    """Tell whether a peer can be imported."""
    return importlib.util.find_spec(module) is not None


def not_installed(work: str, peer: str) -> LeftOut:
    """Say that a peer is missing."""
    return LeftOut(work=work, reason=f"{peer} is not installed: python -m pip install -e '.[bench]'")


def machine() -> dict[str, str]:
    """Return what the figures were taken on, and with."""
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU only"
    try:
        load = f"{os.getloadavg()[0]:.1f}"
    except (AttributeError, OSError):  # Windows
        load = "unknown"
    return {
        "date": date.today().isoformat(),
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "threads": str(torch.get_num_threads()),
        "device": device,
        "system": f"{platform.system()} {platform.machine()}",
        "load before": load,
        "python": platform.python_version(),
        **{name: found for name in VERSIONS if (found := _version(name))},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
