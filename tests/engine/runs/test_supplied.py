"""A run of supplied predictions: what is kept of it, and what it refuses."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.errors import RunError
from engine.records import MAP_AS_SUPPLIED, Calibration, Run, Supplied, recipe_of
from engine.runs import load_classifier, load_run, passport_of, save_run, save_supplied
from tests.tiny import TINY_RECIPE

SUPPLIED = Supplied(
    model="Vendor X",
    version="2.1",
    file="scores.csv",
    sha256="ab" * 32,
    content="cd" * 32,
    remarks=("percent",),
)


def supplied_run(folder: Path) -> Run:
    return Run(
        run_id=folder.name,
        folder=folder,
        dataset_id="0" * 12,
        dataset_name="films",
        recipe=None,
        classes=("normal", "opacity"),
        positive="opacity",
        threshold=0.4,
        calibration=Calibration(),
        weights_source="",
        device="",
        created=datetime(2026, 11, 26, tzinfo=UTC),
        seconds=0.0,
        parameters=0,
        trained_parameters=0,
        supplied=SUPPLIED,
    )


@pytest.fixture
def kept(tmp_path: Path) -> Run:
    run = supplied_run(tmp_path / "20261126-071500-ab12")
    run.folder.mkdir()
    save_supplied(run.folder, SUPPLIED)
    save_run(run)
    return run


def test_a_run_of_supplied_predictions_is_read_back_as_it_was(kept: Run) -> None:
    assert load_run(kept.folder) == kept
    assert (kept.title, kept.name) == ("Vendor X 2.1", "Vendor X 2.1")


def test_whatever_needs_a_net_is_told_in_one_sentence_that_there_is_none(kept: Run) -> None:
    for needs in (recipe_of, load_classifier):
        with pytest.raises(
            RunError, match=r"supplied by Vendor X 2\.1, and Overread did not compute them"
        ) as refused:
            needs(kept)
        assert "Choose a run that was trained in Overread" in refused.value.remedy


def test_a_run_has_either_a_recipe_or_a_supplier() -> None:
    run = supplied_run(Path("x"))
    for wrong in ({"supplied": None}, {"recipe": TINY_RECIPE}):
        with pytest.raises(ValueError, match="either a recipe or a note"):
            replace(run, **wrong)


def test_a_run_whose_supplier_was_lost_is_damaged_and_not_taken_for_one_of_ours(kept: Run) -> None:
    (kept.folder / "supplied.json").unlink()
    with pytest.raises(RunError, match=r"recipe"):
        load_run(kept.folder)


def test_a_supplied_map_has_no_passport_and_is_not_sent_for_one(kept: Run) -> None:
    passport, why = passport_of(kept.folder, MAP_AS_SUPPLIED)
    assert passport is None
    assert "supplied" in why
    assert "overread passport" not in why
