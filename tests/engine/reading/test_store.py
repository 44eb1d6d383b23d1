"""The store keeps what was said, serves the next case in order, and fails in sentences."""

from __future__ import annotations

import math
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from engine.errors import ReviewError, StoreError
from engine.reading.answers import Given
from engine.reading.labelling.drafting import Said, draft
from engine.reading.people import Reader
from engine.reading.sittings import Shown
from engine.reading.store import QUEUES, Store, open_store
from engine.records import (
    PARTS,
    Calibration,
    Prediction,
    Recipe,
    Region,
    Review,
    Run,
    Uncertainty,
    Verdict,
    probabilities_of,
)
from tests.readers import with_readers

POLYGON = Region(
    x=0.125,
    y=0.25,
    width=0.5,
    height=0.25,
    label="effusion",
    shape="polygon",
    points=((0.125, 0.25), (0.625, 0.25), (0.25, 0.5)),
)
RUN = Run(
    run_id="20260101-120000-abcd",
    folder=Path("runs/20260101-120000-abcd"),
    dataset_id="0123456789ab",
    dataset_name="chest films",
    recipe=Recipe(name="quick", title="Quick", source="", backbone="lite0"),
    classes=("normal", "pneumonia"),
    positive="pneumonia",
    threshold=0.5,
    calibration=Calibration(),
    weights_source="",
    device="cpu",
    created=datetime(2026, 1, 1, 12, tzinfo=UTC),
    seconds=1.0,
    parameters=1,
    trained_parameters=1,
)


def prediction(
    number: int, p: float = 0.75, label: str | None = "normal", part: str | None = "test"
) -> Prediction:
    return Prediction(
        image_id=f"{number:064x}",
        path=Path(f"/films/{number}.png"),
        label=label,
        patient_id=f"patient {number // 2}",
        part=part,  # type: ignore[arg-type]
        probabilities=(1 - p, p),
        predicted="pneumonia" if p >= 0.5 else "normal",
        entropy=-sum(q * math.log(q) for q in (p, 1 - p) if q),
    )


def agree(number: int, reader: str = "Ada", **changes: object) -> Review:
    review = Review(
        run_id=RUN.run_id,
        image_id=f"{number:064x}",
        reader=reader,
        verdict=Verdict.AGREE,
        label="pneumonia",
    )
    return replace(review, **changes)  # type: ignore[arg-type]


def correct_labels(store: Store) -> None:
    """Make two further versions of a data set's labels, and draw two test cases to be read again."""
    came: dict[str, str | None] = {f"{number:064x}": "normal" for number in range(4)}
    for parent in (1, 2):
        said = [Said(image_id=f"{parent:064x}", reader="Ada", label="pneumonia", answer=parent)]
        made = draft(came, said, parent=parent, source="assisted", made_from=RUN.run_id, locked=[f"{3:064x}"])
        store.labels.add(RUN.dataset_id, came, made)
    again = {f"{3:064x}": ("suspect", 0.9), f"{2:064x}": ("control", 0.1)}
    store.labels.drawn_again("study", RUN.run_id, again)


@pytest.fixture
def store(database: Path | str) -> Iterator[Store]:
    """In a file, and on a real server."""
    with open_store(database, busy_seconds=0.3) as opened:
        opened.add_run(RUN)
        yield with_readers(opened)


@pytest.fixture
def in_file(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "overread.db", busy_seconds=0.3) as opened:
        opened.add_run(RUN)
        yield with_readers(opened)


# ----------------------------------------------------------------------------------------------- what is kept


def test_a_case_comes_back_as_it_was(store: Store) -> None:
    case = replace(
        prediction(1, p=0.1 + 0.2),
        uncertainty=Uncertainty(variance=0.01, mutual_information=0.2, passes=20, rate=0.1),
        conformal_set=("normal", "pneumonia"),
        margin=0.25,
    )
    store.add_cases(RUN.run_id, [case, prediction(2, label=None, part=None)])
    assert store.case(RUN.run_id, case.image_id) == case
    assert store.case(RUN.run_id, f"{2:064x}").label is None


def test_a_review_comes_back_as_it_was(store: Store) -> None:
    store.add_cases(RUN.run_id, [prediction(1)])
    said = agree(
        1,
        comment="ﮎ right lower zone\n'); DROP TABLE reviews;--",
        regions=(
            Region(x=0.1, y=0.2, width=0.3, height=0.4, label="consolidation"),
            Region(x=0.1, y=0.2, width=0.3, height=0.4, shape="ellipse"),
            POLYGON,
        ),
        seconds=12.5,
        created=datetime(2026, 1, 2, tzinfo=UTC),
    )
    number = store.add_review(said)
    assert store.reviews(RUN.run_id) == [replace(said, review_id=number)]


def test_the_store_dates_a_review_that_has_no_date(store: Store) -> None:
    store.add_cases(RUN.run_id, [prediction(1)])
    before = datetime.now(UTC)
    store.add_review(agree(1))
    (kept,) = store.reviews(RUN.run_id)
    assert kept.created is not None and before <= kept.created <= datetime.now(UTC)


