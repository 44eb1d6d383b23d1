"""Promises of engine.saliency.faithfulness: a map that looks at the finding scores, and one that does not fails."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from engine.errors import DataError
from engine.models.classifier import Classifier
from engine.records import Explanation
from engine.saliency.faithfulness import (
    SHARES,
    chance_level,
    deletion_insertion,
    energy_inside,
    forget,
    peak,
    pointing_game,
    random_places,
    rank_correlations,
)
from engine.saliency.methods import explain
from engine.statistics.proportions import wilson
from tests.planted import bright_film, reader_of_bright_places


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


@pytest.fixture
def reader() -> Classifier:
    return reader_of_bright_places()


@pytest.fixture
def films() -> torch.Tensor:
    return torch.from_numpy(np.stack([bright_film(seed)[0] for seed in range(6)]))[:, None].float() / 255


TARGETS = torch.ones(6, dtype=torch.int64)


def each_by(net):
    return lambda shown: [net(make()) for make in shown]


def test_taking_away_what_the_net_reads_costs_more_than_taking_away_the_rest(reader, films):
    true = explain(reader, films, TARGETS, "evidence-cam")
    orders = [list(true), list(-true), random_places(6, seed=0)]
    faithful, contrary, anywhere = deletion_insertion(each_by(reader), films, orders, TARGETS)
    assert faithful.deletion.shape == faithful.insertion.shape == (6, len(SHARES))
    for other in (contrary, anywhere):
        assert np.all(faithful.insertion.mean(axis=1) > other.insertion.mean(axis=1))
        assert np.all(faithful.deletion.mean(axis=1) < other.deletion.mean(axis=1))


def test_what_is_taken_away_is_blurred_and_the_rest_left_as_it_was(films):
    seen: list[torch.Tensor] = []

    def look(images: torch.Tensor) -> torch.Tensor:
        seen.append(images)
        return torch.zeros(len(images), 2)

    hot = [np.arange(64.0).reshape(8, 8)] * 6  # the last rows first
    deletion_insertion(each_by(look), films, [hot], TARGETS)
    for share, down, up in zip(SHARES, seen[: len(SHARES)], seen[len(SHARES) :], strict=True):
        taken = down != films
        assert float(taken.float().mean()) <= share + 1 / 1024
        assert taken[:, :, 16:].any() and not taken[:, :, :16].any()
        assert torch.equal(up[taken], films[taken]), "what one curve takes away the other gives back"


def test_only_the_order_of_places_counts(reader, films):
    true = explain(reader, films, TARGETS, "evidence-cam").astype(np.float64)
    orders = [list(true), list(60 * true - 7)]
    one, other = deletion_insertion(each_by(reader), films, orders, TARGETS)
    np.testing.assert_allclose(one.deletion, other.deletion, atol=1e-4)


def test_a_net_that_forgets_changes_its_maps_and_is_otherwise_as_large_as_it_was(reader, films):
    net = copy.deepcopy(reader)
    before = explain(net, films, TARGETS, "evidence-cam")
    for depth in (0.0, 1.0):
        found = []
        for seed in range(8):
            forget(net, reader, depth=depth, seed=seed)
            after = explain(net, films, TARGETS, "evidence-cam")
            found.append(rank_correlations(list(before), list(after)))
        assert np.mean(found) < 0.5
        for name, kept in reader.named_parameters():
            now = net.get_parameter(name)
            assert torch.equal(kept.flatten().sort().values, now.flatten().sort().values)
            if name.startswith("backbone") and depth == 0:
                assert torch.equal(kept, now), "only the head was to forget"


def test_a_deeper_forgetting_goes_on_from_a_shallower_one(reader):
    first, second = copy.deepcopy(reader), copy.deepcopy(reader)
    forget(first, reader, depth=0, seed=3)
    forget(second, reader, depth=1, seed=3)
    assert torch.equal(first.head.output.weight, second.head.output.weight)
    assert not torch.equal(first.backbone.net.weight, second.backbone.net.weight)
    forget(first, reader, depth=1, seed=3, forgotten=0)
    assert all(map(torch.equal, first.parameters(), second.parameters()))


def test_maps_that_say_nothing_are_alike_in_nothing():
    heat = np.random.default_rng(0).random((7, 7))
    broken = np.full((7, 7), np.nan)
    found = rank_correlations([heat, heat, heat, heat], [heat, -heat, np.zeros((7, 7)), broken])
    np.testing.assert_allclose(found, [1, -1, 0, 0], atol=1e-12)
