"""A run's passport as a file: what was saved is read, and it applies to the maps it was made for alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import RunError
from engine.records import Estimate, MapFigure, MapSettings, Passport
from engine.runs.heatmaps import save_map_settings
from engine.runs.passports import load_passport, passport_of, save_passport

SETTINGS = MapSettings(method="two-scale-cam", scale=3.0, cases=9, grids=(), reasons=("why",))
FIGURE = MapFigure(
    name="pointing",
    estimate=Estimate(value=0.9, low=0.7, high=0.97, method="Wilson", n=20, patients=8, effective_n=15.5),
    limit=0.5,
)
PASSPORT = Passport(
    method="two-scale-cam", settings=SETTINGS, images=40, of=60, seed=0, seconds=5.25, figures=(FIGURE,),
    reasons={"outside": "no body"},
)  # fmt: skip


@pytest.mark.parametrize("passport", [PASSPORT, replace(PASSPORT, settings=None, figures=(), reasons={})])
def test_what_was_saved_is_read(tmp_path: Path, passport: Passport) -> None:
    save_passport(tmp_path, passport)
    assert load_passport(tmp_path) == passport


def test_it_applies_to_the_maps_it_was_made_for_alone(tmp_path: Path) -> None:
    assert passport_of(tmp_path, "two-scale-cam")[0] is None
    save_passport(tmp_path, PASSPORT)
    assert "made otherwise since" in passport_of(tmp_path, "two-scale-cam")[1]
    save_map_settings(tmp_path, SETTINGS)
    assert passport_of(tmp_path, "two-scale-cam") == (PASSPORT, "")
    assert "does not apply" in passport_of(tmp_path, "grad-cam")[1]
    save_map_settings(tmp_path, replace(SETTINGS, scale=4.0))
    assert passport_of(tmp_path, "two-scale-cam")[0] is None


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("figures", 0, "estimate", "low"), 0.95),
        (("figures", 0, "estimate", "value"), None),
        (("figures", 0, "limit"), "half"),
        (("images",), -1),
        (("settings", "scale"), 0),
        (("reasons",), ["no body"]),
    ],
)
def test_a_damaged_one_is_named(tmp_path: Path, place: tuple[str | int, ...], value: object) -> None:
    save_passport(tmp_path, PASSPORT)
    document = json.loads((tmp_path / "passport.json").read_text())
    inner = document
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    (tmp_path / "passport.json").write_text(json.dumps(document))
    with pytest.raises(RunError, match=r"passport\.json is damaged"):
        load_passport(tmp_path)
    passport, why = passport_of(tmp_path, "two-scale-cam")
    assert passport is None and "passport.json is damaged" in why
