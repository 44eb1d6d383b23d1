"""How long a training will take is the sum of what its steps take, and is measured where it would run."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from engine.records import Augmentation, Phase
from engine.training import pace
from engine.training.pace import ImageCounts, Pace, PhasePace, expected_seconds, measure_pace
from tests.tiny import TINY_RECIPE, draw_films

HEAD = Phase(name="head", epochs=3, trainable="head", learning_rate=1e-3)
RECIPE = replace(TINY_RECIPE, phases=(HEAD, replace(HEAD, name="all", epochs=2, trainable="all")))
PACE = Pace(
    read=0.5,
    whole=0.25,
    phases=(PhasePace(bank=2.0, step=0.1, look=0.01), PhasePace(bank=None, step=7.0, look=3.0)),
)


@pytest.mark.parametrize(
    ("turned", "views", "banked"),
    [(0, 4, 100 + 48), (10, 4, 500 + 48), (10, 0, 100 + 48)],  # pictures as they are, and each turned view
)
def test_a_training_takes_what_its_steps_take(turned: int, views: int, banked: int) -> None:
    recipe = replace(RECIPE, augmentation=Augmentation(rotation=turned), views=views)
    images = ImageCounts(train=100, shown=130, val=48, test=30)
    reading = 15 + 0.5 * (100 + 48 + 30)
    learning = 3 * (0.1 * 130 + 0.01 * 48) + 2 * (7 * 130 + 3 * 48)
    told = 0.25 * (3 * (48 + 30) + 5 * 48 + 2000)  # predictions and maps, the maps' scale, their passport
    assert expected_seconds(recipe, PACE, images) == pytest.approx(reading + 2 * banked + learning + told)


def test_the_maps_scale_and_passport_take_no_more_of_many_images_and_less_of_few() -> None:
    still = replace(PACE, read=0.0, phases=(PhasePace(bank=None, step=0, look=0),) * 2)

    def looks(val: int) -> float:
        return (expected_seconds(RECIPE, still, ImageCounts(train=9, shown=9, val=val, test=0)) - 15) / 0.25

    assert looks(1000) == pytest.approx(3 * 1000 + 5 * 128 + 2000)
    assert looks(12) == pytest.approx(3 * 12 + 5 * 12 + 1000)


def test_a_phase_is_measured_on_the_bank_where_training_would_have_one(tmp_path: Path) -> None:
    films = sorted(draw_films(tmp_path / "films", patients=2).rglob("*.png"))

    def banks(**changes: object) -> list[bool]:
        found = measure_pace(
            replace(RECIPE, **changes),  # type: ignore[arg-type]
            2,
            films,
            images=10,
            cache_dir=tmp_path,
            device="cpu",
        )
        assert found.read > 0 < found.whole and all(each.step > 0 < each.look for each in found.phases)
        return [each.bank is not None and each.bank > 0 for each in found.phases]

    assert banks() == [True, False]
    turned = Augmentation(rotation=10)
    assert banks(augmentation=turned, views=2) == [True, False]
    assert banks(augmentation=turned) == [False, False]
    assert banks(phases=(replace(HEAD, cutmix=1.0), RECIPE.phases[1])) == [False, False]


def test_what_is_measured_is_the_net_with_the_weights_that_training_will_find_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The frozen part is converted once and kept under its weights: measuring with others would convert it twice."""

    def looked(net: nn.Module, given: tuple[torch.Tensor]) -> None:
        seen.append((len(given[0]), *extremes(given[0])))
        maps = [weight for weight in net.parameters() if weight.ndim == 4]
        assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in maps)

    def extremes(images: torch.Tensor) -> tuple[float, float]:
        return float(images.min()), float(images.max())

    asked: list[str] = []
    learning: list[bool] = []
    seen: list[tuple[int, float, float]] = []

    def loaded(classifier: nn.Module, weights: str, *, allow_downloads: bool) -> str:
        assert not allow_downloads  # a form that is looked at fetches nothing
        with torch.no_grad():
            for parameter in classifier.parameters():
                parameter.fill_(0.03125)
        asked.append(weights)
        classifier.register_forward_hook(lambda net, *_: learning.append(net.training))
        classifier.register_forward_pre_hook(looked)
        return weights

    frozen: list[set[float]] = []

    def features(net: nn.Module, **settings: object) -> nn.Module:
        frozen.append({float(value) for parameter in net.parameters() for value in parameter.unique()})
        return really(net, **settings)  # type: ignore[arg-type]

    really = pace.fast_features
    monkeypatch.setattr(pace, "load_pretrained", loaded)
    monkeypatch.setattr(pace, "fast_features", features)
    recipe = replace(RECIPE, augmentation=Augmentation(), phases=(HEAD,), weights="imagenet")
    measure_pace(recipe, 2, [], images=1, cache_dir=tmp_path, device="cpu")
    assert asked == ["imagenet"] and frozen == [{0.03125}]
    assert learning and not any(learning), "the whole net is measured as it predicts"
    assert {count for count, _, _ in seen} == {pace.BATCH}
    assert all(0 <= low < 0.1 and 0.9 < high <= 1 for _, low, high in seen)


