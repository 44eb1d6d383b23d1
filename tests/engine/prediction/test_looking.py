"""What a net is given and what it is shown to have looked at are the same place, also in a letterbox and a mirror."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from PIL import Image, ImageOps
from torch import Tensor

from engine.data import index_folder
from engine.prediction import looking, predict_and_explain
from engine.prediction.looking import Look, Looker, Map, looks_at, on_image
from engine.records import Explanation, Prediction, Run, Sample
from engine.runs import load_map_settings
from engine.runs.folder import split_of
from engine.workspace import Workspace

SIDE = 56


def read(run: Run, samples: list[Sample], workspace: Workspace) -> list[tuple[Prediction, Explanation]]:
    settings = load_map_settings(run.folder)
    assert settings is not None
    told = predict_and_explain(run, samples, cache_dir=workspace.cache, device="cpu", method=settings.method)
    return [(prediction, explanation) for prediction, explanation in told if explanation is not None]


def log_odds(run: Run, prediction: Prediction) -> float:
    p = prediction.probabilities[run.classes.index(run.positive)]
    return math.log(p / (1 - p))


def mirrored(samples: list[Sample], folder: Path) -> list[Sample]:
    """Write the mirror images of samples; return them in their order."""
    folder.mkdir()
    for number, sample in enumerate(samples):
        ImageOps.mirror(Image.open(sample.path)).save(folder / f"{number:02d}.png")
    return sorted(index_folder(folder, near_duplicates=False).samples, key=lambda sample: sample.path)


def test_a_prediction_from_both_ways_is_the_mean_of_the_two(
    trained: tuple[Workspace, Run], workspace: Workspace, tmp_path: Path
) -> None:
    _, run = trained
    films = list(split_of(run).test[:4])
    others = mirrored(films, tmp_path / "mirrored")
    both = replace(run, recipe=replace(run.recipe, test_time_flip=True))
    plain, other = read(run, films, workspace), read(run, others, workspace)
    for one, two, (prediction, explanation) in zip(plain, other, read(both, films, workspace), strict=True):
        mean = (log_odds(run, one[0]) + log_odds(run, two[0])) / 2
        assert log_odds(run, prediction) == pytest.approx(mean, abs=1e-5)
        assert abs(log_odds(run, one[0]) - log_odds(run, two[0])) > 1e-4  # or this test says nothing
        heatmap = (one[1].heatmap + two[1].heatmap[:, ::-1]) / 2
        np.testing.assert_allclose(explanation.heatmap, heatmap, atol=1e-5)
        assert explanation.rest is not None
        inside = float(explanation.heatmap.astype(np.float64).mean())
        assert inside + explanation.rest == pytest.approx(log_odds(run, prediction), abs=1e-4)


def test_a_mirror_image_is_predicted_alike_from_both_ways(
    trained: tuple[Workspace, Run], workspace: Workspace, tmp_path: Path
) -> None:
    _, run = trained
    both = replace(run, recipe=replace(run.recipe, test_time_flip=True))
    films = list(split_of(run).test[:3])
    pairs = zip(
        read(both, films, workspace),
        read(both, mirrored(films, tmp_path / "mirrored"), workspace),
        strict=True,
    )
    for (prediction, explanation), (other, its) in pairs:
        assert log_odds(run, prediction) == pytest.approx(log_odds(run, other), abs=1e-4)
        np.testing.assert_allclose(explanation.heatmap, its.heatmap[:, ::-1], atol=1e-5)
        assert prediction.uncertainty is not None and other.uncertainty is not None
        assert prediction.uncertainty.variance == pytest.approx(other.uncertainty.variance, abs=1e-5)


def both(batch: Any, looks: Sequence[Look]) -> tuple[Any, list[Look]]:
    return batch, [*looks]


@pytest.fixture
def two_cores() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("at_once", [False, True])
def test_batches_ahead_are_the_engines_alone_and_end_with_what_reads_them(
    at_once: bool, two_cores: None
) -> None:
    """Two threads that use one of Apple's processors at once end the process, so one of them brings all images."""
    here = threading.get_ident()
    images_by: set[int] = set()
    engine_by: set[int] = set()
    told_by: set[int] = set()
    before = {*threading.enumerate()}

    def pixels(batch: Sequence[int]) -> Tensor:
        images_by.add(threading.get_ident())
        return torch.tensor(batch)

    def begin(images: Tensor) -> tuple[Tensor]:
        engine_by.add(threading.get_ident())
        if not images.is_meta and 70 in images:
            raise RuntimeError("out of memory")
        return (images * 2,)

    def finish(images: Tensor, known: tuple[Tensor, ...]) -> Look:
        told_by.add(threading.get_ident())
        return Look(images, known[0], lambda _: ())

    look = Looker(begin, finish, at_once=at_once)
    batches: Any = [[number, number + 1] for number in range(0, 80, 2)]
    seen: Any = looks_at([look, look], batches, pixels, both)
    for wanted in batches[:20]:
        batch, looks = next(seen)
        assert batch is wanted
        for one in looks:
            assert one.pooled.tolist() == wanted and one.logits.tolist() == [2 * each for each in wanted]
    assert images_by == {here} and here not in engine_by and len(engine_by) == 1
    assert (told_by == {here}) != at_once and not told_by & engine_by
    seen.close()
    assert {*threading.enumerate()} <= before
    with pytest.raises(RuntimeError, match="out of memory"):
        list(looks_at([look], batches, pixels, both))
    assert {*threading.enumerate()} <= before
    engine_by.clear()
    told_by.clear()
    list(looks_at([look], batches, lambda batch: pixels([*batch]).to("meta"), both))  # as any that is no CPU
    assert images_by == engine_by == told_by == {here}


