"""Indexing as folders grow: seconds must be in proportion, memory must stay."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.films import draw_films
from benchmarks.measuring import LeftOut, Row, Setting, in_process

PROGRAM = """
import sys, time
from pathlib import Path
from engine.data.index import index_data
started = time.perf_counter()
index = index_data(Path(sys.argv[1]))
taken = time.perf_counter() - started
assert len(index.samples) == int(sys.argv[2]), len(index.samples)
print(taken)
"""


def measure(setting: Setting) -> Iterator[Row | LeftOut]:
    """Measure; the films are small, because it is the number of files that is asked about."""
    first: tuple[float, float] | None = None
    for count in (100, 400) if setting.quick else (1000, 10_000, 100_000):
        folder = draw_films(setting.scratch / f"{count}", count, side=64, seed=count)
        seconds, memory = in_process(PROGRAM, str(folder), str(count))
        an_image = 1e3 * seconds / count
        if first is None:
            first = (an_image, memory)
            yield Row(
                work=f"indexing {count:,} films with duplicates looked for",
                ours=seconds,
                unit="s",
                quality=f"{an_image:.2f} ms a film, peak memory {memory:.0f} MB",
            )
            continue
        yield Row(
            work=f"indexing {count:,} films with duplicates looked for",
            ours=seconds,
            unit="s",
            peer="in proportion to the smallest folder",
            theirs=first[0] * count / 1e3,
            ratio=an_image / first[0],
            budget="linear; memory flat",
            met=an_image <= 1.25 * first[0] and memory <= 1.5 * first[1],
            quality=f"{an_image:.2f} ms a film, peak memory {memory:.0f} MB",
            note="the ratio is time a film over that of the smallest folder; met means ≤ 1.25 and memory ≤ 1.5 times",
        )
