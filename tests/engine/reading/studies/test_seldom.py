"""What a study says where something is seldom: nothing was read, all agree, it is over, or too much is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import pytest

from engine.errors import ReviewError, StoreError
from engine.reading.ledger import chain
from engine.reading.sittings import Shown
from engine.reading.store import Store, open_store
from engine.reading.studies.planning.assigning import predictions_of
from tests.engine.reading.studies.test_studies import NOW, filled, made, protocol, read, said, walk
from tests.engine.reading.test_store import RUN


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "overread.db") as opened:
        yield filled(opened)


def test_the_secret_of_a_study_is_its_own_and_the_same_each_time(store: Store) -> None:
    one, two = made(store), made(store, name="others")
    secrets = [store.studies.secret(each) for each in (one, two, one)]
    assert secrets[0] == secrets[2] != secrets[1] and all(len(each) == 32 for each in secrets)
    assert set("".join(secrets)) <= set("0123456789abcdef")


def test_a_clock_is_told_of_from_the_fixing_of_the_protocol_to_the_end_of_the_study(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock(datetime):
        back = timedelta()

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) - cls.back

    def set_back_by(**time: float) -> int:
        """Begin a sitting by a clock that was set back, another by one put right; return the row of the first."""
        Clock.back = timedelta(**time)
        row = store.head().seq + 1
        store.begin_sitting(RUN.run_id, "Dan")
        Clock.back = timedelta()
        store.begin_sitting(RUN.run_id, "Dan")
        return row

    monkeypatch.setattr(chain, "datetime", Clock)
    study_id = made(store)
    set_back_by(hours=1)  # before the protocol is fixed it is nobody's
    assert store.studies.set_back(study_id) == ()
    Clock.back = timedelta(hours=-2)  # it ran ahead while the protocol was fixed
    store.studies.lock(study_id)
    Clock.back = timedelta()
    first = set_back_by(seconds=290)  # computers differ by as much
    (found,) = store.studies.set_back(study_id)
    assert found.row == first and found.seconds == pytest.approx(7200 + 290, abs=60)
    second = set_back_by(minutes=10)
    assert [one.row for one in store.studies.set_back(study_id)] == [first, second]
    store.studies.close(study_id)
    set_back_by(hours=3)
    assert [one.row for one in store.studies.set_back(study_id)] == [first, second]


def test_what_a_consensus_counts_the_indeterminate_as_may_be_asked_otherwise(store: Store) -> None:
    study_id = made(store, "blind", readers=("Ada",), consensus="majority", positive="pneumonia")
    sitting = store.studies.begin(study_id, "Ada")
    task = store.studies.next(study_id, "Ada")
    assert task is not None
    store.studies.answer(replace(said(task), verdict="unsure", label=None), sitting)
    assert store.studies.wanted(study_id) == {task.image_id: 1}
    told = {
        rule: store.studies.consensus(study_id, indeterminate=rule)  # type: ignore[arg-type]
        for rule in (None, "excluded", "positive", "negative")
    }
    assert told == {
        None: {task.image_id: None}, "excluded": {task.image_id: None}, "positive": {task.image_id: "pneumonia"},
        "negative": {task.image_id: "normal"},
    }  # fmt: skip


def test_an_answer_that_contradicts_the_advice_on_the_screen_is_not_stored(store: Store) -> None:
    study_id = made(store, "assisted")
    sitting, task = store.studies.begin(study_id, "Ada"), store.studies.next(study_id, "Ada")
    assert task is not None and task.advice is not None
    shown, other = task.advice.predicted, next(one for one in RUN.classes if one != task.advice.predicted)
    store.expose(sitting, Shown(image_id=task.image_id))
    for verdict, label in (("agree", other), ("overrule", shown)):
        with pytest.raises(ReviewError, match=f"showed “.?{shown}.?” and it names “.?{label}") as caught:
            store.studies.answer(said(task, label, verdict=verdict), sitting)
        assert "Reload the case" in caught.value.remedy
    number = store.studies.answer(said(task, other), sitting)
    (kept,) = store.studies.answers(study_id)
    assert (kept.seq, kept.verdict, kept.predicted) == (number, "overrule", shown)


def test_what_departs_from_a_protocol_is_said_once_that_is_fixed_and_in_words(store: Store) -> None:
    study_id = made(store)
    with pytest.raises(ReviewError, match="not fixed yet, so that nothing can depart from it"):
        store.studies.note(study_id, "a reader fell ill")
    store.studies.lock(study_id)
    with pytest.raises(ReviewError, match="not said what departed"):
        store.studies.note(study_id, " \n")
    assert store.studies.get(study_id).deviations == ()
    (told,) = store.studies.note(study_id, " a reader fell ill ").deviations
    assert told.reason == "a reader fell ill"


def test_nobody_who_is_not_there_reads_and_nothing_that_all_agree_on_is_settled(store: Store) -> None:
    with pytest.raises(ReviewError, match="no reader named “Nobody”"):
        store.studies.create(replace(protocol(), readers=("Ada", "Nobody")))
    study_id = made(store, "blind", consensus="adjudicated")
    for reader in ("Ada", "Ben"):
        walk(store, study_id, reader, label="normal")
    sitting = store.studies.begin(study_id, "Cleo")
    with pytest.raises(ReviewError, match="do not disagree on this case"):
        store.studies.dispute(sitting, store.studies.images(study_id)[0])
    another = made(store, "blind", name="others", consensus="adjudicated")
    walk(store, another, "Ada", label="normal")
    walk(store, another, "Ben")
    assert store.studies.next(another, "Cleo") is not None
    store.studies.close(another)
    assert store.studies.next(another, "Cleo") is None, "a study that is over has nothing left to settle"


def test_other_images_of_a_patient_are_those_of_the_studys_run_and_none_where_they_are_not_shown(
    store: Store,
) -> None:
    study_id = made(store, "blind", same_patient=True)
    image_id = f"{4:064x}"  # the fourth and the fifth are of one patient
    assert [one.image_id for one in store.studies.of_patient(study_id, image_id).others] == [f"{5:064x}"]
    plain = made(store, "blind", name="alone")
    with pytest.raises(ReviewError, match="shows no other images of a patient"):
        store.studies.of_patient(plain, image_id)


def test_a_study_of_images_that_its_run_has_not_predicted_says_how_many(store: Store) -> None:
    ids = [f"{number:064x}" for number in (3, 40, 41)]
    with store._database.read() as connection:
        for design in ("assisted", "blind then assisted"):
            study = store.studies.get(made(store, design, name=design))
            with pytest.raises(StoreError, match=r"has not predicted .?2.? of the images, such as .?0{12}"):
                predictions_of(connection, study.protocol, ids)
            assert predictions_of(connection, study.protocol, ids[:1]).keys() >= {ids[0]}
        blind = replace(study.protocol, design="blind")
        assert predictions_of(connection, blind, ids).keys() >= {ids[0]}, "where none is shown none is wanted"


def test_an_answer_to_a_case_that_nothing_was_predicted_of_has_no_advice(store: Store) -> None:
    study_id = made(store, "concurrent against second reader")
    task = store.studies.next(study_id, "Ada")
    while task is not None and task.arm != "blind":
        read(store, store.studies.begin(study_id, "Ada"), task)
        task = store.studies.next(study_id, "Ada")
    assert task is not None and task.advice is None


def test_the_nth_case_of_a_queue_is_counted_from_one(store: Store) -> None:
    queue = "all"
    cases = [store.first(RUN.run_id, queue, "Ada")]
    while cases[-1] is not None:
        cases.append(store.next(RUN.run_id, queue, "Ada", cases[-1].image_id))
    found = [store.nth(RUN.run_id, queue, "Ada", number) for number in range(-1, 14)]
    assert found == [None, None, *cases] and len(cases) == 13
    assert store.nth(RUN.run_id, queue, "Ada", 2, "train") is None


def test_a_wash_out_is_counted_from_a_readers_own_last_case(store: Store) -> None:
    study_id = made(store, "wash-out")
    walk(store, study_id, "Ben", now=NOW - timedelta(days=9))
    sitting = store.studies.begin(study_id, "Ada")
    for hour in range(12):
        task = store.studies.next(study_id, "Ada", now=NOW + timedelta(hours=hour))
        assert task is not None and task.arm == "blind"
        read(store, sitting, task, now=NOW + timedelta(hours=hour))
    opens = NOW + timedelta(days=28, hours=11)
    assert store.studies.waits_until(study_id, "Ada", now=NOW) == opens
    assert store.studies.next(study_id, "Ada", now=opens - timedelta(seconds=1)) is None
    opened = store.studies.next(study_id, "Ada", now=opens)
    assert opened is not None and opened.arm == "assisted" and opened.advice is not None
    assert store.studies.waits_until(study_id, "Ada", now=opens) is None
    assert store.studies.waits_until(study_id, "Ben", now=NOW) == NOW + timedelta(days=19)
