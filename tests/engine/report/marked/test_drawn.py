"""Heatmaps are held against what readers drew, where they drew it without the model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.reading import Store, StudyAnswer, Task, open_store
from engine.reading.sittings import Shown
from engine.records import Explanation, Region, Sample, Split
from engine.report.marked.drawn import drawn_blind, marked_by_readers
from engine.report.passport_words import marked_in_words
from tests.engine.reading.test_store import RUN
from tests.engine.report.study.scripted import films, protocol, scripted_store

NAMES = ["Script 1", "Script 2"]
LEFT, RIGHT = (Region(x=x, y=0.25, width=0.25, height=0.5) for x in (0.125, 0.625))
WITH_FINDING = {each.image_id: "pneumonia" for each in films(12)}


def sample(image_id: str, patient: str = "p") -> Sample:
    return Sample(
        image_id=image_id,
        path=Path("/none.png"),
        patient_id=patient,
        label="pneumonia",
        width=400,
        height=200,
    )


SAMPLES = [sample(each.image_id, each.patient_id) for each in films(12)]


def read(
    store: Store, study_id: str, name: str, regions: tuple[Region, ...], *, peeked: bool = False
) -> None:
    """Read all that a reader is given, and draw the same in every image; in the assisted arm on the other side."""
    sitting = store.studies.begin(study_id, name)
    while (task := store.studies.next(study_id, name)) is not None:
        if peeked:
            store.expose(store.begin_sitting(RUN.run_id, name), Shown(image_id=task.image_id, map="grad-cam"))
        if task.arm == "assisted":
            store.expose(sitting, Shown(image_id=task.image_id, map="grad-cam"))
        store.studies.answer(
            _said(study_id, task, regions if task.arm == "blind" else (RIGHT,)), sitting, last=task.last
        )
    store.studies.end(sitting)


def _said(study_id: str, task: Task, regions: tuple[Region, ...]) -> StudyAnswer:
    return StudyAnswer(
        study_id=study_id,
        image_id=task.image_id,
        arm=task.arm,
        verdict="read",
        label="pneumonia",
        regions=regions,
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "overread.db") as opened:
        scripted_store(opened, cases=12)
        yield opened


def study(store: Store, design: str = "blind then assisted") -> str:
    return store.studies.create(protocol(NAMES, design=design, certainty=None)).study_id


def test_what_was_drawn_beside_the_model_or_after_it_was_seen_is_counted_and_left_out(store: Store) -> None:
    study_id = study(store)
    read(store, study_id, NAMES[0], (LEFT,))
    read(store, study_id, NAMES[1], (RIGHT,), peeked=True)
    cases = [sample(one) for one in store.studies.images(study_id)]
    finding = {each.image_id: "pneumonia" for each in cases}
    assert not drawn_blind(store, cases, finding).masks, "an open study tells nobody how others read"
    store.studies.close(study_id)
    found = drawn_blind(store, cases, finding)
    assert len(found.masks) == len(cases) == 12 and found.readers == 1
    assert found.left_out == 2 * 12 + 12  # both assisted arms, and the blind one that was not
    for mask in found.masks.values():
        assert mask.shape == (256, 512)
        assert mask[64:192, 64:192].all() and mask.sum() == 128 * 128
    other = drawn_blind(store, cases, dict.fromkeys(finding, "normal"))
    assert not other.masks, "a region is of the class that its reader gave the image"


def test_of_several_readers_what_at_least_half_drew_counts_and_where_they_share_nothing_all_of_it(
    store: Store,
) -> None:
    names = [*NAMES, "Cleo"]
    study_id = store.studies.create(
        protocol(names, design="blind", certainty=None, shown=(), consensus="majority")
    ).study_id
    wide = replace(LEFT, width=0.5)
    for name, drawn in zip(names, ((LEFT,), (wide,), (replace(RIGHT, label="normal"),)), strict=True):
        read(store, study_id, name, drawn)
    store.studies.close(study_id)
    cases = [sample(one) for one in store.studies.images(study_id)]
    found = drawn_blind(store, cases, {each.image_id: "pneumonia" for each in cases})
    assert found.readers == 2  # the third drew something else
    (mask, *_) = found.masks.values()
    assert mask.sum() == 256 * 128  # of two readers either is half


@pytest.mark.parametrize(("peak", "hits"), [((5, 2), 12.0), ((5, 12), 0.0)])
def test_a_report_says_how_often_the_peak_lay_there_and_how_much_of_the_heat(
    store: Store, peak: tuple[int, int], hits: float
) -> None:
    study_id = study(store, "blind")
    for name in NAMES:
        read(store, study_id, name, (LEFT,))
    store.studies.close(study_id)
    maps = maps_of(peak)
    cases = [each for each in films() if each.image_id in store.studies.images(study_id)]
    split = Split(
        train=(), val=(), test=tuple(sample(one.image_id, one.patient_id) for one in cases),
        classes=RUN.classes, seed=0, method="",
    )  # fmt: skip
    found = marked_by_readers(store, maps, cases, split)
    assert found is not None and found.pointing.n == 12 and found.pointing.value * 12 == hits
    assert (found.inside.value > 0.5) == (hits > 0) and found.even == pytest.approx(0.125)
    first, second = marked_in_words(found)
    assert first.startswith("On 12 images, 2 readers had marked the finding without the model: ")
    assert f"lay there in {hits:.3g} of 12 (" in first
    assert second.endswith(("spread evenly it would be .12.", "spread evenly it would be .13."))
    assert marked_by_readers(store, maps, cases[:0], split) is None


def maps_of(peak: tuple[int, int]) -> dict[str, Explanation]:
    """Return heatmaps of every case that peak at one cell of 10 by 16."""
    heat = np.zeros((10, 16), dtype=np.float32)
    heat[peak] = 1
    return {
        each.image_id: Explanation(
            image_id=each.image_id, method="grad-cam", target="pneumonia", heatmap=heat
        )
        for each in films()
    }
