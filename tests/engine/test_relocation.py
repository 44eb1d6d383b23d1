"""A folder that moved is found again by the hashes of its images, wherever a path is kept; nothing else changes."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from engine.data import index_data, load_index, load_split, load_summary, save_index, save_split
from engine.errors import DataError, RunError
from engine.images.cache import open_cache
from engine.reading import Store, open_store
from engine.recipes import RECIPES, recipe_to_json
from engine.records import Calibration, Index, Prediction, Review, Run, Split, Verdict
from engine.relocation import lost, relocate
from engine.runs import save_run
from engine.workspace import Workspace
from tests.readers import with_readers
from tests.tiny import draw_films

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class Kept:
    """A data set with masks, a run on it, and a case that was reviewed, all of it kept before the folder moved."""

    def __init__(self, workspace: Workspace, folder: Path) -> None:
        self.workspace, self.folder = workspace, folder
        draw_films(folder / "images", patients=8)
        rows = ["path,label,mask"]
        (folder / "masks").mkdir()
        for path in sorted((folder / "images").rglob("*.png")):
            mask = folder / "masks" / path.name
            Image.new("L", (48, 48), 255).save(mask)
            rows.append(f"{path.relative_to(folder)},{path.parent.name},{mask.relative_to(folder)}")
        (folder / "table.csv").write_text("\n".join(rows))
        self.index: Index = index_data(folder / "table.csv")
        assert all(sample.mask_path for sample in self.index.samples)
        save_index(workspace, self.index, created=LONG_AGO)
        self.run = replace(RUN, folder=workspace.runs / RUN.run_id, dataset_id=self.index.dataset_id)
        self.run.folder.mkdir()
        (self.run.folder / "recipe.json").write_text(recipe_to_json(RUN.recipe))
        save_run(self.run)
        samples = self.index.samples
        split = Split(
            train=samples[:8],
            val=samples[8:12],
            test=samples[12:],
            classes=RUN.classes,
            seed=0,
            method="by hand",
        )
        save_split(split, self.run.folder / "split.csv")
        self.store: Store = open_store(workspace.database)
        self.store.add_run(self.run)
        self.store.add_cases(self.run.run_id, [predicted(sample.image_id, sample.path) for sample in samples])
        self.reviewed = samples[0].image_id
        with_readers(self.store, "Ada").add_review(
            Review(
                run_id=RUN.run_id, image_id=self.reviewed, reader="Ada", verdict=Verdict.UNSURE, label=None
            )
        )

    def rows(self, table: str) -> list[tuple[object, ...]]:
        with sqlite3.connect(self.workspace.database) as connection:
            return connection.execute(f"SELECT * FROM {table}").fetchall()

    def paths(self) -> list[Path]:
        """Every path that is kept anywhere."""
        index = load_index(self.workspace, self.index.dataset_id)
        split = load_split(self.run.folder / "split.csv")
        samples = (*index.samples, *split.train, *split.val, *split.test)
        paths = [sample.path for sample in samples] + [
            sample.mask_path for sample in samples if sample.mask_path
        ]
        return [*paths, index.root, *(case.path for case in self.store.predictions(RUN.run_id))]


RUN = Run(
    run_id="20260101-000000-aaaa",
    folder=Path("/nowhere"),
    dataset_id="",
    dataset_name="films",
    recipe=RECIPES["default"],
    classes=("normal", "opacity"),
    positive="opacity",
    threshold=0.5,
    calibration=Calibration(),
    weights_source="none",
    device="cpu",
    created=datetime(2026, 1, 1, tzinfo=UTC),
    seconds=1.0,
    parameters=1,
    trained_parameters=1,
)


def predicted(image_id: str, path: Path, p: float = 0.25) -> Prediction:
    return Prediction(
        image_id=image_id,
        path=path,
        label="normal",
        patient_id=image_id,
        part="test",
        probabilities=(1 - p, p),
        predicted="opacity" if p >= 0.5 else "normal",
        entropy=0.5,
    )


@pytest.fixture
def kept(workspace: Workspace, tmp_path: Path) -> Kept:
    return Kept(workspace, tmp_path / "before")


@pytest.mark.parametrize("asked", ["the data set", "the run"])
def test_a_folder_that_moved_is_found_and_everything_learns_its_place(
    kept: Kept, tmp_path: Path, asked: str
) -> None:
    reviews, readings = kept.rows("answers"), kept.rows("last_answers")
    kept.folder.rename(tmp_path / "archive")
    assert not any(path.exists() for path in kept.paths())
    name = kept.index.dataset_id if asked == "the data set" else RUN.run_id
    done = relocate(kept.workspace, kept.store, name, tmp_path / "archive")
    assert (done.found, done.missing, done.masks, done.missing_masks, done.unread) == (16, (), 16, (), ())
    assert all(path.is_relative_to(tmp_path / "archive") and path.exists() for path in kept.paths())
    assert (kept.rows("answers"), kept.rows("last_answers")) == (reviews, readings)
    index = load_index(kept.workspace, kept.index.dataset_id)
    old = kept.index.samples
    new = [replace(s, path=o.path, mask_path=o.mask_path) for s, o in zip(index.samples, old, strict=True)]
    assert new == list(old)
    assert index.dataset_id == kept.index.dataset_id and index.source == tmp_path / "archive" / "table.csv"
    assert load_summary(kept.workspace, index.dataset_id).created == LONG_AGO
    assert kept.store.case(RUN.run_id, kept.reviewed).path.is_file()
    assert "16 of 16 images were found" in done.sentences()[0]


def test_what_is_found_is_kept_and_the_rest_is_said_with_a_count_and_a_list(
    kept: Kept, tmp_path: Path
) -> None:
    kept.folder.rename(tmp_path / "after")
    gone, changed = sorted((tmp_path / "after" / "images").rglob("*.png"))[:2]
    gone.unlink()
    changed.write_bytes(b"edited")
    done = relocate(kept.workspace, kept.store, kept.index.dataset_id, tmp_path / "after")
    assert (done.found, len(done.missing), done.changed) == (14, 2, (changed,))
    said = " ".join(done.sentences())
    assert "14 of 16" in said and "2 images are still missing" in said and str(changed) in said
    assert {path.name for path in done.missing} == {gone.name, changed.name}
    assert sum(path.exists() for path in kept.paths()) > 40


def test_images_that_are_found_nowhere_stay_as_they_are(kept: Kept, tmp_path: Path) -> None:
    before = kept.paths()
    (tmp_path / "empty").mkdir()
    done = relocate(kept.workspace, kept.store, kept.index.dataset_id, tmp_path / "empty")
    assert (done.found, done.where_they_were, done.missing) == (0, 16, ())
    assert kept.paths() == before


def test_a_damaged_run_keeps_no_other_from_learning_the_new_place(kept: Kept, tmp_path: Path) -> None:
    damaged = kept.workspace.runs / "20260102-000000-bbbb"
    damaged.mkdir()
    (damaged / "split.csv").write_text("image_id,")
    kept.folder.rename(tmp_path / "after")
    done = relocate(kept.workspace, kept.store, kept.index.dataset_id, tmp_path / "after")
    assert done.found == 16 and len(done.unread) == 1 and str(damaged) in done.unread[0]
    assert all(path.exists() for path in kept.paths())


def test_another_data_set_with_its_own_living_copies_is_left_alone(kept: Kept, tmp_path: Path) -> None:
    other = index_data(draw_films(tmp_path / "copies", patients=9))
    save_index(kept.workspace, other)
    kept.folder.rename(tmp_path / "after")
    relocate(kept.workspace, kept.store, kept.index.dataset_id, tmp_path / "after")
    assert load_index(kept.workspace, other.dataset_id).samples == other.samples


def test_a_reviewed_case_that_is_predicted_again_keeps_its_prediction_and_learns_its_place(
    kept: Kept,
) -> None:
    moved = Path("/elsewhere/film.png")
    stayed = kept.store.add_cases(RUN.run_id, [predicted(kept.reviewed, moved, p=0.9)])
    case = kept.store.case(RUN.run_id, kept.reviewed)
    assert (stayed, case.path, case.predicted, case.probabilities) == (1, moved, "normal", (0.75, 0.25))


def test_decoded_images_that_failed_while_the_folder_was_away_count_again(kept: Kept, tmp_path: Path) -> None:
    samples = kept.index.samples
    kept.folder.rename(tmp_path / "after")
    away = open_cache(kept.workspace.cache, samples, size=8, channels=1)
    assert len(away.failed) == 16
    relocate(kept.workspace, kept.store, kept.index.dataset_id, tmp_path / "after")
    found = load_index(kept.workspace, kept.index.dataset_id).samples
    assert not open_cache(kept.workspace.cache, found, size=8, channels=1).failed


def test_what_is_not_there_is_said(kept: Kept, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no folder"):
        relocate(kept.workspace, kept.store, kept.index.dataset_id, tmp_path / "nowhere")
    with pytest.raises(DataError, match="no data set"):
        relocate(kept.workspace, kept.store, "ffffffffffff", tmp_path)
    with pytest.raises((DataError, RunError)):
        relocate(kept.workspace, kept.store, "../..", tmp_path)


def test_lost_images_are_counted_among_those_looked_for(tmp_path: Path) -> None:
    here = tmp_path / "a.png"
    here.touch()
    assert lost([here]) is None and lost([]) is None
    assert str(lost([here, tmp_path / "b.png"])).startswith("1 of 2 images is no longer where")
    many = lost([tmp_path / f"{n}.png" for n in range(5000)])
    assert many is not None and many.looked <= 1000 and "of 5,000 images" in str(many)
