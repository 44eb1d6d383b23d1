"""Promises of engine.saliency.faithfulness: a map that looks at the finding scores, and one that does not fails."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import nn

from engine.errors import DataError
from engine.models.classifier import Classifier, ClassifierHead
from engine.records import Explanation, Head
from engine.saliency.faithfulness import (
    chance_level,
    deletion_insertion,
    energy_inside,
    peak,
    pointing_game,
    randomisation_check,
)
from engine.saliency.methods import explain
from engine.statistics.proportions import wilson


def explanation(heatmap: np.ndarray, image_id: str = "a") -> Explanation:
    return Explanation(
        image_id=image_id, heatmap=heatmap.astype(np.float32), target="opacity", method="grad-cam"
    )


def lesions(count: int = 40, cells: int = 7, size: int = 224) -> tuple[dict, dict]:
    """Maps with one hot cell, and masks of lesions no larger than that cell, none of them on a symmetry axis."""
    rng = np.random.default_rng(0)
    cell = size // cells
    maps, masks = {}, {}
    while len(maps) < count:
        row, column = rng.integers(0, cells, 2)
        if row == column or cells // 2 in (row, column) or row + column == cells - 1:
            continue
        name = f"case-{len(maps)}"
        heat = rng.random((cells, cells)) * 0.3
        heat[row, column] = 1
        mask = np.zeros((size, size), dtype=bool)
        mask[row * cell : (row + 1) * cell, column * cell : (column + 1) * cell] = True
        maps[name], masks[name] = explanation(heat, name), mask
    return maps, masks


def changed(maps: dict, change) -> dict:
    return {name: explanation(np.ascontiguousarray(change(e.heatmap)), name) for name, e in maps.items()}


def test_a_peak_on_the_lesion_is_a_hit():
    maps, masks = lesions()
    assert pointing_game(maps, masks) == wilson(40, 40)


@pytest.mark.parametrize(
    "change",
    [
        np.fliplr,
        np.flipud,
        np.transpose,
        lambda heat: np.rot90(heat, 2),
        lambda heat: np.roll(heat, 1, axis=0),
        lambda heat: np.roll(heat, -1, axis=1),
    ],
    ids=["mirrored", "upside down", "transposed", "turned", "one cell down", "one cell left"],
)
def test_a_heatmap_that_is_flipped_transposed_or_shifted_misses(change):
    maps, masks = lesions()
    assert pointing_game(changed(maps, change), masks).value == 0


def test_half_a_cell_of_shift_is_noticed():
    # A lesion of half a cell, in the cell's middle: upsampling that aligned corners would miss most of these.
    maps, masks = lesions()
    for name, mask in masks.items():
        rows, columns = np.nonzero(mask)
        small = np.zeros_like(mask)
        small[rows.min() + 8 : rows.max() - 7, columns.min() + 8 : columns.max() - 7] = True
        masks[name] = small
        moved = np.roll(small, (17, -17), axis=(0, 1))
        assert not moved[peak(maps[name].heatmap, *small.shape)]
    assert pointing_game(maps, masks).value == 1


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 9), st.integers(2, 9), st.integers(40, 90), st.integers(40, 90), st.data())
def test_the_peak_lies_in_the_hottest_cell_of_any_map_on_any_image(h, w, height, width, data):
    row, column = data.draw(st.integers(0, h - 1)), data.draw(st.integers(0, w - 1))
    heat = np.zeros((h, w))
    heat[row, column] = 0.4
    at_row, at_column = peak(heat, height, width)
    assert abs((at_row + 0.5) / height * h - (row + 0.5)) <= 0.5 + h / height
    assert abs((at_column + 0.5) / width * w - (column + 0.5)) <= 0.5 + w / width


def test_a_map_without_a_peak_misses_even_where_everything_is_lesion():
    everything = {"a": np.ones((32, 32), dtype=bool)}
    assert pointing_game({"a": explanation(np.zeros((7, 7)))}, everything).value == 0
    assert pointing_game({"a": explanation(np.full((7, 7), 0.5))}, everything).value == 0


def test_tolerance_is_a_distance_from_the_lesion_as_a_share_of_the_longer_side():
    mask = np.zeros((100, 200), dtype=bool)
    mask[50, 100] = True
    heat = np.zeros((10, 20))
    heat[5, 12] = 1  # its centre is 4.5 rows and 24.5 columns away
    maps = {"a": explanation(heat)}
    assert pointing_game(maps, {"a": mask}, tolerance=0.14).value == 1
    assert pointing_game(maps, {"a": mask}, tolerance=0.09).value == 0


def test_guessing_hits_as_often_as_the_lesion_is_large():
    mask = np.zeros((10, 10), dtype=bool)
    mask[:3, :4] = True
    other = np.zeros((10, 10), dtype=bool)
    other[0, 0] = True
    assert chance_level(
        {"a": mask, "b": other, "no finding": np.zeros((10, 10), dtype=bool)}
    ) == pytest.approx(0.065)


def test_films_of_one_patient_widen_the_interval():
    maps, masks = lesions(20)
    missed = changed({name: maps[name] for name in list(maps)[:10]}, np.fliplr)
    half = {**maps, **missed}
    patients = {name: "p1" if name in missed else f"p{at}" for at, name in enumerate(maps)}
    alone, clustered = pointing_game(half, masks), pointing_game(half, masks, patients=patients)
    assert alone.value == clustered.value == 0.5
    assert clustered.high - clustered.low > alone.high - alone.low


def test_energy_is_the_share_of_heat_on_the_lesion():
    heat = np.zeros((8, 8))
    heat[:4, :] = 1
    mask = np.zeros((80, 80), dtype=bool)
    mask[:, :40] = True
    found = energy_inside(
        {"a": explanation(heat), "flat": explanation(np.zeros((8, 8)))}, {"a": mask, "flat": mask}
    )
    assert found["a"] == pytest.approx(0.5, abs=1e-6)
    assert found["flat"] == 0


def test_nothing_to_score_is_said():
    with pytest.raises(DataError, match="mask"):
        pointing_game({"a": explanation(np.eye(7))}, {"b": np.ones((4, 4), dtype=bool)})
    with pytest.raises(DataError, match="mask"):
        energy_inside({"a": explanation(np.eye(7))}, {"a": np.zeros((4, 4), dtype=bool)})


# -------------------------------------------------------------------------------- a net that reads one bright place


class Brightness(nn.Module):
    channels, mean, std, default_size = 2, (0.0,), (1.0,), 32

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Conv2d(1, 2, 4, 4, bias=False)
        with torch.no_grad():
            self.net.weight[0].fill_(1 / 16)  # brightness
            self.net.weight[1].copy_(torch.linspace(-1, 1, 16).view(1, 4, 4) / 16)  # texture

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x).relu()


@pytest.fixture
def reader() -> Classifier:
    head = ClassifierHead(Head(), map_shape=(2, 8, 8), n_classes=2)
    with torch.no_grad():
        head.output.weight.copy_(torch.tensor([[-40.0, 3.0], [40.0, -2.0]]))
        head.output.bias.copy_(torch.tensor([3.0, -3.0]))
    return Classifier(Brightness(), head, channels=1).eval()


@pytest.fixture
def films() -> torch.Tensor:
    rng = np.random.default_rng(4)
    images = rng.random((6, 1, 32, 32)) * 0.1
    for image in images:
        top, left = rng.integers(0, 24, 2)
        image[0, top : top + 8, left : left + 8] = 0.9
    return torch.from_numpy(images.astype(np.float32))


def test_taking_away_what_the_net_reads_costs_more_than_taking_away_the_rest(reader, films):
    targets = torch.ones(6, dtype=torch.int64)
    true = explain(reader, films, targets)
    faithful = deletion_insertion(reader, films, true, targets)
    contrary = deletion_insertion(reader, films, 1 - true, targets)
    assert np.all(faithful.insertion_auc > contrary.insertion_auc)
    assert np.all(faithful.deletion_auc < contrary.deletion_auc)
    probability = reader(films).softmax(1)[:, 1].detach().numpy()
    assert faithful.fraction[[0, -1]].tolist() == [0, 1]
    assert np.allclose(faithful.deletion[:, 0], probability, atol=1e-6)
    assert np.allclose(faithful.insertion[:, -1], probability, atol=1e-6)
    assert np.allclose(faithful.insertion[:, 0], faithful.deletion[:, -1], atol=1e-6)


def test_a_net_that_forgets_changes_its_maps_and_one_that_does_not_keeps_them(reader, films):
    targets = torch.ones(6, dtype=torch.int64)
    before = {name: value.clone() for name, value in reader.state_dict().items()}
    forgetful = randomisation_check(reader, films, targets, "grad-cam", seed=1)
    assert forgetful.shape == (6,)
    assert np.all(np.abs(forgetful) <= 1)
    assert np.abs(forgetful).mean() < 0.95
    assert all(torch.equal(before[name], value) for name, value in reader.state_dict().items())
    with torch.no_grad():  # nothing to forget: every value of a parameter is the same
        for parameter in reader.parameters():
            parameter.fill_(0.3)
    assert np.allclose(randomisation_check(reader, films, targets, "grad-cam"), 1)
