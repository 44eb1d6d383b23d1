"""Promises of external testing: each label is matched, asked about or named as left out; no image seen is used."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from engine.data.index import index_folder
from engine.errors import DataError
from engine.external.cases import external_cases
from engine.external.copies import with_copies_said
from engine.pipeline import validate_run
from engine.reading.store import open_store
from engine.records import Run, Sample, Split
from engine.runs.folder import split_of
from engine.workspace import Workspace
from tests.tiny import draw_films


def foreign(label: str | None, number: int, patient: str = "") -> Sample:
    image_id = f"{number:064x}"
    return Sample(
        path=Path(f"/elsewhere/{number}.png"), image_id=image_id, label=label, patient_id=patient or image_id
    )


@pytest.fixture
def run(trained: tuple[Workspace, Run]) -> Run:
    return trained[1]


@pytest.fixture
def split(run: Run) -> Split:
    return split_of(run)


def test_other_spellings_of_a_class_are_that_class_and_said(run: Run, split: Split) -> None:
    samples = [foreign("Normal ", 1), foreign("OPACITY", 2), foreign("opacity", 3)]
    cases = external_cases(run, split, samples, same={})
    assert [sample.label for sample in cases.samples] == ["normal", "opacity", "opacity"]
    assert cases.same == {"Normal ": "normal", "OPACITY": "opacity"}
    assert not cases.left_out


def test_a_label_that_means_no_class_is_asked_about_and_never_dropped(run: Run, split: Split) -> None:
    samples = [foreign("healthy", 1), foreign("opacity", 2), foreign("effusion", 3)]
    with pytest.raises(DataError, match=r"“healthy” \(1 image\), “effusion” .*--same “healthy=CLASS”"):
        external_cases(run, split, samples, same={})
    cases = external_cases(run, split, samples, same={"healthy": "normal"}, leave_out=["effusion"])
    assert [sample.label for sample in cases.samples] == ["normal", "opacity"]
    assert cases.left_out == {"labelled “effusion”, which is none of the classes": 1}


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"same": {"healty": "normal"}}, "“healty” is no label of these data"),
        ({"same": {"healthy": "norml"}}, "“norml” is no class of this run"),
        ({"same": {}, "leave_out": ["helthy"]}, "“helthy” is no label of these data"),
        (
            {"same": {"healthy": "normal"}, "leave_out": ["healthy"]},
            "“healthy” was said to be a class .*Say one",
        ),
    ],
)
def test_what_is_said_of_names_that_are_not_there_is_refused(
    run: Run, split: Split, said: dict[str, object], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        external_cases(run, split, [foreign("healthy", 1), foreign("opacity", 2)], **said)  # type: ignore[arg-type]


def test_images_that_the_run_has_seen_test_nothing(run: Run, split: Split) -> None:
    samples = [*split.train[:3], *split.test[:2], foreign("normal", 1), foreign(None, 2)]
    cases = external_cases(run, split, samples, same={})
    assert [sample.image_id for sample in cases.samples] == [foreign("normal", 1).image_id]
    assert cases.left_out == {
        "also in the training part of the run's own data": 3,
        "also in the test part of the run's own data": 2,
        "no label": 1,
    }
    with pytest.raises(DataError, match=r"No image is left to test on \(3: also in the training part"):
        external_cases(run, split, split.train[:3], same={})


def test_patients_that_both_sets_name_are_said(run: Run, split: Split) -> None:
    known = split.train[0].patient_id
    cases = external_cases(run, split, [foreign("normal", 1, known), foreign("normal", 2)], same={})
    assert "1 of 2 images names a patient that the run's own data name too" in cases.remarks[0]
    assert not external_cases(run, split, [replace(foreign("normal", 2))], same={}).remarks


def test_copies_of_the_runs_own_images_in_other_files_are_said_and_no_other_image_is(
    trained: tuple[Workspace, Run], split: Split, tmp_path: Path
) -> None:
    workspace, run = trained
    changes = (
        lambda film: film,
        ImageOps.mirror,
        ImageOps.invert,
        lambda film: film.rotate(90),
        ImageOps.flip,
        lambda film: film.crop((0, film.height // 14, film.width - film.width // 20, film.height)),
    )
    copies = []
    for number, (change, sample) in enumerate(zip(changes, (*split.train[:4], *split.test[:2]), strict=True)):
        path = tmp_path / f"copy{number}.jpg"
        with Image.open(sample.path) as film:
            change(film.convert("L")).save(path, quality=95)
        copies.append(replace(foreign("normal", number), path=path, image_id=file_id(path)))
    others = [
        replace(one, label="normal")
        for one in index_folder(draw_films(tmp_path / "foreign", patients=8, seed=12)).samples
    ]
    steps: list[tuple[int, int]] = []
    for samples, told in (([*others, *copies], "6 of 22 images look like"), (others, "")):
        cases = external_cases(run, split, samples, same={})
        said = with_copies_said(
            run, split, cases, cache_dir=workspace.cache, progress=lambda done, of: steps.append((done, of))
        ).remarks
        assert steps[-1][0] == steps[-1][1] > len(samples)
        assert told in " ".join(said) and bool(said) == bool(told)


def file_id(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_foreign_images_that_cannot_be_read_any_more_are_named_as_left_out(
    trained: tuple[Workspace, Run], tmp_path: Path
) -> None:
    workspace, run = trained
    index = index_folder(draw_films(tmp_path / "foreign", patients=8, seed=11))
    index.samples[0].path.unlink()
    with open_store(workspace.database) as store:
        test = validate_run(workspace, store, run, index)
    assert test.images == len(index.samples) - 1
    assert test.left_out == {"could not be read any more": 1}
