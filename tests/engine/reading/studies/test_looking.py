"""What screens ask of a study beside the next case: by number, what is still to be read blind, what was said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid1

import pytest

from engine.errors import ReviewError
from engine.reading.store import Store, open_store
from engine.reading.studies.planning.designs import DESIGNS, DesignName
from engine.reading.studies.planning.drawing import LATER
from engine.reading.studies.planning.protocol import Drawn
from engine.records import Region
from tests.engine.reading.studies.test_studies import (
    NOW,
    RUN,
    filled,
    made,
    protocol,
    read,
    said,
    samples,
    walk,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "overread.db") as opened:
        yield filled(opened)


def test_a_study_is_found_by_its_id_the_start_of_one_and_the_name_that_it_has_now(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = iter(("abcd1" + "0" * 27, "abcd2" + "0" * 27))
    monkeypatch.setattr(
        "engine.reading.studies.making.uuid.uuid4", lambda: UUID(next(ids, None) or uuid1().hex)
    )
    one, other = made(store, "blind"), made(store, "blind", name="abcd")
    for name, of in ((one, one), ("abcd1", one), ("abcd20", other), ("films", one), ("abcd", other)):
        assert store.studies.get(name).study_id == of
    store.studies.change(one, replace(store.studies.get(one).protocol, name="plates"))
    store.studies.change(other, replace(store.studies.get(other).protocol, name="slides"))
    assert store.studies.get("plates").study_id == one
    for name, why in (
        ("films", "no study"),
        ("abc", "no study"),
        ("abcd", "start of several studies' ids"),
        ("", "no"),
    ):
        with pytest.raises(ReviewError, match=why):
            store.studies.get(name)
    assert [each.study_id for each in store.studies.all()] == [one, other]


@pytest.mark.parametrize("design", list(DESIGNS))
def test_a_case_is_found_by_the_number_that_it_had(store: Store, design: DesignName) -> None:
    study_id = made(store, design)
    later = NOW + timedelta(days=28)
    seen = [task for now in (NOW, later) for task in walk(store, study_id, "Ada", now=now, label="normal")]
    for task in seen:
        arm = task.arm if design == "wash-out" else None
        found = store.studies.numbered(study_id, "Ada", task.number, arm=arm, now=later)
        assert (found.image_id, found.number, found.of) == (task.image_id, task.number, task.of)
        assert found.arm == (task.arm if design == "wash-out" else DESIGNS[design].arms[-1])  # all are read
    for number in (-1, 0, seen[0].of + 1, LATER, 10**30):
        with pytest.raises(ReviewError, match="There is no case number"):
            store.studies.numbered(study_id, "Ada", number, now=later)


def test_a_case_found_by_its_number_is_given_blind_until_it_was_read_so(store: Store) -> None:
    study_id = made(store)
    sitting = store.studies.begin(study_id, "Ada")
    first = store.studies.numbered(study_id, "Ada", 3)
    assert (first.arm, first.advice, first.last) == ("blind", None, None)
    read(store, sitting, first)
    second = store.studies.numbered(study_id, "Ada", 3)
    assert second.arm == "assisted" and second.advice is not None and second.image_id == first.image_id
    assert store.studies.numbered(study_id, "Ben", 3).arm == "blind"  # Ada's answer opens nothing to Ben


@pytest.mark.parametrize("design", ["blind then assisted", "annotation"])
def test_what_a_reader_is_to_read_blind_is_known_until_they_have(store: Store, design: DesignName) -> None:
    study_id = made(store, design)
    images = set(store.studies.images(study_id))
    sitting = store.studies.begin(study_id, "Ada")
    task = store.studies.next(study_id, "Ada")
    assert task is not None and store.studies.to_read_blind("Ada") == images
    read(store, sitting, task, "normal")
    assert store.studies.to_read_blind("Ada") == images - {task.image_id}
    assert store.studies.to_read_blind("Ben") == images
    assert store.studies.to_read_blind("Dan") == store.studies.to_read_blind("Nobody") == set()
    walk(store, study_id, "Ada", label="normal")
    assert store.studies.to_read_blind("Ada") == set()


def test_a_run_whose_cases_are_to_be_read_blind_says_in_which_study(store: Store) -> None:
    study_id = made(store, "blind")
    made(store, "assisted", name="open-eyed", readers=("Dan",))
    assert store.studies.blind_in(RUN.run_id, "Ada") == "films"
    for run_id, reader in ((RUN.run_id, "Dan"), (RUN.run_id, "Nobody"), ("another run", "Ada")):
        assert store.studies.blind_in(run_id, reader) == ""
    walk(store, study_id, "Ada")
    assert [store.studies.blind_in(RUN.run_id, who) for who in ("Ada", "Ben")] == ["", "films"]
    store.studies.close(study_id)
    assert store.studies.blind_in(RUN.run_id, "Ben") == ""


def test_a_preview_draws_the_cases_that_the_study_will_have_and_makes_none(store: Store) -> None:
    for told in (
        protocol(drawn=Drawn(rule="random stratified", n=7), seed=5),
        protocol("annotation", name="second"),
    ):
        before = store.head()
        drawn = store.studies.preview(told, samples=samples())
        assert store.head() == before and drawn.n == (7 if told.run_id else 6)
        assert store.studies.create(told, samples=samples()).protocol.drawn == drawn
    with pytest.raises(ReviewError, match="needs readers"):
        store.studies.preview(protocol(readers=()))
    with pytest.raises(ReviewError, match="13 cases are asked for"):
        store.studies.preview(protocol(drawn=Drawn(rule="random stratified", n=13)))


def test_what_a_reader_said_last_in_each_arm_comes_back_with_what_was_drawn(store: Store) -> None:
    study_id = made(store)
    sitting, others = (store.studies.begin(study_id, who) for who in ("Ada", "Ben"))
    blind = store.studies.numbered(study_id, "Ada", 1)
    read(store, others, store.studies.task(study_id, "Ben", blind.image_id, "blind"), "pneumonia")
    region = Region(x=0.1, y=0.2, width=0.3, height=0.4, label="pneumonia")
    read(store, sitting, blind, "pneumonia")
    store.studies.answer(said(blind, "normal", regions=(region,), comment="by the apex"), sitting)
    assisted = store.studies.numbered(study_id, "Ada", 1)
    read(store, sitting, assisted, "normal")
    store.studies.undo(sitting, blind.image_id, "assisted")
    read(store, sitting, replace(assisted, last=None), "pneumonia")
    told = {one.arm: one for one in store.studies.own(study_id, "Ada", blind.image_id)}
    assert {arm: one.label for arm, one in told.items()} == {"blind": "normal", "assisted": "pneumonia"}
    assert told["blind"].regions == (region,) and told["blind"].comment == "by the apex"
    assert told["assisted"].regions == () and told["blind"].predicted is None
    assert told["assisted"].predicted in ("normal", "pneumonia")


def test_how_far_everybody_is_stands_in_the_order_of_the_protocol_with_the_usual_time(store: Store) -> None:
    study_id = made(store, readers=("Ben", "Ada"))
    sitting = store.studies.begin(study_id, "Ada")
    for seconds in (9.0, 2.0, 4.0):
        task = store.studies.next(study_id, "Ada")
        while task is not None and task.arm == "assisted":
            read(store, sitting, task, seconds=1.0)
            task = store.studies.next(study_id, "Ada")
        assert task is not None
        read(store, sitting, task, seconds=seconds)
    told = [
        (one.name, one.arm, one.read, one.of, one.median_seconds) for one in store.studies.progress(study_id)
    ]
    assert told == [
        ("Ben", "blind", 0, 12, None),
        ("Ben", "assisted", 0, 12, None),
        ("Ada", "blind", 3, 12, 4.0),
        ("Ada", "assisted", 2, 12, 1.0),
    ]


def test_where_an_image_lies_is_known_of_those_that_studies_have(store: Store) -> None:
    made(store, "annotation")
    assert store.studies.path(samples()[2].image_id) == samples()[2].path
    with pytest.raises(ReviewError, match="No study has an image"):
        store.studies.path("f" * 64)
