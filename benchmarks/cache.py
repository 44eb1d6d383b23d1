"""Decoding every film once, beside decoding in a plain loop; and opening what was decoded before."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.films import draw_films
from benchmarks.measuring import LeftOut, Row, Setting, in_process

FILMS = """
import hashlib, sys, time
from pathlib import Path
from engine.records import Sample
paths = sorted(Path(sys.argv[1]).rglob("*.jpg"))
"""
OURS = (
    FILMS
    + """
from engine.images.cache import open_cache
ids = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
samples = [Sample(path=path, image_id=i, label=None, patient_id=i) for path, i in zip(paths, ids)]
started = time.perf_counter()
open_cache(Path(sys.argv[2]), samples, size=224, channels=3)
print(time.perf_counter() - started)
"""
)
LOOP = (
    FILMS
    + """
import numpy as np
from PIL import Image
started = time.perf_counter()
kept = [np.asarray(Image.open(path).convert("RGB").resize((224, 224), Image.BILINEAR)) for path in paths]
print(time.perf_counter() - started)
"""
)


def measure(setting: Setting) -> Iterator[Row | LeftOut]:
    """Measure."""
    side = 256 if setting.quick else 512
    for count in (40, 80) if setting.quick else (500, 4000):
        folder = draw_films(setting.scratch / f"{count}", count, side=side)
        cache = setting.scratch / f"cache-{count}"
        loop, loop_memory = in_process(LOOP, str(folder))
        ours, memory = in_process(OURS, str(folder), str(cache))
        again, _ = in_process(OURS, str(folder), str(cache))
        yield Row(
            work=f"decoding {count:,} films of {side} pixels",
            ours=ours,
            unit="s",
            peer="Pillow in a loop, kept in memory",
            theirs=loop,
            ratio=loop / ours,
            quality=f"peak memory {memory:.0f} MB beside {loop_memory:.0f} MB",
            note=f"once decoded, opening them takes {1e3 * again:.0f} ms",
        )
