"""What is added to a study is there whole or not at all, whatever happens in the middle, and others read meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from engine.errors import ReviewError
from engine.reading.migrations.schema import ASSIGNMENTS, STUDIES
from engine.reading.store import Store, open_store
from engine.reading.studies.planning.records import Study
from tests.engine.reading.studies.test_studies import MAKING, NOW, filled, protocol, read, walk
from tests.engine.reading.test_store import RUN, prediction

Between = Callable[[], None]
FIRST = tuple(prediction(number).image_id for number in range(6))
LATER = tuple(prediction(number).image_id for number in range(6, 12))


@pytest.fixture
def store(database: Path | str) -> Iterator[Store]:
    with open_store(database) as opened:
        yield filled(opened)


@pytest.fixture
def in_pieces(monkeypatch: pytest.MonkeyPatch) -> Callable[[Between], None]:
    """Write two rows a transaction, and let something happen between."""

    def let(between: Between) -> None:
        monkeypatch.setattr(f"{MAKING}.FIRST", 2)
        monkeypatch.setattr(f"{MAKING}.MOST", 2)
        monkeypatch.setattr(f"{MAKING}.sleep", lambda seconds: between())

    return let


def small(store: Store) -> Study:
    """A study of six of the twelve films."""
    return store.studies.create(protocol(), image_ids=FIRST)


def add_cases(store: Store, study: Study) -> Study:
    return store.studies.add_cases(study.study_id, LATER, "too few")


def add_reader(store: Store, study: Study) -> Study:
    now = store.studies.get(study.study_id).protocol
    return store.studies.change(study.study_id, replace(now, readers=(*now.readers, "Dan")), "too few")


def test_whoever_makes_changes_notes_fixes_or_ends_a_study_is_named_in_the_evidence(store: Store) -> None:
    studies = store.studies
    study_id = studies.create(protocol(), image_ids=FIRST, author="made").study_id
    now = studies.get(study_id).protocol
    done = [
        ("named", lambda who: studies.change(study_id, replace(now, name="Films"), author=who)),
        ("added", lambda who: studies.add_cases(study_id, LATER[:2], author=who)),
        ("fixed", lambda who: studies.lock(study_id, author=who)),
        ("added late", lambda who: studies.add_cases(study_id, LATER[2:], "too few", author=who)),
        ("invited", lambda who: studies.change(
            study_id, replace(studies.get(study_id).protocol, readers=("Ada", "Ben", "Dan")), "ill", author=who
        )),
        ("noted", lambda who: studies.note(study_id, "a film was seen before", author=who)),
        ("ended", lambda who: studies.close(study_id, author=who)),
    ]  # fmt: skip
    for who, do in done:
        do(who)
    with store._database.read() as connection:
        said = [
            list(connection.scalars(select(of.c.author).order_by(of.c.seq))) for of in (STUDIES, ASSIGNMENTS)
        ]
    assert list(dict.fromkeys(said[0])) == ["made", *(who for who, _ in done)]
    assert list(dict.fromkeys(said[1])) == ["made", "added", "added late", "invited"]
    deviations = [each.author for each in studies.get(study_id).deviations]
    assert deviations == ["added late", "invited", "noted"]


ADDITIONS = pytest.mark.parametrize("add", [add_cases, add_reader])


def seen(store: Store, study: Study, folder: Path) -> tuple[object, ...]:
    """All that anybody sees of a study."""
    now = store.studies.get(study.study_id)
    told = store.studies.next(study.study_id, "Ben", now=NOW)
    files = store.studies.export(study.study_id, folder)
    cases = next(one for one in files if one.name == "cases.csv").read_text()
    return (
        store.studies.images(study.study_id),
        [(one.name, one.arm, one.of) for one in store.studies.progress(study.study_id)],
        (now.protocol, now.deviations),
        told and (told.number, told.of),
        cases.count("\n"),
        store.studies.blind_in(RUN.run_id, "Dan"),
    )


@ADDITIONS
def test_others_answer_while_very_much_is_added_and_see_nothing_of_it_before_all_is_there(
    store: Store,
    in_pieces: Callable[[Between], None],
    add: Callable[[Store, Study], Study],
    tmp_path: Path,
) -> None:
    study = small(store)
    sitting = store.studies.begin(study.study_id, "Ada")
    before, between = seen(store, study, tmp_path), []

    def answer() -> None:
        between.append(seen(store, study, tmp_path))
        if (task := store.studies.next(study.study_id, "Ada", now=NOW)) is not None:
            assert task.of == 6
            read(store, sitting, task)

    in_pieces(answer)
    add(store, study)
    assert len(between) > 6 and between == [before] * len(between)
    assert len(store.studies.answers(study.study_id)) > 6
    assert seen(store, study, tmp_path) != before and store.audit().found == ()


@ADDITIONS
@pytest.mark.parametrize("pieces", [1, 4, 9])
def test_what_was_broken_off_is_nowhere_and_is_given_once_when_it_is_added_again(
    store: Store,
    in_pieces: Callable[[Between], None],
    add: Callable[[Store, Study], Study],
    pieces: int,
    tmp_path: Path,
) -> None:
    study = small(store)
    store.studies.lock(study.study_id)
    before, written = seen(store, study, tmp_path), []

    def killed() -> None:
        written.append(0)
        if len(written) == pieces:
            raise KeyboardInterrupt

    in_pieces(killed)
    with pytest.raises(KeyboardInterrupt):
        add(store, study)
    assert seen(store, study, tmp_path) == before and store.audit().found == ()
    in_pieces(lambda: None)
    add(store, study)
    assert len(store.studies.get(study.study_id).deviations) == 1
    readers = store.studies.get(study.study_id).protocol.readers
    number = len(store.studies.images(study.study_id))
    assert (len(readers), number) == ((2, 12) if add is add_cases else (3, 6))
    for reader in readers:
        given = walk(store, study.study_id, reader)
        assert sorted((one.image_id, one.arm) for one in given) == sorted(
            (image_id, arm)
            for image_id in store.studies.images(study.study_id)
            for arm in ("blind", "assisted")
        )
    assert store.audit().found == ()


@ADDITIONS
def test_of_two_who_add_to_a_study_at_once_one_is_told_so_and_nothing_is_given_twice(
    store: Store, in_pieces: Callable[[Between], None], add: Callable[[Store, Study], Study]
) -> None:
    study = small(store)
    again: list[Study] = []

    def another() -> None:
        if not again:
            again.append(study)
            add_cases(store, study)

    in_pieces(another)
    with pytest.raises(ReviewError, match="Somebody else has begun to add"):
        add(store, study)
    assert len(store.studies.images(study.study_id)) == 12
    assert [(one.name, one.of) for one in store.studies.progress(study.study_id)] == [
        ("Ada", 12), ("Ada", 12), ("Ben", 12), ("Ben", 12),
    ]  # fmt: skip
    assert len(walk(store, study.study_id, "Ben")) == 24 and store.audit().found == ()