def test_two_batches_are_told_of_at_once_each_on_half_of_the_cores_and_come_in_their_order(
    two_cores: None,
) -> None:
    together, cores = threading.Barrier(2), []

    def finish(images: Tensor, known: tuple[Tensor, ...]) -> Look:
        cores.append(torch.get_num_threads())
        together.wait(60)  # each waits for another: one after the other they would never end
        return Look(images, known[0], lambda _: ())

    look = Looker(lambda images: (images,), finish, at_once=True)
    batches: Any = [[number] for number in range(10)]
    seen = looks_at([look], batches, torch.tensor, lambda batch, looks: int(looks[0].pooled[0]))
    assert list(seen) == [*range(10)] and cores == [1] * 10
    assert torch.get_num_threads() == 2


def test_nets_on_which_something_is_hung_are_told_of_one_after_the_other(two_cores: None) -> None:
    at_work = threading.Lock()

    def finish(images: Tensor, known: tuple[Tensor, ...]) -> Look:
        assert at_work.acquire(blocking=False) and torch.get_num_threads() == 2
        at_work.release()
        return Look(images, known[0], lambda _: ())

    looks = [Looker(lambda images: (images,), finish, at_once=at_once) for at_once in (True, False)]
    batches: Any = [[number] for number in range(10)]
    assert len([*looks_at(looks, batches, torch.tensor, both)]) == 10


def test_who_stops_waits_for_the_net_at_work_and_for_no_further_one(
    monkeypatch: pytest.MonkeyPatch, two_cores: None
) -> None:
    stopped, asked, told = threading.Event(), [], []

    class Threads(ThreadPoolExecutor):
        def shutdown(self, *given: Any, **named: Any) -> None:
            stopped.set()
            super().shutdown(*given, **named)

    def first(images: Tensor) -> tuple[Tensor]:
        assert images[0] == 0 or stopped.wait(60)
        return (images,)

    def second(images: Tensor) -> tuple[Tensor]:
        asked.append(int(images[0]))
        return (images,)

    def tell(batch: Any, looks: Sequence[Look]) -> Any:
        told.append(batch)
        return batch

    monkeypatch.setattr(looking, "ThreadPoolExecutor", Threads)
    monkeypatch.setattr(looking, "thread_on", lambda cores: Threads(1))
    looks = [
        Looker(begin, lambda images, known: Look(images, images, lambda _: ()), at_once=True)
        for begin in (first, second)
    ]
    batches: Any = [[number] for number in range(5)]
    seen: Any = looks_at(looks, batches, torch.tensor, tell)
    assert next(seen) == [0]
    seen.close()
    assert asked == [0] and told == [[0]]


def sized(run: Run, width: int, height: int) -> tuple[Run, Sample]:
    boxed = replace(run, recipe=replace(run.recipe, fit="letterbox", image_size=224))
    return boxed, replace(split_of(run).test[0], width=width, height=height)


@given(
    width=st.integers(100, 900),
    height=st.integers(100, 900),
    across=st.floats(0.1, 0.9),
    down=st.floats(0.1, 0.9),
)
def test_a_place_in_the_square_is_the_same_place_on_the_letterboxed_image(
    trained: tuple[Workspace, Run], width: int, height: int, across: float, down: float
) -> None:
    run, sample = sized(trained[1], width, height)
    longest = max(width, height)
    x = 0.5 + (across - 0.5) * width / longest  # where the image's point lies in the square
    y = 0.5 + (down - 0.5) * height / longest
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] / SIDE + 0.5 / SIDE
    blob = np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * 0.05**2)).astype(np.float32)
    made = on_image(Map(blob, scale=1.0, rest=0.0), run, sample)
    row, column = np.unravel_index(made.heatmap.argmax(), made.heatmap.shape)
    assert abs((column + 0.5) / made.heatmap.shape[1] - across) <= 1.5 / made.heatmap.shape[1]
    assert abs((row + 0.5) / made.heatmap.shape[0] - down) <= 1.5 / made.heatmap.shape[0]
    cells_down, cells_across = made.heatmap.shape
    assert abs(cells_across / cells_down / (width / height) - 1) < 0.5 or min(made.heatmap.shape) < 4
    assert made.rest is not None
    assert float(made.heatmap.mean()) + made.rest == pytest.approx(float(blob.mean()), abs=1e-5)


def test_what_the_black_around_an_image_says_goes_into_the_rest_and_a_relative_map_keeps_its_maximum(
    trained: tuple[Workspace, Run],
) -> None:
    run, sample = sized(trained[1], 200, 100)
    around = np.zeros((SIDE, SIDE), dtype=np.float32)
    around[:10] = 7.0  # black above the image
    around[28, 28] = 1.0
    scaled = on_image(Map(around, scale=2.0, rest=0.5), run, sample)
    assert scaled.heatmap.max() <= 1.0 and scaled.scale == 2.0
    assert scaled.rest is not None
    assert float(scaled.heatmap.mean()) + scaled.rest == pytest.approx(0.5 + float(around.mean()), abs=1e-5)
    relative = on_image(Map(around / 7.0), run, sample)
    assert relative.heatmap.max() == pytest.approx(1.0) and relative.rest is None


def test_an_image_that_was_stretched_or_whose_size_is_unknown_keeps_its_map(
    trained: tuple[Workspace, Run],
) -> None:
    run, sample = sized(trained[1], 200, 100)
    made = Map(np.ones((SIDE, SIDE), dtype=np.float32))
    assert on_image(made, trained[1], sample) is made
    assert on_image(made, run, replace(sample, width=0)) is made