def test_what_is_read_in_one_state_is_of_one_moment_and_asks_once_who_reads(store: Store) -> None:
    store.add_cases(RUN.run_id, [prediction(number) for number in range(3)])
    asked: list[str] = []

    @event.listens_for(store._database.engine, "before_cursor_execute")
    def heard(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if threading.current_thread() is threading.main_thread():
            asked.append(statement)

    with store.one_state(), store.one_state():
        first = store.first(RUN.run_id, "not yet read", "Ada")
        assert first is not None
        store.add_review(agree(int(first.image_id, 16)))
        store.add_reader(Reader(reader_id="", name="Cleo"))
        assert store.first(RUN.run_id, "not yet read", "Ada") == first
        assert store.reviews(RUN.run_id) == [] and store.find_reader("Cleo") is None
        elsewhere: list[int] = []
        other = threading.Thread(target=lambda: elsewhere.append(len(store.reviews(RUN.run_id))))
        other.start()
        other.join()
        assert elsewhere == [1]  # it is this thread's moment alone
        assert sum("max(readers" in one for one in asked) == 1
    assert len(store.reviews(RUN.run_id)) == 1 and store.find_reader("Cleo") is not None
    with pytest.raises(ReviewError), store.one_state():
        store.case(RUN.run_id, "no such case")
    assert store.first(RUN.run_id, "not yet read", "Ada") != first  # what fails inside ends it as well


def test_the_cases_to_come_are_those_that_come(store: Store) -> None:
    """For every queue, from its start and from each case: `following` is `next`, and `next` of that, and so on."""
    store.add_cases(RUN.run_id, [prediction(number, p=number / 8) for number in range(8)])
    for number in (1, 4, 5):
        store.add_review(agree(number, verdict=Verdict.UNSURE, label=None))
    for queue in QUEUES:
        for part in (None, "test"):
            here = store.first(RUN.run_id, queue, "Ada", part)  # type: ignore[arg-type]
            for after in (None, *(f"{number:064x}" for number in range(8))):
                found = store.following(RUN.run_id, queue, "Ada", after, part, k=3)  # type: ignore[arg-type]
                one = store.next(RUN.run_id, queue, "Ada", after, part)  # type: ignore[arg-type]
                assert found[:1] == [one][: one is not None]
                assert after is not None or found[:1] == [here][: here is not None]
                if found:
                    rest = store.upcoming(RUN.run_id, queue, "Ada", found[0].image_id, part, k=2)  # type: ignore[arg-type]
                    assert found[1:] == rest


def test_runs_are_listed_newest_first_and_storing_one_twice_changes_nothing(store: Store) -> None:
    later = replace(RUN, run_id="later", created=datetime(2026, 2, 1, tzinfo=UTC), threshold=math.nan)
    store.add_run(later)
    store.add_run(RUN)
    store.add_cases(RUN.run_id, [prediction(1), prediction(2)])
    store.add_review(agree(1))
    newest, oldest = store.runs()
    assert [newest.run_id, oldest.run_id] == store.run_ids() == ["later", RUN.run_id]
    assert math.isnan(newest.threshold) and (newest.cases, newest.reviews) == (0, 0)
    assert (oldest.cases, oldest.reviews, oldest.classes) == (2, 1, RUN.classes)
    assert store.run(RUN.run_id) == oldest


def test_a_run_id_never_changes_its_classes(store: Store) -> None:
    with pytest.raises(StoreError, match="other classes"):
        store.add_run(replace(RUN, classes=("a", "b")))


def test_an_unknown_run_is_named(store: Store) -> None:
    for ask in (lambda: store.run("nope"), lambda: store.add_cases("nope", [prediction(1)])):
        with pytest.raises(StoreError, match="no run nope"):
            ask()


def test_predicting_again_replaces_a_case_until_somebody_has_reviewed_it(store: Store) -> None:
    store.add_cases(RUN.run_id, [prediction(1, p=0.6), prediction(2, p=0.6)])
    store.add_review(agree(1))
    kept = store.add_cases(RUN.run_id, [prediction(1, p=0.9), prediction(2, p=0.9), prediction(3, p=0.9)])
    assert kept == 1
    now = [store.case(RUN.run_id, f"{number:064x}").probabilities[1] for number in (1, 2, 3)]
    assert now == [0.6, 0.9, 0.9]


def test_predictions_that_are_the_same_are_not_written_again_whichever_run_says_them(store: Store) -> None:
    for run_id in ("a run before", RUN.run_id, "z run after"):
        store.add_run(replace(RUN, run_id=run_id))
        store.add_cases(run_id, [prediction(1, p=0.6)])
    before = store.audit().head.seq
    store.add_cases(RUN.run_id, [prediction(1, p=0.6)])
    assert store.audit().head.seq == before
    store.add_cases(RUN.run_id, [prediction(1, p=0.7), prediction(2, p=0.6)])
    assert store.audit().head.seq == before + 2
    for run_id in ("y", "b", "x"):  # what another run has said, each says for itself, whichever came first
        store.add_run(replace(RUN, run_id=run_id))
        before = store.audit().head.seq
        store.add_cases(run_id, [prediction(5, p=0.6)])
        assert store.audit().head.seq == before + 1


def test_predictions_are_stored_all_or_none(store: Store) -> None:
    def cases() -> Iterator[Prediction]:
        yield prediction(1)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.add_cases(RUN.run_id, cases())
    bad = replace(prediction(2), probabilities=(0.2, 0.3, 0.5))
    with pytest.raises(StoreError, match="does not fit the classes"):
        store.add_cases(RUN.run_id, [prediction(1), bad])
    assert store.predictions(RUN.run_id) == []


def test_predictions_can_be_had_by_part(store: Store) -> None:
    store.add_cases(RUN.run_id, [prediction(number, part=PARTS[number % 3]) for number in range(9)])
    assert {case.part for case in store.predictions(RUN.run_id, "val")} == {"val"}
    found = store.predictions(RUN.run_id)
    assert len(found) == 9 and {case.probabilities for case in found} == {(0.25, 0.75)}
    assert not probabilities_of(found, 2).flags.writeable, "they are kept in one block"


# ------------------------------------------------------------------------------------------------ append-only


def test_a_correction_is_a_new_row_and_the_old_one_stays(store: Store) -> None:
    store.add_cases(RUN.run_id, [prediction(1)])
    store.add_review(agree(1))
    store.add_review(agree(1, reader="Ben", verdict=Verdict.UNSURE, label=None))
    store.add_review(agree(1, verdict=Verdict.OVERRULE, label="normal"))
    said = [(review.reader, review.verdict) for review in store.reviews(RUN.run_id)]
    assert said == [("Ada", Verdict.AGREE), ("Ben", Verdict.UNSURE), ("Ada", Verdict.OVERRULE)]
    newest = [(review.reader, review.label) for review in store.reviews(RUN.run_id, latest=True)]
    assert newest == [("Ben", None), ("Ada", "normal")]
    assert [review.label for review in store.reviews(RUN.run_id, reader="Ada")] == ["pneumonia", "normal"]
    assert store.readers(RUN.run_id) == ["Ada", "Ben"]


@pytest.mark.parametrize("change", ["UPDATE answers SET comment = 'x'", "DELETE FROM answers"])
def test_nobody_can_change_or_delete_a_review(in_file: Store, tmp_path: Path, change: str) -> None:
    in_file.add_cases(RUN.run_id, [prediction(1)])
    in_file.add_review(agree(1))
    with (
        closing(sqlite3.connect(tmp_path / "overread.db")) as other,
        pytest.raises(sqlite3.Error, match="append"),
    ):
        other.execute(change)
    assert len(in_file.reviews(RUN.run_id)) == 1


def test_a_reviewed_case_cannot_be_deleted_under_its_review(store: Store) -> None:
    store.add_cases(RUN.run_id, [prediction(1)])
    store.add_review(agree(1))
    with pytest.raises(DBAPIError, match=r"(?i)foreign key"), store._database.write() as connection:
        connection.exec_driver_sql("DELETE FROM cases")


def test_the_row_says_what_was_on_the_screen(store: Store) -> None:
    store.add_cases(RUN.run_id, [prediction(1, p=0.8)])
    store.add_review(agree(1))
    with store._database.read() as connection:
        assert connection.exec_driver_sql("SELECT predicted, confidence FROM answers").one() == (
            "pneumonia",
            0.8,
        )


KILLED = """
import os, signal, sys
from tests.engine.reading.test_store import RUN, agree, open_store, prediction
from tests.readers import with_readers
store = with_readers(open_store(sys.argv[1]))
store.add_run(RUN)
store.add_cases(RUN.run_id, [prediction(number) for number in range(50)])
for number in range(10):
    store.add_review(agree(number))
with store._database.write() as connection:
    connection.exec_driver_sql("INSERT INTO schema_version VALUES (1000)")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_stored_verdict_survives_the_killing_of_the_program(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    path = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", KILLED, str(tmp_path / "overread.db")]
    killed = subprocess.run(command, cwd=root, env={**os.environ, "PYTHONPATH": path})
    assert killed.returncode == -signal.SIGKILL
    with open_store(tmp_path / "overread.db") as store:  # and what was not committed is not there
        assert len(store.reviews(RUN.run_id)) == 10
        assert store.count(RUN.run_id, "not yet read", "Ada") == 40


def test_many_threads_write_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    with open_store(tmp_path / "overread.db") as store, open_store(tmp_path / "overread.db") as other:
        store.add_run(RUN)
        store.add_cases(RUN.run_id, [prediction(number) for number in range(20)])

        with_readers(store, *(f"reader {number}" for number in range(6)))

        def read_all(reader: str, through: Store) -> None:
            for number in range(20):
                through.add_review(agree(number, reader=reader))

        threads = [
            threading.Thread(target=read_all, args=(f"reader {number}", (store, other)[number % 2]))
            for number in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(store.reviews(RUN.run_id)) == 120


def test_an_answer_that_is_given_twice_under_one_name_is_stored_once(store: Store) -> None:
    store.add_cases(RUN.run_id, [prediction(1), prediction(2)])
    given = Given(name="made by the page")
    first = store.add_review(agree(1), given)
    assert store.add_review(agree(1), given) == first  # as a page does that has not heard of the first
    assert len(store.reviews(RUN.run_id)) == 1
    sitting = store.begin_sitting(RUN.run_id, "Ada")
    before = store.head().seq
    told = Given(name="another", sitting=sitting, then=Shown(image_id=agree(1).image_id))
    for _ in range(2):
        assert store.add_review(agree(2), told) == before + 1
        assert store.head().seq == before + 2, "with it, and once, that the next case is shown"
    with pytest.raises(ReviewError, match="another window"):
        store.add_review(agree(2), replace(told, name="a third", last=None))
    assert store.head().seq == before + 2, "neither is there where the answer is refused"
    assert store.audit().found == ()


def test_an_answer_given_elsewhere_since_the_case_was_shown_is_not_overwritten_in_silence(
    store: Store,
) -> None:
    store.add_cases(RUN.run_id, [prediction(1)])
    first = store.add_review(agree(1), Given(last=None))
    unsure = agree(1, verdict=Verdict.UNSURE, label=None)
    with pytest.raises(ReviewError, match="answered this case in another window"):
        store.add_review(unsure, Given(last=None))  # of a tab that was opened before
    store.add_review(agree(1, reader="Ben"), Given(last=None))  # others do not stand in the way
    store.add_review(unsure, Given(last=first))  # who has seen it may change it
    assert [review.verdict for review in store.reviews(RUN.run_id, reader="Ada")] == [
        Verdict.AGREE,
        Verdict.UNSURE,
    ]


@pytest.mark.parametrize(
    ("looked", "known"), [("before", True), ("after", False), ("as another", False), ("never", False)]
)
def test_an_answer_tells_whether_the_label_had_been_on_the_readers_screen(
    store: Store, looked: str, known: bool
) -> None:
    store.add_cases(RUN.run_id, [prediction(1)])
    ada, ben = (store.begin_sitting(RUN.run_id, name) for name in ("Ada", "Ben"))
    shown = Shown(image_id=agree(1).image_id, map="grad-cam")
    label = replace(shown, label=True)
    store.expose(ada, shown)
    if looked == "before":
        store.expose(ada, label)
    if looked == "as another":
        store.expose(ben, label)
    store.add_review(agree(1), Given(sitting=ada))
    if looked == "after":
        store.expose(ada, label)
    (review,) = store.reviews(RUN.run_id)
    assert review.label_seen is known


def test_of_an_answer_without_a_sitting_it_is_not_known_what_was_on_the_screen(store: Store) -> None:
    store.add_cases(RUN.run_id, [prediction(1)])
    store.add_review(agree(1))
    (review,) = store.reviews(RUN.run_id)
    assert review.label_seen is None


def test_answers_and_their_rows_can_be_had_of_one_case_one_reader_and_one_sitting(in_file: Store) -> None:
    in_file.add_cases(RUN.run_id, [prediction(1), prediction(2)])
    sitting = in_file.begin_sitting(RUN.run_id, "Ada")
    for number, reader, during in ((1, "Ada", sitting), (2, "Ada", None), (1, "Ben", None), (1, "Ada", None)):
        in_file.add_review(agree(number, reader), Given(sitting=during))

    def had(**chosen: object) -> list[tuple[int, str]]:
        found = in_file.reviews(RUN.run_id, **chosen)  # type: ignore[arg-type]
        return [(int(each.image_id, 16), each.reader) for each in found]

    assert had() == [(1, "Ada"), (2, "Ada"), (1, "Ben"), (1, "Ada")]
    assert had(image_id=agree(1).image_id) == [(1, "Ada"), (1, "Ben"), (1, "Ada")]
    assert had(image_id=agree(1).image_id, latest=True) == [(1, "Ben"), (1, "Ada")]
    assert had(reader="Ben") == [(1, "Ben")] and had(sitting=sitting) == [(1, "Ada")]
    assert had(reader="Ada", image_id=agree(2).image_id) == [(2, "Ada")]
    assert len(in_file.readings(RUN.run_id)) == 4 and len(in_file.readings(RUN.run_id, reader="Ben")) == 1


def test_what_is_written_of_a_screen_is_what_was_on_it_and_nothing_else(
    in_file: Store, tmp_path: Path
) -> None:
    in_file.add_cases(RUN.run_id, [prediction(1)])
    in_file.add_cases(RUN.run_id, [prediction(1, p=0.9)])  # predicted anew: the newest is on the screen
    sitting = in_file.begin_sitting(RUN.run_id, "Ada")
    image_id = agree(1).image_id
    screens = [
        Shown(image_id=image_id),
        *(
            Shown(image_id=image_id, prediction=False, **{name: True})  # type: ignore[arg-type]
            for name in ("label", "others", "similar")
        ),
        Shown(image_id=image_id, prediction=False, map="grad-cam"),
    ]
    for shown in screens:
        in_file.expose(sitting, shown)
    with closing(sqlite3.connect(tmp_path / "overread.db")) as connection:
        (newest,) = connection.execute("SELECT max(seq) FROM predictions").fetchone()
        told = connection.execute(
            "SELECT prediction, map, label, others, alike FROM exposures ORDER BY seq"
        ).fetchall()
        names = connection.execute(
            "SELECT DISTINCT session_id, reader_id, author, image_id FROM exposures"
        ).fetchall()
    assert told == [
        (newest, None, 0, 0, 0), (None, None, 1, 0, 0), (None, None, 0, 1, 0), (None, None, 0, 0, 1),
        (None, "grad-cam", 0, 0, 0),
    ]  # fmt: skip
    assert names == [(sitting.session_id, sitting.reader_id, sitting.reader_id, image_id)]


def test_a_sitting_is_written_when_it_begins_and_when_it_ends(in_file: Store, tmp_path: Path) -> None:
    sitting = in_file.begin_sitting(RUN.run_id, "Ada")
    in_file.end_sitting(sitting)
    with closing(sqlite3.connect(tmp_path / "overread.db")) as connection:
        told = connection.execute(
            "SELECT session_id, study_id, reader_id, author, event FROM sessions ORDER BY seq"
        )
        who = (sitting.session_id, sitting.study_id, sitting.reader_id, sitting.reader_id)
        assert told.fetchall() == [(*who, "begun"), (*who, "ended")]


# ------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"image_id": "f" * 64}, "has no case"),
        ({"label": "normal"}, "agrees, but with 'normal'"),
        ({"label": None}, "agrees, but with None"),
        ({"verdict": Verdict.OVERRULE, "label": None}, "needs a class"),
        ({"verdict": Verdict.OVERRULE, "label": "gout"}, "not a class of this run"),
        ({"verdict": Verdict.OVERRULE}, "is already the predicted class"),
        ({"verdict": Verdict.UNSURE}, "but names the class"),
        ({"verdict": Verdict.NOT_DIAGNOSTIC}, "but names the class"),
        ({"reader": "  "}, "reader's name"),
        ({"reader": "x" * 201}, "reader's name"),
        ({"comment": "x" * 10_001}, "10,001 characters"),
        ({"seconds": math.nan}, "reading time"),
        ({"seconds": -1.0}, "reading time"),
        ({"regions": (Region(x=math.nan, y=0, width=1, height=1),)}, "cannot be read"),
        ({"regions": (Region(x=1.2, y=0, width=1, height=1),)}, "lies outside the image"),
        ({"regions": (Region(x=0.5, y=0.5, width=0, height=0.2),)}, "lies outside the image"),
        ({"regions": (Region(x=0, y=0, width=1, height=1),) * 201}, "201 regions"),
        ({"regions": (Region(x=0, y=0, width=1, height=1, shape="star"),)}, "not known"),
        ({"regions": (Region(x=0, y=0, width=1, height=1, points=((0, 0), (1, 0), (1, 1))),)}, "not known"),
        (
            {"regions": (replace(POLYGON, points=((0.1, 0.2), (0.5, math.inf), (0.3, 0.8))),)},
            "cannot be read",
        ),
        ({"regions": (replace(POLYGON, points=((0.1, 0.2), (0.5, 0.2))),)}, "2 corners"),
        ({"regions": (replace(POLYGON, points=((1.1, 0.2), (1.5, 0.2), (1.2, 0.9))),)}, "outside the image"),
    ],
)
def test_a_verdict_that_contradicts_itself_is_refused_and_nothing_is_stored(
    store: Store, changes: dict[str, object], words: str
) -> None:
    store.add_cases(RUN.run_id, [prediction(1)])
    with pytest.raises(ReviewError, match=words):
        store.add_review(agree(1, **changes))
    assert store.reviews(RUN.run_id) == []
    assert store.count(RUN.run_id, "not yet read", "Ada") == 1


def test_a_verdict_on_a_prediction_that_was_not_on_the_screen_is_refused(store: Store) -> None:
    store.add_cases(RUN.run_id, [prediction(1)])
    with pytest.raises(ReviewError, match="The screen showed 'normal'"):
        store.add_review(agree(1), Given(shown="normal"))
    store.add_review(agree(1), Given(shown="pneumonia"))


def test_what_hangs_over_the_edge_of_the_image_is_cut_off(store: Store) -> None:
    store.add_cases(RUN.run_id, [prediction(1)])
    store.add_review(agree(1, reader=" Ada ", regions=(Region(x=-0.5, y=0.75, width=1.0, height=9.0),)))
    (kept,) = store.reviews(RUN.run_id, reader="Ada")
    assert kept.regions == (Region(x=0.0, y=0.75, width=0.5, height=0.25),)


# --------------------------------------------------------------------------------------------------- queues

CASES = st.lists(
    st.tuples(
        st.sampled_from([0.1, 0.4, 0.6, 0.9]),  # few values, so that ties are common
        st.sampled_from(["normal", "pneumonia", None]),
        st.sampled_from([*PARTS, None]),
        st.sampled_from([None, Verdict.AGREE, Verdict.OVERRULE, Verdict.UNSURE, Verdict.NOT_DIAGNOSTIC]),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cases=CASES, part=st.sampled_from([None, "test"]))
def test_every_queue_walks_its_cases_once_in_order_both_ways(
    tmp_path_factory: pytest.TempPathFactory, cases: list[tuple[float, str, str, Verdict]], part: str
) -> None:
    with open_store(tmp_path_factory.mktemp("queues") / "overread.db") as store:
        with_readers(store).add_run(RUN)
        stored = [
            replace(prediction(number, p, label, side), distance=(None, 0.4, 1.5, 2.5)[number % 4])
            for number, (p, label, side, _) in enumerate(cases)
        ]
        store.add_cases(RUN.run_id, stored)
        said = {}
        for case, (_, _, _, verdict) in zip(stored, cases, strict=True):
            if verdict is None:
                continue
            other = "normal" if case.predicted == "pneumonia" else "pneumonia"
            label = {Verdict.AGREE: case.predicted, Verdict.OVERRULE: other}.get(verdict)
            store.add_review(
                agree(int(case.image_id, 16), verdict=Verdict.UNSURE, label=None)
            )  # then corrected
            store.add_review(agree(int(case.image_id, 16), verdict=verdict, label=label))
            store.add_review(agree(int(case.image_id, 16), reader="Ben", verdict=Verdict.UNSURE, label=None))
            said[case.image_id] = verdict
        suspicion = {
            case.image_id: round(number * 0.37 % 1, 2) for number, case in enumerate(stored) if number % 3
        }
        store.labels.suspect(RUN.run_id, suspicion)
        flagged = {case.image_id for number, case in enumerate(stored) if number % 3 == 1}
        for image_id in flagged:
            store.flag(RUN.run_id, image_id, "Ada")
        members = {
            "uncertain": lambda case: True,
            "unlike training": lambda case: case.distance is not None and case.distance > 1,
            "flagged": lambda case: case.image_id in flagged,
            # Ben was unsure of all that Ada read
            "readers differ": lambda case: said.get(case.image_id) not in (None, Verdict.UNSURE),
            "likely mislabelled": lambda case: case.image_id in suspicion,
            "not yet read": lambda case: case.image_id not in said,
            "random sample": lambda case: True,
            "errors": lambda case: case.label is not None and case.label != case.predicted,
            "most uncertain": lambda case: True,
            "unsure": lambda case: said.get(case.image_id) in {Verdict.UNSURE, Verdict.NOT_DIAGNOSTIC},
            "overruled": lambda case: said.get(case.image_id) is Verdict.OVERRULE,
            "all": lambda case: True,
        }
        assert members.keys() == QUEUES.keys()
        falling = {
            "uncertain": lambda case: case.entropy,
            "unlike training": lambda case: case.distance,
            "likely mislabelled": lambda case: suspicion[case.image_id],
            "errors": lambda case: max(case.probabilities),
            "most uncertain": lambda case: (
                -round(abs(math.log(case.probabilities[1] / case.probabilities[0])), 9)
            ),
        }
        for queue, belongs in members.items():
            expected = {case.image_id for case in stored if belongs(case) and part in (None, case.part)}
            walked = []
            case = store.first(RUN.run_id, queue, "Ada", part)  # type: ignore[arg-type]
            while case is not None and case.image_id not in walked:
                walked.append(case.image_id)
                assert store.place(RUN.run_id, queue, "Ada", case.image_id, part) == len(walked)  # type: ignore[arg-type]
                case = store.next(RUN.run_id, queue, "Ada", case.image_id, part)  # type: ignore[arg-type]
            assert set(walked) == expected and len(walked) == len(expected)
            assert store.count(RUN.run_id, queue, "Ada", part) == len(expected)  # type: ignore[arg-type]
            upcoming = store.upcoming(RUN.run_id, queue, "Ada", None, part, k=100)  # type: ignore[arg-type]
            assert [case.image_id for case in upcoming] == walked
            if queue in falling:
                keys = [falling[queue](case) for case in upcoming]
                assert keys == sorted(keys, reverse=True)
            if queue != "not yet read":
                for before, after in zip([None, *walked], walked, strict=False):
                    found = store.previous(RUN.run_id, queue, "Ada", after, part)  # type: ignore[arg-type]
                    assert (found and found.image_id) == before


def test_the_order_is_random_but_the_same_for_every_reader_and_every_opening(tmp_path: Path) -> None:
    with open_store(tmp_path / "overread.db") as store:
        store.add_run(RUN)
        store.add_cases(RUN.run_id, [prediction(number) for number in range(100)])
        order = [int(case.image_id, 16) for case in store.upcoming(RUN.run_id, "all", "Ada", None, k=100)]
    assert sorted(order) == list(range(100)) != order
    with open_store(tmp_path / "overread.db") as store:
        assert [int(c.image_id, 16) for c in store.upcoming(RUN.run_id, "all", "Ben", None, k=100)] == order


@pytest.mark.parametrize("part", [None, "test"])
def test_a_random_sample_is_the_start_of_the_random_order_whoever_has_read_what(
    store: Store, part: str | None
) -> None:
    sides = [prediction(number, part="val" if number % 3 == 0 else "test") for number in range(200)]
    store.add_cases(RUN.run_id, sides)
    order = store.upcoming(RUN.run_id, "all", "Ada", None, part, k=200)  # type: ignore[arg-type]
    store.add_review(agree(int(order[3].image_id, 16)))
    drawn = store.upcoming(RUN.run_id, "random sample", "Ada", None, part, k=200)  # type: ignore[arg-type]
    assert drawn == order[:100]
    assert store.count(RUN.run_id, "random sample", "Ada", part) == 100  # type: ignore[arg-type]


def test_the_case_nearest_to_the_operating_point_is_the_most_uncertain_wherever_that_lies(
    store: Store,
) -> None:
    low = replace(RUN, run_id="20260102-120000-abcd", threshold=0.1)
    store.add_run(low)
    for run_id in (RUN.run_id, low.run_id):
        store.add_cases(run_id, [prediction(1, 0.12), prediction(2, 0.4), prediction(3, 0.52)])
    first = [store.first(run_id, "most uncertain", "Ada") for run_id in (RUN.run_id, low.run_id)]
    assert [one and int(one.image_id, 16) for one in first] == [3, 1]
    assert first[1] is not None
    assert first[1].margin == pytest.approx(math.log(0.12 / 0.88) - math.log(0.1 / 0.9))


def test_going_back_from_not_yet_read_shows_the_case_just_read(store: Store) -> None:
    store.add_cases(RUN.run_id, [prediction(number) for number in range(5)])
    first = store.first(RUN.run_id, "not yet read", "Ada")
    assert first is not None
    store.add_review(agree(int(first.image_id, 16)))
    second = store.next(RUN.run_id, "not yet read", "Ada", first.image_id)
    assert second is not None
    assert store.previous(RUN.run_id, "not yet read", "Ada", second.image_id) == first


def test_a_case_passed_over_comes_round_again(store: Store) -> None:
    store.add_cases(RUN.run_id, [prediction(number) for number in range(3)])
    skipped, second, third = store.upcoming(RUN.run_id, "not yet read", "Ada", None)
    for case in (second, third):
        store.add_review(agree(int(case.image_id, 16)))
    assert store.next(RUN.run_id, "not yet read", "Ada", third.image_id) == skipped
    assert store.progress(RUN.run_id, "Ada") == (2, 3)
    store.add_review(agree(int(skipped.image_id, 16)))
    assert store.next(RUN.run_id, "not yet read", "Ada", skipped.image_id) is None


def test_a_reader_goes_on_where_she_stopped(store: Store) -> None:
    store.add_cases(RUN.run_id, [prediction(number) for number in range(5)])
    order = store.upcoming(RUN.run_id, "not yet read", "Ada", None, k=5)
    assert store.resume(RUN.run_id, "not yet read", "Ada") == order[0]
    store.bookmark(RUN.run_id, "not yet read", "Ada", order[2].image_id)
    assert store.resume(RUN.run_id, "not yet read", "Ada") == order[2]
    assert store.resume(RUN.run_id, "not yet read", "Ben") == order[0]
    assert store.resume(RUN.run_id, "all", "Ada") == order[0]
    store.add_review(agree(int(order[2].image_id, 16)))
    assert store.resume(RUN.run_id, "not yet read", "Ada") == order[3]
    for case in order[3:]:
        store.add_review(agree(int(case.image_id, 16)))
    assert store.resume(RUN.run_id, "not yet read", "Ada") == order[0]


def test_an_unknown_queue_is_answered_with_the_list(store: Store) -> None:
    with pytest.raises(StoreError, match="not yet read, random sample, errors"):
        store.count(RUN.run_id, "nope", "Ada")


@pytest.mark.parametrize("queue", QUEUES)
@pytest.mark.parametrize("part", [None, "test"])
def test_the_next_case_is_found_by_an_index_without_sorting(
    in_file: Store, queue: str, part: str | None
) -> None:
    in_file.add_cases(RUN.run_id, [prediction(number) for number in range(10)])
    in_file.people()  # who reads is known: it is asked once, until it changes
    ran: list[tuple[str, tuple[object, ...]]] = []

    @event.listens_for(in_file._database.engine, "before_cursor_execute")
    def note(_c: object, _cursor: object, sql: str, values: tuple[object, ...], *_: object) -> None:
        ran.append((sql, values))

    in_file.next(RUN.run_id, queue, "Ada", f"{1:064x}", part)  # type: ignore[arg-type]
    with in_file._database.read() as connection:
        for sql, values in [statement for statement in ran if statement[0].startswith("SELECT")]:
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)]
            assert not [step for step in plan if step.startswith("SCAN")], plan
            if queue != "unsure":  # two verdicts at once: the few unsure cases may be sorted
                assert not [step for step in plan if "TEMP B-TREE" in step], plan


# ------------------------------------------------------------------------------------------------- failures


def test_a_lock_held_by_another_program_is_said_and_the_verdict_can_be_given_again(
    in_file: Store, tmp_path: Path
) -> None:
    in_file.add_cases(RUN.run_id, [prediction(1)])
    with closing(sqlite3.connect(tmp_path / "overread.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"locked by another program.*Close other programs"):
            in_file.add_review(agree(1))
        assert in_file.count(RUN.run_id, "not yet read", "Ada") == 1  # reading goes on meanwhile
        other.execute("COMMIT")
    in_file.add_review(agree(1))


def test_a_database_locked_while_it_is_opened_is_said(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "overread.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="locked by another program"):
            open_store(tmp_path / "overread.db", busy_seconds=0.2)


def test_a_read_only_database_can_be_read_and_says_why_it_cannot_be_written(
    in_file: Store, tmp_path: Path
) -> None:
    in_file.add_cases(RUN.run_id, [prediction(1)])
    with open_store(f"sqlite:///file:{tmp_path / 'overread.db'}?mode=ro&uri=true") as reader:
        assert len(reader.predictions(RUN.run_id)) == 1
        with pytest.raises(StoreError, match=r"read-only.*choose another workspace \(.*--workspace"):
            reader.add_review(agree(1))


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write to read-only files"
)
def test_a_read_only_folder_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="opened or created"):
        open_store(tmp_path / "overread.db")


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened or created"):
        open_store(tmp_path / "nowhere" / "overread.db")


def test_a_full_disk_is_said_and_what_was_stored_before_is_kept(in_file: Store) -> None:
    in_file.add_cases(RUN.run_id, [prediction(1)])
    in_file.add_review(agree(1))
    engine = in_file._database.engine
    engine.dispose()

    @event.listens_for(engine, "connect")
    def no_room(connection: sqlite3.Connection, _record: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(StoreError, match=r"disk is full.*Free some space"):
        in_file.add_cases(RUN.run_id, [prediction(number) for number in range(2, 2000)])
    assert len(in_file.reviews(RUN.run_id)) == len(in_file.predictions(RUN.run_id)) == 1


def test_a_full_tmpfs_is_said_and_what_was_stored_before_is_kept(tmp_path: Path) -> None:
    mounted = (
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=800k", "tmpfs", str(tmp_path)], capture_output=True
        )
        if sys.platform == "linux"
        else None
    )
    if mounted is None or mounted.returncode:
        pytest.skip("a small tmpfs cannot be mounted here")
    try:
        with open_store(tmp_path / "overread.db") as store:
            with_readers(store).add_run(RUN)
            store.add_cases(RUN.run_id, [prediction(1)])
            store.add_review(agree(1))
            with pytest.raises(StoreError, match="disk"):
                store.add_cases(RUN.run_id, [prediction(number) for number in range(2, 2000)])
            assert len(store.reviews(RUN.run_id)) == len(store.predictions(RUN.run_id)) == 1
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_file_that_is_no_database_is_said_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "overread.db").write_bytes(b"These are my holiday pictures. " * 200)
    with pytest.raises(StoreError, match=r"not a database.*backup"):
        open_store(tmp_path / "overread.db")
    assert (tmp_path / "overread.db").read_bytes().startswith(b"These are my holiday")


def test_a_damaged_database_is_said(in_file: Store, tmp_path: Path) -> None:
    in_file.add_cases(RUN.run_id, [prediction(number) for number in range(500)])
    in_file.close()
    path = tmp_path / "overread.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    damaged = bytearray(path.read_bytes())
    damaged[4096:] = os.urandom(len(damaged) - 4096)
    path.write_bytes(damaged)
    with pytest.raises(StoreError, match="damaged"), open_store(path) as broken:
        broken.predictions(RUN.run_id)


def test_a_driver_that_is_not_installed_and_a_url_that_is_none_are_said() -> None:
    with pytest.raises(StoreError, match="driver"):
        open_store("postgresql+nosuchdriver://host/name")
    with pytest.raises(StoreError, match=r"driver|URL"):
        open_store("no such://thing")


@pytest.mark.parametrize("text", ["a \ud83d b", "\udc80", "a\0b"])
def test_half_a_character_is_refused_in_a_sentence_and_nothing_is_stored(store: Store, text: str) -> None:
    store.add_cases(RUN.run_id, [prediction(0)])
    region = Region(x=0, y=0, width=1, height=1, label=text)
    for said in ({"comment": text}, {"reader": f"A {text}"}, {"regions": (region,)}):
        with pytest.raises(ReviewError, match="cannot be stored"):
            store.add_review(agree(0, **said))
    assert not store.reviews(RUN.run_id)
