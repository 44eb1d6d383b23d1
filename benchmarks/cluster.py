"""Predicting a folder by the workers of a Ray cluster on this computer, beside one process without Ray.

Steady state: from the first piece that is done to the last, decoded images and converted nets found in the cache; what
it takes to the first piece is said beside it. In the last round a worker is killed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace

import numpy as np
import psutil

from benchmarks.films import films, share_of, short_run
from benchmarks.measuring import LeftOut, Row, Setting
from engine.cluster import predict_on
from engine.data import split_index
from engine.prediction import predict_and_explain
from engine.records import Explanation, Prediction

Told = Iterable[tuple[Prediction, Explanation | None]]


@dataclass
class _Watch:
    """When so many images were done."""

    began: float = field(default_factory=time.monotonic)
    seen: list[tuple[float, int]] = field(default_factory=list)
    kill: bool = False

    def __call__(self, done: int, of: int) -> None:
        self.seen.append((time.monotonic(), done))
        if self.kill and done > of / 3:
            self.kill = False
            kill_a_worker("Reader")

    @property
    def speed(self) -> float:
        """Images a second in steady state."""
        (first, before), (last, after) = self.seen[0], self.seen[-1]
        return (after - before) / (last - first)

    @property
    def start(self) -> float:
        """Seconds to the first images."""
        return self.seen[0][0] - self.began


def measure(setting: Setting) -> Iterator[Row | LeftOut]:
    """Measure."""
    count = 400 if setting.quick else 2000
    whole = split_index(films(setting, count), seed=0)
    samples = share_of([*whole.test, *whole.train, *whole.val], count)
    run = short_run(setting, replace(whole, train=share_of(whole.train, 64), val=share_of(whole.val, 22)))
    kept = setting.scratch / "kept"

    def told(reads: Callable[..., Told], kill: bool = False) -> tuple[_Watch, np.ndarray]:
        watch = _Watch(kill=kill)
        answers = [
            one.probabilities for one, _ in reads(run, samples, cache_dir=kept, method=None, progress=watch)
        ]
        return watch, np.array(answers)

    def on(workers: int) -> Callable[..., Told]:
        return lambda *given, **named: predict_on("ray", workers, *given, **named)

    told(predict_and_explain)
    told(on(1))
    told(on(2))  # each has its pieces in the cache from here on
    alone, same = told(predict_and_explain)
    starts, times = list[float](), list[float]()
    for workers, kill, budget in ((1, False, 0.9), (2, False, 0.0), (2, True, 0.0)):
        watch, answers = told(on(workers), kill)
        again, _ = told(predict_and_explain)  # before and after: others work on this computer as well
        theirs = (alone.speed + again.speed) / 2
        alone = again
        difference = float(np.abs(answers - same).max())
        if not kill:
            starts.append(watch.start)
            times.append(watch.speed / theirs)
        killed = ", one of them killed" if kill else ""
        yield Row(
            work=f"prediction of {len(samples):,} films by {workers} worker{'s' * (workers > 1)} of Ray{killed}",
            ours=watch.speed,
            unit="images/s",
            peer="one process without Ray",
            theirs=theirs,
            ratio=watch.speed / theirs,
            budget="≥ 0.9×, equal to 1e-6" if budget else "equal to 1e-6",
            met=watch.speed / theirs >= budget and difference <= 1e-6 and len(answers) == len(same),
            quality=f"largest difference in probability {difference:.1e}",
            note=f"steady state; {watch.start:.0f} s to the first images, {alone.start:.1f} s without Ray; "
            f"load {os.getloadavg()[0]:.0f}",
        )
    yield from _modelled(len(samples), alone.speed, starts, times)


def kill_a_worker(name: str) -> list[int]:
    """Kill the first worker of this process's cluster that is at a task; return its process id, or nothing."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if process.cmdline()[:1] and process.cmdline()[0].startswith(f"ray::{name}"):
                process.kill()
                return [process.pid]
    return []


def _modelled(images: int, alone: float, starts: list[float], times: list[float]) -> Iterator[Row | LeftOut]:
    """Say what more workers than were measured would give, by Amdahl's law from one worker and two.

    Args:
        images: How many.
        alone: Images a second of one process without Ray.
        starts: Seconds to the first images with one worker and with two; each further one is taken to cost as much as
            the second.
        times: How many times as fast as one process they were then.
    """
    gain = times[1] / times[0]
    if gain <= 1:
        yield LeftOut(
            work="a model of more workers",
            reason="two workers were no faster than one here: the cores are wanted by others",
        )
        return
    shared = min(1.0, 2 * (1 - 1 / gain))
    for workers in (4, 8, 16):
        speed = alone * times[0] / (1 - shared + shared / workers)
        start = starts[0] + max(0.0, starts[1] - starts[0]) * (workers - 1)
        yield Row(
            work=f"a model, not measured: {images:,} films by {workers} workers of Ray on {workers} cores",
            ours=speed,
            unit="images/s",
            quality=f"{start + images / speed:.0f} s for all of them",
            note=f"{shared:.0%} of the work taken to be shared, as with two workers; {start:.0f} s to the first images",
        )
