"""What is kept of cases beside what was said of them: columns that came later, places, how many were answered."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import EngineError
from engine.reading.answers import Given
from engine.reading.beside.seen import KINDS, Seen
from engine.reading.case_places import batches
from engine.reading.queues.catalogue import search
from engine.reading.sittings import Shown
from engine.reading.store import Store, open_store
from engine.reading.studies.planning.records import StudyAnswer
from engine.records import Uncertainty, Verdict
from tests.engine.reading.studies.test_studies import made, samples
from tests.engine.reading.test_store import RUN, agree, prediction
from tests.readers import with_readers


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "overread.db") as opened:
        opened.add_run(RUN)
        with_readers(opened).add_cases(RUN.run_id, [prediction(number) for number in range(4)])
        yield opened


def rows(store: Store, statement: str) -> list[tuple[object, ...]]:
    with store._database.read() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(statement)]


def test_a_distance_is_added_where_there_is_none_and_columns_where_nobody_looked(store: Store) -> None:
    ids = [f"{number:064x}" for number in range(4)]

    def of_before() -> None:
        with store._database.write() as connection:
            connection.exec_driver_sql("UPDATE searched SET meta = ''")

    store.add_columns(RUN.run_id, {ids[0]: 1.5, ids[1]: 2.5}, {})  # nothing lies beside any of them
    assert not store.lacks_columns(RUN.run_id)
    of_before()
    store.add_columns(RUN.run_id, {}, {ids[1]: {"view": "LL", "empty": ""}, ids[2]: {"site": "a\nb"}})
    store.add_columns(RUN.run_id, {ids[0]: 9.0, ids[2]: 0.5}, {ids[3]: {"view": "PA"}})  # which came too late
    assert [store.case(RUN.run_id, one).distance for one in ids] == [1.5, 2.5, 0.5, None]
    assert dict(rows(store, "SELECT image_id, meta FROM searched")) == {
        ids[0]: "\n", ids[1]: "\nview=ll\n", ids[2]: "\nsite=a b\n", ids[3]: "\n",
    }  # fmt: skip
    other = replace(RUN, run_id="another")
    store.add_run(other)
    store.add_cases(other.run_id, [prediction(0)])
    of_before()
    store.add_columns(RUN.run_id, {ids[0]: 3.0}, {ids[0]: {"view": "AP"}})
    assert store.lacks_columns(other.run_id) and store.case(other.run_id, ids[0]).distance is None
    assert store.count(RUN.run_id, search("view=ap"), "Ada") == 1


def test_columns_that_are_known_stay_where_a_case_is_predicted_anew_without_them(store: Store) -> None:
    viewed = replace(prediction(1), meta={"view": "LL"})
    store.add_cases(RUN.run_id, [viewed])
    store.add_cases(RUN.run_id, [prediction(1, p=0.6), prediction(2, p=0.9)])
    assert store.count(RUN.run_id, search("view=ll"), "Ada") == 1
    assert store.count(RUN.run_id, search("score .59-.61"), "Ada") == 1
    store.add_cases(RUN.run_id, [replace(viewed, meta={"view": "PA"})])
    assert store.count(RUN.run_id, search("view=ll"), "Ada") == 0


def test_what_was_not_estimated_is_nothing_in_the_database_as_well(store: Store) -> None:
    told = Uncertainty(variance=0.5, mutual_information=0.25, passes=3, rate=0.1)
    store.add_cases(RUN.run_id, [replace(prediction(1), uncertainty=told)])
    kept = dict(rows(store, "SELECT image_id, uncertainty IS NULL FROM cases"))
    assert kept == {f"{number:064x}": number != 1 for number in range(4)}
    assert store.case(RUN.run_id, f"{1:064x}").uncertainty == told


def test_an_image_lies_where_each_run_and_each_study_was_told(store: Store) -> None:
    other = replace(RUN, run_id="another")
    store.add_run(other)
    store.add_cases(other.run_id, [replace(prediction(1), path=Path("/other/1.png"))])
    store.add_reader(replace(store.people()[0], reader_id="", name="Cleo", role="adjudicator"))
    study = made(store, "annotation")
    image_id = f"{1:064x}"
    at = {"": samples()[1].path, RUN.run_id: Path("/films/1.png"), other.run_id: Path("/other/1.png")}
    for moved in ([], [RUN.run_id], [""], [other.run_id, ""]):
        places = [(run, image_id, Path(f"/{run or 'study'}/{len(moved)}/MOVED.png")) for run in moved]
        store.move_cases(places)
        at |= {run: path for run, _, path in places}
        found = store.case_places([image_id, "f" * 64])
        assert sorted(found) == sorted((run, image_id, path) for run, path in at.items())
    assert store.case(RUN.run_id, image_id).path == at[RUN.run_id]
    assert store.studies.task(study, "Ada", image_id, "annotation").path == at[""]
    assert store.case(RUN.run_id, f"{2:064x}").path == Path("/films/2.png")
    for run_id in (RUN.run_id, other.run_id):
        assert store.count(run_id, search("file moved"), "Ada") == 1
        assert store.count(run_id, search("file 1.png"), "Ada") == 0


def test_an_answer_that_was_taken_back_is_counted_no_more(store: Store) -> None:
    for number in (1, 2):
        store.add_review(agree(number))
    store.add_review(agree(1, verdict=Verdict.UNSURE, label=None))
    assert store.run(RUN.run_id).reviews == 3
    for left in (2, 1, 0):
        store.take_back(RUN.run_id, "Ada")
        assert store.run(RUN.run_id).reviews == len(store.reviews(RUN.run_id)) == left
    assert store.run(RUN.run_id).cases == 4


def test_what_is_shown_next_is_written_once_with_the_answer_that_it_came_with(store: Store) -> None:
    def shown() -> list[tuple[object, ...]]:
        return rows(store, "SELECT image_id, map FROM exposures ORDER BY seq")

    sitting = store.begin_sitting(RUN.run_id, "Ada")
    then = Shown(image_id=f"{2:064x}", map="grad-cam")
    store.add_review(agree(1), Given(sitting=sitting, then=then))  # without a name nothing is asked for twice
    store.add_review(agree(1), Given(sitting=sitting, then=then))
    assert shown() == [(then.image_id, "grad-cam")] * 2
    first = store.add_review(agree(2), Given(sitting=sitting, name="one"))
    assert len(shown()) == 2
    told = Given(sitting=sitting, name="one", then=replace(then, image_id=f"{3:064x}", map=None))
    for _ in range(2):  # it is given again, now with what comes next
        assert store.add_review(agree(2), told) == first
        assert shown()[2:] == [(f"{3:064x}", None)]
    another = replace(told, then=replace(then, image_id=f"{1:064x}"))
    assert store.add_review(agree(2), another) == first and shown()[3:] == [(f"{1:064x}", "grad-cam")]
    store.add_review(agree(3), Given(name="two", then=then))  # what is on no screen is not written down
    assert len(shown()) == 4 and store.audit().found == ()


LONG = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "ask",
    [
        lambda store: store.case(RUN.run_id, LONG),
        lambda store: store.add_review(agree(int(LONG, 16))),
        lambda store: store.studies.path(LONG),
        lambda store: store.studies.create(replace(store.studies.get("films").protocol, name="x"), image_ids=[LONG]),
        lambda store: store.studies.task("films", "Ada", LONG, "blind"),
    ],
)  # fmt: skip
def test_a_case_is_named_by_the_first_twelve_digits_of_its_id(
    store: Store, ask: Callable[[Store], object]
) -> None:
    store.add_reader(replace(store.people()[0], reader_id="", name="Cleo", role="adjudicator"))
    made(store, "blind")
    with pytest.raises(EngineError, match=r"(?<![0-9a-f])0123456789ab(?![0-9a-f])"):
        ask(store)


def test_which_cases_a_study_has_already_is_said_by_number_and_example(store: Store) -> None:
    store.add_reader(replace(store.people()[0], reader_id="", name="Cleo", role="adjudicator"))
    store.add_cases(RUN.run_id, [replace(prediction(n), image_id=f"{n}{LONG[1:]}") for n in range(2)])
    made(store, "blind")
    twice = [f"1{LONG[1:]}", f"0{LONG[1:]}"]
    with pytest.raises(
        EngineError, match=r"2.? of these cases are in the study already, such as .?0123456789ab\b"
    ):
        store.studies.add_cases("films", twice)


def test_a_database_that_is_written_to_by_another_program_is_waited_for_when_it_is_new(
    tmp_path: Path,
) -> None:
    """SQLite does not wait by itself for the log of a file that another program is making."""
    path = tmp_path / "new.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    with closing(other):
        other.execute("BEGIN EXCLUSIVE")
        ends = threading.Timer(0.15, lambda: other.execute("COMMIT"))
        ends.start()
        with open_store(path, busy_seconds=20) as opened:
            assert opened.runs() == []
        ends.join()


def test_items_come_in_pieces_of_a_size_and_a_last_one_of_what_is_left() -> None:
    assert [*batches(range(7), 3)] == [[0, 1, 2], [3, 4, 5], [6]]
    assert [*batches("abcd", 2)] == [["a", "b"], ["c", "d"]] and [*batches((), 3)] == []


def test_what_is_not_said_of_a_screen_an_answer_or_a_sample_is_what_is_usual() -> None:
    assert Shown(image_id="a") == Shown(
        image_id="a", prediction=True, map=None, label=False, others=False, similar=False
    )
    assert StudyAnswer(study_id="s", image_id="a", arm="blind", verdict="read") == StudyAnswer(
        study_id="s", image_id="a", arm="blind", verdict="read", label=None, reader="", finding="class",
        certainty=None, seconds=0.0, comment="", regions=(), at=None, seq=None, supersedes=None, predicted=None,
        contaminated=False, stands=True,
    )  # fmt: skip
    assert Seen().before(10**9) == dict.fromkeys(KINDS, False)
    assert Seen(map=3, others=4, label=5).before(4) == dict.fromkeys(KINDS, False) | {"map": True}


def test_the_prediction_on_a_screen_is_the_newest_of_this_case_and_this_run(store: Store) -> None:
    for run_id in ("a run before", "z run after"):
        store.add_run(replace(RUN, run_id=run_id))
        store.add_cases(run_id, [prediction(number, p=0.9) for number in (1, 2, 3)])
    store.add_cases(RUN.run_id, [prediction(2, p=0.6)])
    for number in (1, 3):  # those beside it were predicted anew after it
        store.add_cases(RUN.run_id, [prediction(number, p=0.7)])
    store.expose(store.begin_sitting(RUN.run_id, "Ada"), Shown(image_id=f"{2:064x}"))
    ((run_id, image_id, probabilities),) = rows(
        store,
        "SELECT run_id, p.image_id, probabilities FROM exposures e JOIN predictions p ON p.seq = e.prediction",
    )
    assert (run_id, image_id) == (RUN.run_id, f"{2:064x}") and probabilities == "[0.4,0.6]"
