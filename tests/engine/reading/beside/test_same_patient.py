"""Other images of a patient: which lie before, which after, and which cannot be told; never another patient's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from engine.errors import ReviewError
from engine.reading.beside.same_patient import UNKNOWN, moment_of
from engine.reading.ledger.chain import append
from engine.reading.migrations.schema import IMAGES
from engine.reading.people import Reader
from engine.reading.store import Store, open_store
from engine.reading.studies.planning.protocol import Protocol
from engine.records import Sample
from tests.engine.reading.test_store import RUN, prediction


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "overread.db") as opened:
        opened.add_run(RUN)
        opened.add_reader(Reader(reader_id="", name="Ada"))
        yield opened


@given(st.dates())
def test_a_date_is_read_however_it_is_written_and_later_ones_are_later(day: date) -> None:
    told = (day.year, day.month, day.day)
    for way in ("%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%Y.%m.%d", " %Y-%m-%d ", "%Y-%m-%dT12:30:00Z"):
        # Years before 1000 have four digits here, whatever the C library makes of %Y.
        assert moment_of(day.strftime(way.replace("%Y", f"{day.year:04}"))) == told, way
    assert moment_of(f"{day.day}.{day.month}.{day.year:04}") == told
    assert moment_of(f"{day.day:02}.{day.month:02}.{day.year:04} 12:30") == told


@pytest.mark.parametrize(
        "text",
    ["", "03/04/2024", "2024-13-01", "2024-00-01", "2024-01-32", "2024-01-00", "1.13.2024", "12345", "-1", "one"],
)  # fmt: skip
def test_what_may_be_another_day_than_it_seems_is_no_date(text: str) -> None:
    assert moment_of(text) is None


def films(store: Store, metas: list[dict[str, str]], *, patients: str = "") -> list[str]:
    """Make a study of images of one patient, or of those whose initials are given; return their ids."""
    found = [
        Sample(
            path=Path(f"/films/{n}.png"), image_id=f"{n:064x}", label=None,
            patient_id=(patients or "p" * len(metas))[n], meta=meta,
        )
        for n, meta in enumerate(metas)
    ]  # fmt: skip
    told = Protocol(
        name="films", design="annotation", run_id=None, dataset_id="0123456789ab", classes=("normal", "effusion"),
        readers=("Ada",), same_patient=True,
    )  # fmt: skip
    store.studies.create(told, samples=found)
    return [each.image_id for each in found]


def test_the_nearest_prior_comes_first_then_older_ones_the_same_day_later_ones_and_those_without_a_date(
    store: Store,
) -> None:
    days = [
        "2024-05-05",
        "2024-05-06",
        "2022-01-01",
        "-",
        "2025-01-01",
        "2024-05-05",
        "2024-05-04",
        "7",
        "2024-12-31",
    ]
    ids = films(store, [{"study date": day, "follow-up": str(n)} for n, day in enumerate(days)])
    found = store.studies.of_patient("films", ids[0])
    assert (found.known, found.dated, found.moment) == (True, True, "2024-05-05")
    assert [(ids.index(one.image_id), one.when) for one in found.others] == [
        (6, "before"), (2, "before"), (5, "same day"), (1, "after"), (8, "after"), (4, "after"), (3, ""), (7, ""),
    ]  # fmt: skip
    assert [one.moment for one in found.others[:2]] == ["2024-05-04", "2022-01-01"]
    assert {one.part for one in found.others} == {None}


def test_where_no_column_holds_dates_the_one_that_counts_visits_tells_the_order(store: Store) -> None:
    ids = films(store, [{"study date": "unknown", "visit": str(n)} for n in (10, 9, 11)])
    found = store.studies.of_patient("films", ids[0])
    assert found.moment == "10"
    assert [(one.image_id, one.when) for one in found.others] == [(ids[1], "before"), (ids[2], "after")]
    bare = store.studies.of_patient
    assert bare("films", ids[2]).others[0].image_id == ids[0]  # the nearest prior, not the first


def test_of_an_image_without_a_date_nothing_is_before_or_after_and_of_another_patient_nothing_is_shown(
    store: Store,
) -> None:
    ids = films(store, [{}, {"date": "2024-01-01"}, {"date": "2023-01-01"}], patients="aab")
    found = store.studies.of_patient("films", ids[0])
    assert (found.known, found.dated, found.moment) == (True, False, "")
    assert [(one.image_id, one.when, one.moment) for one in found.others] == [(ids[1], "", "")]
    assert store.studies.of_patient("films", ids[2]).others == ()


def test_of_a_run_the_other_images_tell_their_part_and_unnamed_patients_have_none(store: Store) -> None:
    unnamed = replace(prediction(5), patient_id=prediction(5).image_id)
    store.add_cases(RUN.run_id, [prediction(0, part="train"), prediction(1), prediction(2), unnamed])
    (other,) = store.of_patient(RUN.run_id, prediction(1).image_id).others
    assert (other.image_id, other.part, other.when) == (prediction(0).image_id, "train", "")
    assert store.of_patient(RUN.run_id, prediction(2).image_id).others == ()
    assert store.of_patient(RUN.run_id, unnamed.image_id) == UNKNOWN
    assert not UNKNOWN.known and not UNKNOWN.dated
    told = Protocol(name="alone", design="blind", run_id=RUN.run_id, readers=("Ada",))
    with pytest.raises(ReviewError, match="shows no other images"):
        store.studies.of_patient(store.studies.create(told).study_id, prediction(1).image_id)


def test_of_the_days_of_a_study_those_columns_are_read_that_say_when_an_image_was_taken(store: Store) -> None:
    metas = [
        {"birth date": "1950-01-01", "Study Date": "2024-05-05", "visit": "3", "note": "a=b=c"},
        {"birth date": "1950-01-01", "Study Date": "2024-05-06", "visit": "1", "note": "=x"},
        {"birth date": "1950-01-01", "Study Date": "12", "visit": "4"},
    ]
    ids = films(store, metas)
    found = store.studies.of_patient("films", ids[0])
    assert found.moment == "2024-05-05"
    told = [(one.image_id, one.when, one.moment) for one in found.others]
    assert told == [(ids[1], "after", "2024-05-06"), (ids[2], "", "12")], "a count is no day"
    assert moment_of("1234") == (1234,) and moment_of(" 7 ") == (7,)


def test_of_several_on_a_day_and_without_one_the_order_is_that_of_their_ids(store: Store) -> None:
    ids = films(store, [{"date": day} for day in ("2024-05-05", "-", "2024-05-05", "2024-05-05", "-")])
    found = store.studies.of_patient("films", ids[2])
    assert [one.image_id for one in found.others] == [ids[0], ids[3], ids[1], ids[4]]


def test_an_image_whose_patient_is_not_named_or_that_no_study_has_is_of_nobody(store: Store) -> None:
    ids = films(store, [{}, {}], patients="ab")
    assert store.studies.of_patient("films", "f" * 64) == UNKNOWN
    with store._database.write() as connection:
        append(
            connection,
            IMAGES,
            [{"image_id": ids[0], "patient_id": ids[0], "label": None, "part": None, "metadata": None}],
            author="program",
        )
    assert store.studies.of_patient("films", ids[0]) == UNKNOWN, "as the newest row says"
    assert store.studies.of_patient("films", ids[1]).known