def test_a_measured_step_learns_what_is_trained_and_leaves_nothing_behind() -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 2)).eval()
    frozen, trained = list(net[0].parameters()), list(net[2].parameters())
    for parameter in frozen:
        parameter.requires_grad_(False)
    reached: list[float] = []
    for parameter in trained:
        parameter.register_hook(lambda grad: reached.append(float(grad.abs().sum())))
    before = [parameter.clone() for parameter in net.parameters()]
    pace._learn(net, trained, torch.rand(8, 3))
    assert net.training and len(reached) == 2 and min(reached) > 0
    assert all(parameter.grad is None for parameter in net.parameters())  # or the next step would add to it
    assert all(torch.equal(old, new) for old, new in zip(before, net.parameters(), strict=True))
    seen: list[tuple[bool, bool, float]] = []
    net[0].register_forward_hook(
        lambda _, given, __: seen.append((net.training, torch.is_grad_enabled(), float(given[0].max())))
    )
    pace._look(net, torch.full((8, 3), 255, dtype=torch.uint8))
    net.train()
    pace._look_at_kept(net, torch.ones(8, 3))
    assert seen == [(False, False, 1.0)] * 2  # as validation looks


def test_a_batch_that_is_slow_is_measured_once_and_of_quick_ones_the_fastest_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def measured(*taken: float) -> tuple[float, int]:
        """Return what is said where batches take so long, and how many were run."""
        times, calls, now = iter(taken), [0], [0.0]

        def work() -> None:
            calls[0] += 1
            now[0] += next(times)

        monkeypatch.setattr(pace, "time", SimpleNamespace(monotonic=lambda: now[0]))
        return pace._seconds(work), calls[0]

    assert measured(9.0, 4.0, 1.0, 1.0) == (pytest.approx(4.0 / pace.BATCH), 2)
    assert measured(0.75, 0.5, 0.25, 0.25) == (pytest.approx(0.5 / pace.BATCH), 2)
    assert measured(0.5, 0.25, 0.125, 0.0625, 0.375) == (pytest.approx(0.0625 / pace.BATCH), 5)


def test_the_time_of_reading_is_that_of_an_image_that_could_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    films = sorted(draw_films(tmp_path / "films", patients=2).rglob("*.png"))
    films[0].write_bytes(b"no image")
    ticks = itertools.count(100.0, 6.0)
    monkeypatch.setattr(pace, "time", SimpleNamespace(monotonic=lambda: next(ticks)))
    assert len(films) == 4 and pace._reading(RECIPE, films) == pytest.approx(6 / 3)
    assert pace._reading(RECIPE, []) == pytest.approx(6)


def test_images_are_read_as_the_recipe_wants_them_and_weights_that_are_missing_change_no_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Path, dict[str, object]]] = []
    monkeypatch.setattr(pace, "load_image", lambda path, **more: asked.append((path, more)))
    monkeypatch.setenv("OVERREAD_WEIGHTS", str(tmp_path))
    recipe = replace(RECIPE, weights="imagenet", channels=1, fit="letterbox", phases=(RECIPE.phases[1],))
    found = measure_pace(recipe, 2, [tmp_path / "a"], images=1, cache_dir=tmp_path, device="cpu")
    assert asked == [(tmp_path / "a", {"size": 32, "channels": 1, "fit": "letterbox"})]
    assert found.phases[0].step > 0
