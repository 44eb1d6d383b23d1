"""Indexing as folders grow: seconds must be in proportion, memory must stay.

What a data set takes without the search for copies is measured by itself, and at a million images without reading them:
names and hashes only, which is all that grows.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

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

ALONE = """
import sys, time
from pathlib import Path
from engine.data.index import index_data
started = time.process_time()
index = index_data(Path(sys.argv[1]), near_duplicates=False)
taken = time.process_time() - started
assert len(index.samples) == int(sys.argv[2]), len(index.samples)
print(taken)
"""

# Files are empty: each is said to hold an image that is like no other, and the rest of indexing is as always.
NAMES = """
import hashlib
import engine.data.index as indexing
from engine.data.fingerprint import Scanned
def scan_all(paths, count, **_):
    for path in paths:
        yield Scanned(path=path, image_id=hashlib.sha256(path.name.encode()).hexdigest(), width=512, height=512)
indexing.scan_all = scan_all
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
        if count == (400 if setting.quick else 100_000):
            seconds, memory = in_process(ALONE, str(folder), str(count))
            yield _memory(f"indexing {count:,} films, no search for copies", seconds, memory, 120)
    count = 1000 if setting.quick else 1_000_000
    folder = _name_files(setting.scratch / "names", count)
    seconds, memory = in_process(NAMES + ALONE, str(folder), str(count))
    yield _memory(f"indexing {count:,} images, names and hashes only", seconds, memory, 200)


def _memory(work: str, seconds: float, memory: float, most: int) -> Row:
    return Row(
        work=f"peak memory: {work}",
        ours=memory,
        unit="MB",
        budget=f"≤ {most} MB",
        met=memory <= most,
        quality=f"{seconds:.1f} s of processor time",
        note="the whole process, with all that is imported",
    )


def _name_files(folder: Path, count: int) -> Path:
    """Write empty files with names of images in two class folders."""
    for name in ("normal", "opacity"):
        (folder / name).mkdir(parents=True)
    for number in range(count):
        (folder / ("normal" if number % 3 else "opacity") / f"{number:07d}.png").touch()
    return folder
