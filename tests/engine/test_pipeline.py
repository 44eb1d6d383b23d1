"""What is wrong with a mask, the size of an image or a passport stops no report; it is said in it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.data import load_split, save_split
from engine.pipeline import report_run
from engine.prediction import passport_anew
from engine.reading import Store, open_store
from engine.records import Run, Sample
from engine.report import pointing
from engine.runs import (
    find_run,
    load_explanations,
    load_passport,
    passport_of,
    save_sizes,
    sizes_of_run,
)
from engine.saliency import CHECKS, FEWEST, Answer, verdict
from engine.workspace import Workspace, open_workspace

Kept = tuple[Workspace, Store, Run]


@pytest.fixture
def kept(trained: tuple[Workspace, Run], tmp_path: Path) -> Iterator[Kept]:
    shutil.copytree(trained[0].root, tmp_path / "copy")
    workspace = open_workspace(tmp_path / "copy")
    with open_store(workspace.database) as store:
        yield workspace, store, find_run(workspace, trained[1].run_id)


def change_test_part(run: Run, changes: dict[str, object]) -> tuple[Sample, ...]:
    split = load_split(run.folder / "split.csv")
    test = tuple(replace(sample, **changes) for sample in split.test)  # type: ignore[arg-type]
    save_split(replace(split, test=test), run.folder / "split.csv")
    return test


@pytest.mark.parametrize("trouble", ["missing", "broken", "of another shape", "empty"])
def test_masks_that_cannot_be_used_stop_no_report(kept: Kept, tmp_path: Path, trouble: str) -> None:
    workspace, store, run = kept
    mask = tmp_path / "mask.png"
    if trouble == "broken":
        mask.write_bytes(b"\x89PNG\r\n\x1a\n")
    elif trouble != "missing":
        Image.fromarray(np.zeros((9, 90 if trouble != "empty" else 9), np.uint8)).save(mask)
    test = change_test_part(run, {"mask_path": mask})
    report = report_run(workspace, store, run)
    assert report.pointing is None
    ill = sum(sample.label == run.positive for sample in test)
    said = [one for one in report.limitations if "masks" in one]
    assert (f"{ill} of {ill} masks of the finding could not be used (mask.png" in " ".join(said)) == (
        trouble != "empty"
    )


def test_one_broken_mask_leaves_the_others_in_the_pointing_game(kept: Kept, tmp_path: Path) -> None:
    _, store, run = kept
    Image.fromarray(np.full((48, 48), 255, np.uint8)).save(tmp_path / "all.png")
    test = change_test_part(run, {"mask_path": tmp_path / "all.png"})
    split = load_split(run.folder / "split.csv")
    ill = [sample for sample in test if sample.label == run.positive]
    gone = tuple(
        replace(sample, mask_path=tmp_path / "gone.png") if sample == ill[0] else sample for sample in test
    )
    save_split(replace(split, test=gone), run.folder / "split.csv")
    said: list[str] = []
    scored = pointing(run, store.predictions(run.run_id), said=said)
    assert scored is not None and scored.n == len(ill) - 1
    assert said == [
        f"1 of {len(ill)} masks of the finding could not be used (gone.png cannot be opened (No such file or "
        "directory)); the pointing game leaves these images out."
    ]


def test_images_far_smaller_than_those_trained_on_are_a_limitation(kept: Kept) -> None:
    workspace, store, run = kept
    assert not any("far smaller" in one for one in report_run(workspace, store, run).limitations)
    test = change_test_part(run, {"width": 12, "height": 15})
    (said,) = (one for one in report_run(workspace, store, run).limitations if "far smaller" in one)
    assert said.startswith(f"{len(test)} of {len(test)} images are far smaller") and "12 × 15 pixels" in said
    assert f"half of the {run.recipe.image_size} at which it reads images" in said


def test_the_sizes_of_images_predicted_later_are_kept_beside_the_split(kept: Kept) -> None:
    run = kept[2]
    new = Sample(path=Path("/n.png"), image_id="f" * 64, label=None, patient_id="p", width=9, height=8)
    save_sizes(run.folder, [new])
    save_sizes(run.folder, [replace(new, image_id="e" * 64, width=7)])
    sizes = sizes_of_run(run.folder)
    assert (sizes["f" * 64], sizes["e" * 64]) == ((9, 8), (7, 8))
    assert len(sizes) == 2 + sum(
        len(load_split(run.folder / "split.csv").part(p)) for p in ("train", "val", "test")
    )


def test_reading_a_run_makes_its_passport_and_a_few_images_say_neither_yes_nor_no(kept: Kept) -> None:
    workspace, store, run = kept
    shown = {each.method for each in load_explanations(run.folder).values()}
    (method,) = shown
    passport, why = passport_of(run.folder, method)
    assert passport is not None, why
    assert passport.images == passport.of == len(load_split(run.folder / "split.csv").val) < FEWEST
    assert {verdict(passport, check) for check in CHECKS} == {Answer.UNKNOWN}
    report = report_run(workspace, store, run)
    assert report.passport == passport and report.no_passport == ()


def test_a_run_of_an_earlier_version_has_no_passport_until_one_is_made(kept: Kept) -> None:
    workspace, store, run = kept
    made = load_passport(run.folder)
    assert made is not None
    (run.folder / "passport.json").unlink()
    report = report_run(workspace, store, run)
    assert report.passport is None and f"overread passport {run.run_id}" in report.no_passport[0]
    again = passport_anew(run, cache_dir=workspace.cache)
    assert again == load_passport(run.folder)
    assert {one.name for one in again.figures} == {one.name for one in made.figures}
    assert report_run(workspace, store, run).passport == again


def test_a_damaged_passport_is_named_in_the_report_and_hides_nothing(kept: Kept) -> None:
    workspace, store, run = kept
    (run.folder / "passport.json").write_text("[]")
    report = report_run(workspace, store, run)
    assert report.passport is None and "passport.json is damaged" in report.no_passport[0]


def test_a_run_is_reported_without_loading_a_net_and_trained_without_what_makes_reports(kept: Kept) -> None:
    workspace, _, run = kept
    program = f"""
import sys
from pathlib import Path
import engine.jobs.work
print(sorted({{"matplotlib", "scipy.stats", "engine.report.records"}} & sys.modules.keys()))
from engine import pipeline, reading, runs, workspace
here = workspace.open_workspace(Path({str(workspace.root)!r}))
with reading.open_store(here.database) as store:
    assert pipeline.report_run(here, store, runs.find_run(here, {run.run_id!r})).against
print(sorted({{"torch", "timm", "openvino"}} & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]", "[]"], (
        "the demonstration waits for them, and a window for its report"
    )
