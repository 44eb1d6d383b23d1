"""Promises of engine.images.cache: decoded once, equal to load_image, flat in memory, never silently wrong."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.errors import WorkspaceError
from engine.images.cache import open_cache, trim_images
from engine.images.pictures import kept_image
from engine.images.tensors import load_image
from engine.records import Sample


def make(folder: Path, count: int, side: int = 48) -> list[Sample]:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        pixels = np.random.default_rng(number).integers(0, 256, (side, side + 10, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return listed(folder, count)


def listed(folder: Path, count: int) -> list[Sample]:
    samples = []
    for number in range(count):
        path = folder / f"{number}.png"
        image_id = hashlib.sha256(path.read_bytes()).hexdigest()
        samples.append(Sample(path=path, image_id=image_id, label="a", patient_id=image_id))
    return samples


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    return make(tmp_path / "films", 40)


@pytest.mark.parametrize("channels", [1, 3])
def test_rows_are_what_load_image_gives(tmp_path: Path, samples: list[Sample], channels: int) -> None:
    cache = open_cache(tmp_path / "cache", samples, size=32, channels=channels)
    assert cache.images.shape == (40, 32, 32, channels) and cache.images.dtype == np.uint8
    for sample in samples:
        loaded = load_image(sample.path, size=32, channels=channels)  # type: ignore[arg-type]
        assert (cache.images[cache.row[sample.image_id]] == loaded).all()
    assert cache.rows(samples[5:8]).tolist() == [5, 6, 7]


def test_a_second_opening_reads_no_image(tmp_path: Path, samples: list[Sample]) -> None:
    first = open_cache(tmp_path / "cache", samples, size=32, channels=3).images[:].copy()
    for sample in samples:
        sample.path.unlink()
    assert (open_cache(tmp_path / "cache", samples, size=32, channels=3).images == first).all()


def test_other_images_another_order_or_another_size_make_another_cache(
    tmp_path: Path, samples: list[Sample]
) -> None:
    folders = {
        open_cache(tmp_path / "cache", chosen, size=size, channels=channels, fit=fit).folder
        for chosen, size, channels, fit in [
            (samples, 32, 3, "squash"),
            (samples[::-1], 32, 3, "squash"),
            (samples[1:], 32, 3, "squash"),
            (samples, 16, 3, "squash"),
            (samples, 32, 1, "squash"),
            (samples, 32, 3, "letterbox"),
        ]
    }
    assert len(folders) == 6


def test_images_that_fail_are_said_and_have_no_row(tmp_path: Path, samples: list[Sample]) -> None:
    samples[3].path.write_bytes(b"")
    samples[7].path.unlink()
    for _ in range(2):  # built, and read back
        cache = open_cache(tmp_path / "cache", samples, size=32, channels=3)
        assert len(cache.images) == 38 and len(cache.failed) == 2
        assert {issue.paths[0] for issue in cache.failed} == {samples[3].path, samples[7].path}
        assert samples[3].image_id not in cache.row
        assert (cache.images[cache.row[samples[39].image_id]] == load_image(samples[39].path, size=32)).all()
        assert len(cache.rows(samples)) == 38


def test_an_image_that_is_another_one_by_now_is_never_taken_for_the_first(
    tmp_path: Path, samples: list[Sample]
) -> None:
    samples[3].path.write_bytes(samples[4].path.read_bytes())
    cache = open_cache(tmp_path / "cache", samples, size=32, channels=3)
    assert samples[3].image_id not in cache.row
    assert [issue.message for issue in cache.failed] == [
        "3.png has changed since it was indexed; it was left out"
    ]


def test_nothing_at_all_is_an_empty_cache(tmp_path: Path) -> None:
    assert open_cache(tmp_path, [], size=32, channels=3).images.shape == (0, 32, 32, 3)


def cut(pixels: Path) -> None:
    pixels.write_bytes(pixels.read_bytes()[:-1])


def flip(pixels: Path) -> None:
    data = bytearray(pixels.read_bytes())
    data[len(data) // 2] ^= 1
    pixels.write_bytes(data)


def garble(pixels: Path) -> None:
    (pixels.parent / "about.json").write_text('{"rows":')


def lose(pixels: Path) -> None:
    pixels.unlink()


@pytest.mark.parametrize("damage", [cut, flip, garble, lose])
def test_damage_is_noticed_and_mended(tmp_path: Path, samples: list[Sample], damage: object) -> None:
    cache = open_cache(tmp_path / "cache", samples, size=32, channels=3)
    whole = cache.images[:].copy()
    pixels = cache.folder / "pixels.bin"
    del cache
    damage(pixels)  # type: ignore[operator]
    again = open_cache(tmp_path / "cache", samples, size=32, channels=3)
    assert (again.images == whole).all()


def build_in_process(folder: str) -> int:
    """Count the images this process decoded itself."""
    decoded: list[int] = []
    open_cache(
        Path(folder) / "cache",
        listed(Path(folder) / "films", 40),
        size=32,
        channels=3,
        progress=lambda done, _: decoded.append(done),
    )
    return max(decoded, default=0)


def test_two_processes_build_it_once(tmp_path: Path) -> None:
    make(tmp_path / "films", 40)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=spawn) as pool:
        built = list(pool.map(build_in_process, [str(tmp_path)] * 2))
    assert sorted(built) == [0, 40]


def test_a_build_that_is_killed_leaves_nothing_that_is_taken_for_whole(tmp_path: Path) -> None:
    samples = make(tmp_path / "films", 40)
    program = (
        "import sys, os, signal, pathlib\n"
        "from engine.images.cache import open_cache\nfrom engine.records import Sample\n"
        "paths = [line.split() for line in sys.stdin.read().splitlines()]\n"
        "samples = [Sample(path=pathlib.Path(p), image_id=i, label='a', patient_id=i) for p, i in paths]\n"
        "def die(done, total):\n    os.kill(os.getpid(), 9)\n"
        "open_cache(pathlib.Path(sys.argv[1]), samples, size=32, channels=3, progress=die)\n"
    )
    listed = "\n".join(f"{sample.path} {sample.image_id}" for sample in samples)
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path / "cache")], input=listed, text=True)
    assert killed.returncode != 0
    assert list((tmp_path / "cache" / "images").glob(".making-*"))
    cache = open_cache(tmp_path / "cache", samples, size=32, channels=3)
    assert (cache.images[39] == load_image(samples[39].path, size=32)).all()
    assert not list((tmp_path / "cache" / "images").glob(".making-*"))


def test_memory_does_not_grow_with_the_folder(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="peak memory is measured by getrusage")
    del resource
    make(tmp_path / "films", 1)
    program = (
        "import hashlib, sys, resource, pathlib\n"
        "from engine.images.cache import open_cache\nfrom engine.records import Sample\n"
        "folder = pathlib.Path(sys.argv[1]) / 'films'\n"
        "film = (folder / '0.png').read_bytes()\n"
        "def sample(n):\n"
        "    path, data = folder / f'{n}.png', film + n.to_bytes(4, 'big')\n"
        "    path.write_bytes(data)\n"
        "    return Sample(path=path, image_id=hashlib.sha256(data).hexdigest(), label='a', patient_id='p')\n"
        "def run(count, size):\n"
        "    samples = [sample(n) for n in range(count)]\n"
        "    cache = open_cache(pathlib.Path(sys.argv[1]) / 'cache', samples, size=size, channels=3, workers=2)\n"
        "    assert not cache.failed\n"
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = run(300, 128)\nafter = run(2400, 128)\n"
        "print((after - before) / (1 if sys.platform == 'darwin' else 1 / 1024))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 40e6  # 2,400 images are 118 MB of pixels


def test_a_folder_that_cannot_be_written_gets_a_sentence(tmp_path: Path, samples: list[Sample]) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(WorkspaceError):
        open_cache(tmp_path / "cache", samples, size=32, channels=3)


def test_a_disk_that_is_too_small_gets_a_sentence_before_anything_is_decoded(
    tmp_path: Path, samples: list[Sample]
) -> None:
    with pytest.raises(WorkspaceError, match=r"GB, and the disk .* free"):
        open_cache(tmp_path / "cache", samples, size=4_000_000, channels=3)
    assert not [path for path in (tmp_path / "cache" / "images").iterdir() if path.is_dir()]


def test_what_was_not_used_for_longest_is_evicted_first(tmp_path: Path, samples: list[Sample]) -> None:
    cache_dir = tmp_path / "cache"
    old, used, new = (
        open_cache(cache_dir, samples[start:], size=32, channels=3).folder for start in range(3)
    )
    kept_image(cache_dir, samples[0].path, samples[0].image_id)
    (film,) = cache_dir.glob("films/*/*.png")
    for age, folder in ((300, old), (200, used), (100, new)):
        os.utime(folder / "about.json", (time.time() - age,) * 2)
    os.utime(film, (time.time() - 250,) * 2)
    open_cache(cache_dir, samples, size=32, channels=3)  # `old` is used again, the film is the oldest now

    assert trim_images(cache_dir, 10**9) == 0
    total = sum(path.stat().st_size for path in cache_dir.rglob("*") if path.is_file())
    freed = trim_images(cache_dir, total - film.stat().st_size - 1)
    assert freed > 0 and not film.exists() and not used.exists()
    assert old.exists() and new.exists()
    trim_images(cache_dir, 0)
    assert not old.exists() and not new.exists()


def test_the_description_on_disk_is_small_however_many_images(tmp_path: Path, samples: list[Sample]) -> None:
    cache = open_cache(tmp_path, samples, size=32, channels=3)
    assert set(json.loads((cache.folder / "about.json").read_text())) == {
        "schema_version",
        "rows",
        "failed",
        "checksums",
    }
