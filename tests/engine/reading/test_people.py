"""Readers are people: one id each, whatever they are called, and nobody is taken for somebody else in silence."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from engine.errors import ReviewError
from engine.reading.ledger.chain import append
from engine.reading.migrations.schema import READERS
from engine.reading.people import MOST_YEARS, Reader, alike, experience, tidy
from engine.reading.store import Store, open_store
from engine.reading.studies.planning.protocol import Protocol
from engine.reading.validation import LONGEST_NAME
from engine.records import READER_ROLES, Verdict
from tests.engine.reading.studies.test_studies import walk
from tests.engine.reading.test_store import RUN, agree, prediction


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "overread.db") as opened:
        opened.add_run(RUN)
        opened.add_cases(RUN.run_id, [prediction(number) for number in range(6)])
        yield opened


def person(name: str, **told: object) -> Reader:
    return Reader(reader_id="", name=name, **told)  # type: ignore[arg-type]


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=30))
def test_a_tidy_name_stays_as_it_is_and_is_like_what_it_was(name: str) -> None:
    assert tidy(tidy(name)) == tidy(name) == tidy(f"  {name}\t") and "  " not in tidy(name)
    assert alike(name) == alike(f" {name} ")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Ada Byron", "ada-byron", True), ("Ada Byron", "A. Byron", False), ("Jürgen", "Jurgen", True),
        ("Łukasz Ødegård", "lukasz odegard", True), ("كريم", "کریم", True), ("A1", "A2", False),
        ("!", "?", False), ("Straße", "STRASSE", True), ("Ada", "Adá", True),
    ],
)  # fmt: skip
def test_names_that_differ_only_in_how_they_are_written_are_alike(one: str, other: str, same: bool) -> None:
    assert (alike(one) == alike(other)) == same


def test_a_name_that_may_be_somebody_elses_is_asked_about_and_one_that_is_taken_refused(store: Store) -> None:
    store.add_reader(person("Ada Byron"))
    store.add_reader(person("Ben"))
    with pytest.raises(ReviewError, match=r"may be “.?Ada Byron.?”, who is in the list"):
        store.add_reader(person("ada byron"))
    other = store.add_reader(person("  ada   byron "), another=True)
    assert other.name == "ada byron"
    for taken in ("Ada Byron", "ada byron", " Ada  Byron"):
        with pytest.raises(ReviewError, match="already a reader named"):
            store.add_reader(person(taken), another=True)
    assert [each.name for each in store.people()] == sorted(
        ["Ada Byron", "Ben", "ada byron"], key=str.casefold
    )


def test_a_new_name_is_the_same_persons_and_the_old_one_still_finds_them(store: Store) -> None:
    ada, ben = store.add_reader(person("Ada")), store.add_reader(person("Ben"))
    store.add_review(agree(1))
    store.change_reader(replace(ada, name=" Ada  King ", years=3.0, profession=" radiologist "))
    (found,) = [each for each in store.people() if each.reader_id == ada.reader_id]
    assert (found.name, found.spellings, found.years, found.profession) == (
        "Ada King",
        ("Ada",),
        3,
        "radiologist",
    )
    store.add_review(agree(2, "Ada"))  # a page that was opened before
    assert [each.reader for each in store.reviews(RUN.run_id)] == ["Ada King", "Ada King"]
    with pytest.raises(ReviewError, match="already another reader named"):
        store.change_reader(replace(ben, name="Ada"))  # which was Ada's, whose readings are known by it
    store.change_reader(replace(ada, name="Ada"))
    with pytest.raises(ReviewError, match="no such reader"):
        store.change_reader(replace(ben, reader_id="f" * 32))


@pytest.mark.parametrize(("one", "into"), [("Ada", "Ben"), ("Ben", "Ada")])
def test_of_two_names_that_are_joined_the_newer_answer_on_a_case_is_the_last(
    store: Store, one: str, into: str
) -> None:
    for name in ("Ada", "Ben", "Cleo"):
        store.add_reader(person(name))
    unsure = {"verdict": Verdict.UNSURE, "label": None}
    for number, first, second in ((1, "Ada", "Ben"), (2, "Ben", "Ada")):
        store.add_review(agree(number, first))
        store.add_review(agree(number, second, **unsure))
    for number, alone in ((3, "Ada"), (4, "Ben"), (5, "Cleo")):
        store.add_review(agree(number, alone))
    for name in ("Ada", "Ben", "Cleo"):
        store.bookmark(RUN.run_id, "all", name, agree(1).image_id)
    joined = store.join_readers(one, into)
    with store._database.read() as connection:
        kept = {row[0] for row in connection.exec_driver_sql("SELECT reader_id FROM places")}
    assert kept == {each.reader_id for each in store.people()}, "nobody stopped where somebody else is now"
    assert (joined.name, joined.spellings) == (into, (one,))
    last = store.reviews(RUN.run_id, latest=True)
    told = {int(each.image_id, 16): (each.reader, each.verdict.value) for each in last}
    assert told == {
        1: (into, "unsure"), 2: (into, "unsure"), 3: (into, "agree"), 4: (into, "agree"), 5: ("Cleo", "agree"),
    }  # fmt: skip
    assert len(last) == 5 and len(store.reviews(RUN.run_id)) == 7
    assert store.progress(RUN.run_id, one) == store.progress(RUN.run_id, into) == (4, 6)
    with pytest.raises(ReviewError, match="the same reader already"):
        store.join_readers(one, into)
    assert store.audit().found == ()


def test_a_person_of_three_names_is_one_and_reads_a_case_of_a_study_once(store: Store) -> None:
    for name in ("Ada", "Ben", "Cleo", "Dan"):
        store.add_reader(person(name))
    told = Protocol(name="films", design="blind", run_id=RUN.run_id, readers=("Ada", "Ben", "Dan"))
    study_id = store.studies.create(told).study_id
    walk(store, study_id, "Ada")
    store.join_readers("Ada", "Ben")
    store.join_readers("Ben", "Cleo")
    (cleo, dan) = store.people()
    assert cleo.spellings == ("Ada", "Ben") and dan.spellings == ()
    assert store.studies.next(study_id, "Ben") is None, "all were read as Ada"
    told = [(one.name, one.arm, one.read, one.of) for one in store.studies.progress(study_id)]
    assert told == [("Cleo", "blind", 12, 12), ("Dan", "blind", 0, 6)]  # what each name was given counts
    assert store.studies.next(study_id, "Dan") is not None


def test_a_reader_who_is_not_in_the_list_is_told_who_is(store: Store) -> None:
    with pytest.raises(ReviewError, match="the list is empty"):
        store.add_review(agree(1))
    for name in ("Ben", "Ada"):
        store.add_reader(person(name))
    with pytest.raises(ReviewError, match=r"no reader named “.?Cleo.?” \(in the list: Ada, Ben\)"):
        store.add_review(agree(1, "Cleo"))


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"years": MOST_YEARS + 1}, "no number of years"), ({"years": -1}, "no number of years"),
        ({"years": math.nan}, "no number of years"), ({"years": math.inf}, "no number of years"),
        ({"years": MOST_YEARS}, ""), ({"years": 0}, ""), ({"years": None}, ""),
        ({"name": "x" * (LONGEST_NAME + 1)}, "needs a name"), ({"name": " "}, "needs a name"),
        ({"name": "x" * LONGEST_NAME}, ""), ({"profession": "x" * (LONGEST_NAME + 1)}, "needs a name"),
        ({"profession": "a\0b"}, "cannot be stored"), ({"role": "owner"}, "is no role"),
        ({"introduced": False}, ""), ({"profession": "nurse", "years": 2.5}, ""),
        *(({"role": role}, "") for role in READER_ROLES),
    ],
)  # fmt: skip
def test_what_is_said_of_a_reader_is_held_to_its_bounds(
    store: Store, told: dict[str, object], sentence: str
) -> None:
    reader = replace(person("Ada"), **told)  # type: ignore[arg-type]
    if sentence:
        with pytest.raises(ReviewError, match=sentence):
            store.add_reader(reader)
        assert store.people() == []
    else:
        kept = store.add_reader(reader)
        assert store.people() == [kept] and replace(kept, reader_id="") == reader


def test_experience_is_said_in_words() -> None:
    assert (
        experience(person("Ada", profession="radiologist", years=2.5))
        == "radiologist, 2.5 years of experience"
    )
    assert experience(person("Ada", years=0)) == "0 years of experience"
    assert experience(person("Ada")) == "profession and experience not stated"


def test_who_may_be_meant_by_a_name_is_whoever_is_written_nearly_so(store: Store) -> None:
    for name in ("Ada Byron", "Ben", "Jürgen"):
        store.add_reader(person(name))
    store.add_reader(person("A. Lovelace"))
    store.join_readers("A. Lovelace", "Ada Byron")
    found = {
        name: [one.name for one in store.readers_like(name)]
        for name in ("ada-byron", "a lovelace", "jurgen", "B")
    }
    assert found == {"ada-byron": ["Ada Byron"], "a lovelace": ["Ada Byron"], "jurgen": ["Jürgen"], "B": []}
    assert store.read_only is False


def test_ids_that_name_one_another_in_a_circle_are_still_somebodys(store: Store) -> None:
    """As no program of ours writes them, and a damaged database may hold them."""
    ids = {name: store.add_reader(person(name)).reader_id for name in ("Ada", "Ben", "Cleo")}
    told = {"role": "reader", "profession": None, "years": None}
    with store._database.write() as connection:
        for name, other in (("Ada", "Ben"), ("Ben", "Cleo"), ("Cleo", "Ben")):
            row = told | {"reader_id": ids[name], "name": name, "same_as": ids[other]}
            append(connection, READERS, [row], author=ids[name])
    assert {one.name for one in store.people()} <= {"Ben", "Cleo"} and store.find_reader("Ada") is not None
