"""A study is read as its protocol says: who, which case, in which order, knowing what, and nothing is lost of it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.errors import AnsweredElsewhere, ReviewError
from engine.reading.answers import Given
from engine.reading.people import Reader
from engine.reading.sittings import Shown, Sitting
from engine.reading.store import Store, open_store
from engine.reading.studies.planning.designs import DESIGNS, DesignName
from engine.reading.studies.planning.protocol import Drawn, Protocol
from engine.reading.studies.planning.records import StudyAnswer, Task
from engine.records import Sample
from tests.engine.reading.test_store import RUN, agree, prediction

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
MAKING = "engine.reading.studies.making"
PEOPLE = {"Ada": "reader", "Ben": "reader", "Cleo": "adjudicator", "Gus": "guest", "Dan": "reader"}


@pytest.fixture
def store(database: Path | str) -> Iterator[Store]:
    with open_store(database) as opened:
        yield filled(opened)


def filled(store: Store) -> Store:
    """Add a run with twelve cases, of which the model is right on eight, and five people."""
    store.add_run(RUN)
    labels = ("normal", "pneumonia", "pneumonia")
    store.add_cases(
        RUN.run_id, [prediction(n, p=0.2 if n % 2 else 0.8, label=labels[n % 3]) for n in range(12)]
    )
    for name, role in PEOPLE.items():
        store.add_reader(Reader(reader_id="", name=name, role=role))
    return store


def protocol(design: DesignName = "blind then assisted", **changes: object) -> Protocol:
    told = Protocol(
        name="films", design=design, run_id=RUN.run_id, readers=("Ada", "Ben"), adjudicator="Cleo"
    )
    if design == "wash-out":
        told = replace(told, wash_out_days=28)
    if design == "annotation":
        told = replace(told, run_id=None, dataset_id="0123456789ab", classes=("normal", "effusion"))
    return replace(told, **changes)  # type: ignore[arg-type]


def samples(n: int = 6) -> list[Sample]:
    """Images of a data set without labels."""
    return [
        Sample(
            path=Path(f"/films/{number}.png"), image_id=f"{number:064x}", label=None, patient_id=f"p{number}"
        )
        for number in range(n)
    ]


def made(store: Store, design: DesignName = "blind then assisted", **changes: object) -> str:
    told = protocol(design, **changes)
    return store.studies.create(told, samples=samples() if design == "annotation" else ()).study_id


def said(task: Task, label: str = "pneumonia", **changes: object) -> StudyAnswer:
    told = StudyAnswer(
        study_id=task.study_id, image_id=task.image_id, arm=task.arm, verdict="read", label=label, seconds=4.0
    )
    return replace(told, **changes)  # type: ignore[arg-type]


def read(store: Store, sitting: Sitting, task: Task, label: str = "pneumonia", **changes: object) -> int:
    """Read a case as a page does: what is shown is written first."""
    now = changes.pop("now", NOW)
    if task.arm == "assisted":
        store.expose(sitting, Shown(image_id=task.image_id, map="grad-cam"))
    return store.studies.answer(said(task, label, **changes), sitting, last=task.last, now=now)  # type: ignore[arg-type]


def walk(
    store: Store, study_id: str, reader: str, *, now: datetime = NOW, label: str = "pneumonia"
) -> list[Task]:
    """Read all that a reader is given, and return it in its order."""
    sitting, seen = store.studies.begin(study_id, reader), []
    while (task := store.studies.next(study_id, reader, now=now)) is not None:
        seen.append(task)
        if task.arm == "adjudication":
            store.studies.dispute(sitting, task.image_id)
            store.studies.answer(said(task, label, comment="by the second film"), sitting, now=now)
        else:
            read(store, sitting, task, label, now=now)
    store.studies.end(sitting)
    return seen


# ---------------------------------------------------------------------------------------------- the designs


@pytest.mark.parametrize("design", [name for name in DESIGNS if name != "wash-out"])
def test_each_design_gives_each_reader_every_case_once_in_each_arm_that_it_has(
    store: Store, design: DesignName
) -> None:
    study_id = made(store, design)
    for reader in ("Ada", "Ben"):
        seen = walk(store, study_id, reader, label="normal")
        by_arm = {arm: [task.image_id for task in seen if task.arm == arm] for arm in DESIGNS[design].arms}
        assert set(by_arm) == {task.arm for task in seen}
        last = by_arm[DESIGNS[design].arms[-1]]
        assert sorted(last) == store.studies.images(study_id) and len(last) == len(set(last))
        place = {
            image_id: number for number, image_id in enumerate(last, 1)
        }  # a case has one number in all its arms
        assert [(task.number, task.of) for task in seen] == [
            (place[task.image_id], len(last)) for task in seen
        ]
    assert all(one.read == one.of for one in store.studies.progress(study_id))
    assert store.audit().found == ()


def test_a_case_is_read_blind_and_then_at_once_assisted(store: Store) -> None:
    seen = walk(store, made(store), "Ada")
    for blind, assisted in zip(seen[::2], seen[1::2], strict=True):
        assert (blind.arm, assisted.arm) == ("blind", "assisted") and blind.image_id == assisted.image_id
        assert blind.advice is None and assisted.advice is not None


def test_readers_have_orders_of_their_own_that_stay(store: Store, database: Path | str) -> None:
    study_id = made(store, "blind")
    ada, ben = (
        [task.image_id for task in store.studies.upcoming(study_id, who, k=99)] for who in ("Ada", "Ben")
    )
    assert ada != ben and sorted(ada) == sorted(ben)
    with open_store(database) as other:
        assert [task.image_id for task in other.studies.upcoming(study_id, "Ada", k=99)] == ada


def test_reading_goes_on_where_it_stopped_on_another_computer(store: Store, database: Path | str) -> None:
    study_id = made(store)
    sitting = store.studies.begin(study_id, "Ada")
    for _ in range(5):
        task = store.studies.next(study_id, "Ada")
        assert task is not None
        read(store, sitting, task)
    expected = store.studies.next(study_id, "Ada")
    with open_store(database) as other:
        assert other.studies.next(study_id, "Ada") == expected
        assert expected is not None and (expected.arm, expected.number) == ("assisted", 3)


def test_assisted_cases_open_when_the_wash_out_is_over_and_not_before(store: Store) -> None:
    study_id = made(store, "wash-out")
    first = walk(store, study_id, "Ada")
    assert {task.arm for task in first} == {"blind"} and len(first) == 12
    opens = NOW + timedelta(days=28)
    assert store.studies.waits_until(study_id, "Ada", now=NOW) == opens
    assert store.studies.waits_until(study_id, "Ben", now=NOW) is None  # has not read anything yet
    early = opens - timedelta(seconds=1)
    assert store.studies.next(study_id, "Ada", now=early) is None
    sitting = store.studies.begin(study_id, "Ada")
    closed = store.studies.task(study_id, "Ada", first[0].image_id, "assisted", now=early)
    assert closed.opens == opens and closed.advice is None
    with pytest.raises(ReviewError, match="wash-out lasts until 29 March 2026"):
        store.studies.answer(said(closed), sitting, now=early)
    second = walk(store, study_id, "Ada", now=opens)
    assert {task.arm for task in second} == {"assisted"}
    orders = [[task.image_id for task in half] for half in (first, second)]
    assert orders[0] != orders[1] and sorted(orders[0]) == sorted(orders[1])


def test_concurrent_and_second_reader_halves_change_sides_from_reader_to_reader(store: Store) -> None:
    study_id = made(store, "concurrent against second reader")
    blind = {
        who: {task.image_id for task in walk(store, study_id, who) if task.arm == "blind"}
        for who in ("Ada", "Ben")
    }
    assert len(blind["Ada"]) == len(blind["Ben"]) == 6
    assert blind["Ada"] | blind["Ben"] == set(store.studies.images(study_id))


def test_images_without_labels_and_without_a_run_are_annotated(store: Store) -> None:
    study_id = made(store, "annotation")
    seen = walk(store, study_id, "Ada", label="effusion")
    assert [(task.arm, task.advice) for task in seen] == [("annotation", None)] * 6
    assert {task.path for task in seen} == {sample.path for sample in samples()}
    assert {task.patient for task in seen} == {sample.patient_id for sample in samples()}
    ben = store.studies.begin(study_id, "Ben")
    with pytest.raises(ReviewError, match="read blind first"):  # labels are given without anything known, too
        store.expose(ben, Shown(image_id=seen[0].image_id, prediction=False, others=True))
    walk(store, study_id, "Ben", label="effusion")
    assert store.studies.consensus(study_id) == dict.fromkeys(store.studies.images(study_id), "effusion")


# --------------------------------------------------------------------------------------------- blind is blind


def test_nothing_of_the_machine_is_given_before_the_blind_answer(store: Store) -> None:
    study_id = made(store)
    sitting = store.studies.begin(study_id, "Ada")
    blind, assisted, *_ = store.studies.upcoming(study_id, "Ada", k=6)
    assert assisted.arm == "assisted"
    assert all(task.advice is None for task in store.studies.upcoming(study_id, "Ada", k=99))
    with pytest.raises(ReviewError, match="Answer it blind first"):
        store.studies.task(study_id, "Ada", assisted.image_id, "assisted")
    with pytest.raises(ReviewError, match="Answer it blind first"):
        store.studies.answer(said(assisted), sitting)
    before = store.head()
    for shown in SEEN:
        with pytest.raises(ReviewError, match="read blind first"):
            store.expose(sitting, replace(shown, image_id=blind.image_id))
    assert store.head() == before  # and nobody is said to have seen it
    store.expose(sitting, Shown(image_id=blind.image_id, prediction=False))  # the image alone
    store.studies.answer(said(blind), sitting)
    assert store.studies.task(study_id, "Ada", assisted.image_id, "assisted").advice is not None


SEEN = [
    Shown(image_id=""),
    Shown(image_id="", prediction=False, map="grad-cam"),
    Shown(image_id="", prediction=False, label=True),
    Shown(image_id="", prediction=False, others=True),
    Shown(image_id="", prediction=False, similar=True),
]


@pytest.mark.parametrize("shown", SEEN, ids=["prediction", "map", "label", "others", "similar"])
def test_a_blind_answer_after_anything_else_was_seen_anywhere_is_kept_and_marked(
    store: Store, shown: Shown
) -> None:
    study_id = made(store, "blind")
    task = store.studies.next(study_id, "Ada")
    assert task is not None
    elsewhere = store.begin_sitting(RUN.run_id, "Ada")
    store.expose(elsewhere, replace(shown, image_id=task.image_id))
    others = store.begin_sitting(RUN.run_id, "Dan")  # what somebody else saw is nothing to Ada
    rest = store.studies.upcoming(study_id, "Ada", k=3)[1:]
    for each in rest:
        store.expose(others, replace(shown, image_id=each.image_id))
    walk(store, study_id, "Ada")
    marked = {answer.image_id for answer in store.studies.answers(study_id) if answer.contaminated}
    assert marked == {task.image_id}
    certificate = store.studies.exposures(study_id)
    (seq,) = [answer.seq for answer in store.studies.answers(study_id) if answer.image_id == task.image_id]
    assert seq is not None and certificate[seq].contaminated


def test_a_review_without_a_sitting_has_shown_its_prediction(store: Store) -> None:
    study_id = made(store, "blind")
    task = store.studies.next(study_id, "Ada")
    assert task is not None
    number = int(task.image_id, 16)
    store.add_review(agree(number, label="normal" if number % 2 else "pneumonia"))
    walk(store, study_id, "Ada")
    (marked,) = [answer for answer in store.studies.answers(study_id) if answer.contaminated]
    assert marked.image_id == task.image_id and store.studies.exposures(study_id)[marked.seq or 0].prediction


def test_a_person_under_two_names_has_one_pair_of_eyes(store: Store) -> None:
    study_id = made(store, "blind")
    task = store.studies.next(study_id, "Ada")
    assert task is not None
    store.add_reader(Reader(reader_id="", name="A. Lovelace"))
    store.expose(store.begin_sitting(RUN.run_id, "A. Lovelace"), Shown(image_id=task.image_id))
    walk(store, study_id, "Ada")
    assert not any(answer.contaminated for answer in store.studies.answers(study_id))
    store.join_readers("A. Lovelace", "Ada")
    assert [answer.image_id for answer in store.studies.answers(study_id) if answer.contaminated] == [
        task.image_id
    ]


def test_a_blind_answer_stands_once_the_machine_was_seen_and_what_is_said_later_is_marked(
    store: Store,
) -> None:
    study_id = made(store)
    sitting = store.studies.begin(study_id, "Ada")
    blind = store.studies.next(study_id, "Ada")
    assert blind is not None
    first = read(store, sitting, blind, "normal")
    assisted = store.studies.next(study_id, "Ada")
    assert assisted is not None
    read(store, sitting, assisted, "pneumonia")
    with pytest.raises(ReviewError, match="so that it stands"):
        store.studies.undo(sitting, blind.image_id, "blind")
    again = store.studies.answer(said(blind, "pneumonia"), sitting)
    everything = {answer.seq: answer for answer in store.studies.answers(study_id, arm="blind", latest=False)}
    assert (
        everything[again].contaminated
        and not everything[again].stands
        and everything[again].supersedes == first
    )
    (stands,) = store.studies.answers(study_id, arm="blind")
    assert (stands.seq, stands.label, stands.contaminated) == (first, "normal", False)


def test_an_assisted_answer_may_know_what_its_arm_shows_and_no_more(store: Store) -> None:
    study_id = made(store, "assisted", shown=("prediction",))
    sitting = store.studies.begin(study_id, "Ada")
    tasks = store.studies.upcoming(study_id, "Ada", k=3)
    for task, shown in zip(
        tasks,
        (Shown(image_id=""), Shown(image_id="", map="grad-cam"), Shown(image_id="", label=True)),
        strict=True,
    ):
        store.expose(sitting, replace(shown, image_id=task.image_id))
        store.studies.answer(said(task), sitting)
    by_case = {answer.image_id: answer.contaminated for answer in store.studies.answers(study_id)}
    assert [by_case[task.image_id] for task in tasks] == [False, True, True]


# --------------------------------------------------------------------------------------------------- answers


def test_an_assisted_answer_agrees_or_overrules_by_what_was_on_the_screen(store: Store) -> None:
    walk(store, made(store, "assisted"), "Ada", label="pneumonia")
    for answer in store.studies.answers("films"):
        assert answer.verdict == ("agree" if answer.predicted == "pneumonia" else "overrule")
        assert answer.predicted == ("pneumonia" if int(answer.image_id, 16) % 2 == 0 else "normal")


REFUSED = [
    ({"label": "effusion"}, "not a class of this study"),
    ({"label": None}, "names no class"),
    ({"verdict": "unsure"}, "names the class"),
    ({"verdict": "agree"}, "no answer in the blind arm"),
    ({"verdict": "taken back", "label": None}, "no answer in the blind arm"),
    ({"certainty": 3}, "was not asked"),
    ({"seconds": float("nan")}, "not a number of seconds"),
    ({"comment": "a\0b"}, "cannot be stored"),
    ({"comment": "x" * 10_001}, "Shorten it"),
    ({"arm": "assisted"}, "not assigned"),
    ({"image_id": f"{99:064x}"}, "not assigned"),
    ({"arm": "adjudication"}, "not the adjudicator"),
    ({"reader": "Ben"}, "another reading session"),
]


@pytest.mark.parametrize(("changes", "sentence"), REFUSED)
def test_what_contradicts_itself_or_the_protocol_is_refused(
    store: Store, changes: dict[str, object], sentence: str
) -> None:
    study_id = made(store, "blind")
    sitting = store.studies.begin(study_id, "Ada")
    task = store.studies.next(study_id, "Ada")
    assert task is not None
    with pytest.raises(ReviewError, match=sentence):
        store.studies.answer(said(task, **changes), sitting)  # type: ignore[arg-type]
    assert store.studies.answers(study_id, latest=False) == [] and store.audit().found == ()


@pytest.mark.parametrize(
    ("scale", "wrong"), [("1-5", (0, 6, 2.5, None)), ("0-100", (-1, 101, None, float("nan")))]
)
def test_certainty_is_asked_on_the_scale_of_the_protocol(
    store: Store, scale: str, wrong: tuple[float, ...]
) -> None:
    study_id = made(store, "blind", certainty=scale)
    sitting = store.studies.begin(study_id, "Ada")
    task = store.studies.next(study_id, "Ada")
    assert task is not None
    for value in wrong:
        with pytest.raises(ReviewError, match="how sure"):
            store.studies.answer(said(task, certainty=value), sitting)
    store.studies.answer(said(task, certainty=4), sitting)
    store.studies.answer(
        said(task, certainty=None, verdict="unsure", label=None), sitting
    )  # nothing to be sure of
    assert [answer.certainty for answer in store.studies.answers(study_id, latest=False)] == [4, None]


def test_an_answer_that_is_sent_twice_is_stored_once(store: Store) -> None:
    study_id = made(store, "blind")
    sitting = store.studies.begin(study_id, "Ada")
    task = store.studies.next(study_id, "Ada")
    assert task is not None
    name = uuid.uuid4().hex
    numbers = {store.studies.answer(said(task), sitting, name=name, last=None) for _ in range(3)}
    back = uuid.uuid4().hex
    numbers |= {store.studies.undo(sitting, task.image_id, "blind", name=back) for _ in range(3)}
    assert len(numbers) == 2 and len(store.studies.answers(study_id, latest=False)) == 2


def test_a_second_window_cannot_answer_over_the_first_in_silence(store: Store) -> None:
    study_id = made(store, "blind")
    one, other = (store.studies.begin(study_id, "Ada") for _ in range(2))
    task = store.studies.next(study_id, "Ada")
    assert task is not None and task.last is None
    number = store.studies.answer(said(task, "normal"), one, last=task.last)
    with pytest.raises(AnsweredElsewhere):
        store.studies.answer(said(task, "pneumonia"), other, last=task.last)
    again = store.studies.task(study_id, "Ada", task.image_id, "blind")
    assert again.last == number
    store.studies.answer(said(task, "pneumonia"), other, last=again.last)


def test_an_undo_is_a_row_and_the_answer_before_stands_again(store: Store) -> None:
    study_id = made(store, "blind")
    sitting = store.studies.begin(study_id, "Ada")
    task = store.studies.next(study_id, "Ada")
    assert task is not None
    first = store.studies.answer(said(task, "normal"), sitting)
    store.studies.answer(said(task, "pneumonia"), sitting)
    store.studies.undo(sitting, task.image_id, "blind")
    assert [(one.seq, one.label) for one in store.studies.answers(study_id)] == [(first, "normal")]
    store.studies.undo(sitting, task.image_id, "blind")
    assert store.studies.answers(study_id) == []
    assert store.studies.next(study_id, "Ada") == task  # to be read again
    with pytest.raises(ReviewError, match="no answer to take back"):
        store.studies.undo(sitting, task.image_id, "blind")
    verdicts = [one.verdict for one in store.studies.answers(study_id, latest=False)]
    assert verdicts == ["read", "read", "taken back", "taken back"] and store.audit().found == ()


def test_answers_of_a_study_are_no_reviews_of_its_run(store: Store) -> None:
    walk(store, made(store), "Ada")
    assert store.reviews(RUN.run_id) == [] and store.readers(RUN.run_id) == []
    assert store.run(RUN.run_id).reviews == 0 and store.progress(RUN.run_id, "Ada") == (0, 12)
    assert store.audit().found == ()


def test_a_prediction_that_was_assigned_stays_on_the_screen_though_the_run_predicts_anew(
    store: Store,
) -> None:
    study_id = made(store, "assisted")
    task = store.studies.next(study_id, "Ada")
    assert task is not None and task.advice is not None
    store.add_cases(RUN.run_id, [prediction(int(task.image_id, 16), p=0.999)])
    again = store.studies.next(study_id, "Ada")
    assert again is not None and again.advice == task.advice


# ------------------------------------------------------------------------------------------- who may do what


def test_only_whom_the_protocol_names_sits_down(store: Store) -> None:
    study_id = made(store)
    for name in ("Dan", "Gus"):
        for what in (store.studies.begin, store.studies.next):
            with pytest.raises(ReviewError, match="is not a reader of"):
                what(study_id, name)
    with pytest.raises(ReviewError, match="no reader named"):
        store.studies.begin(study_id, "Nobody")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"readers": ("Ada", "Gus")}, "Gus is a guest and may not read"),
        ({"adjudicator": "Dan"}, "Dan is a reader and may not adjudicate"),
        ({"readers": ("Ada", "Cleo")}, "cannot be one of the readers"),
        ({"readers": ()}, "needs readers"),
        ({"readers": ("Ada", "Ada")}, "each once"),
        ({"name": " "}, "needs a name"),
        ({"design": "annotation"}, "cannot have a run"),
        ({"design": "sideways"}, "design cannot be 'sideways'"),
        ({"run_id": None, "dataset_id": "x", "classes": ("a", "b")}, "needs a run"),
        ({"classes": ("normal", "effusion")}, "not those of run"),
        ({"positive": "effusion"}, "positive class"),
        ({"wash_out_days": 3}, "wash-out"),
        ({"design": "wash-out"}, "wash-out"),
        ({"design": "blind", "wrong_advice": 0.1}, "Wrong advice can only"),
        ({"wrong_advice": 0.6}, "share of wrong advice"),
        ({"adjudicator": None, "consensus": "adjudicated"}, "no adjudicator"),
        ({"shown": ()}, "assisted case shows"),
        ({"drawn": Drawn(rule="enriched", n=4)}, "share of positives"),
        ({"drawn": Drawn(rule="random stratified")}, "how many cases"),
        ({"drawn": Drawn(rule="random stratified", n=13)}, "13 cases are asked for, but there are 12"),
        ({"drawn": Drawn(rule="filter", parts=("train",))}, "No case fits"),
        ({"drawn": Drawn(rule="filter", parts=("nowhere",))}, "parts"),
        ({"seed": 2**63}, "seed"),
    ],
)
def test_a_protocol_that_cannot_be_followed_is_refused_and_leaves_nothing(
    store: Store, changes: dict[str, object], sentence: str
) -> None:
    before = store.head()
    with pytest.raises(ReviewError, match=sentence):
        store.studies.create(replace(protocol(), **changes))  # type: ignore[arg-type]
    assert store.head() == before and store.studies.all() == []


def test_no_two_studies_have_one_name(store: Store) -> None:
    study = store.studies.create(protocol())
    with pytest.raises(ReviewError, match="already a study named"):
        store.studies.create(protocol())
    assert (
        store.studies.get("films")
        == store.studies.get(study.study_id)
        == store.studies.get(study.study_id[:8])
    )
    with pytest.raises(ReviewError, match="no study"):
        store.studies.get("other")


# -------------------------------------------------------------------------------------------- the protocol


def test_the_hash_is_fixed_by_the_first_reading_and_what_changes_later_is_a_deviation(store: Store) -> None:
    study = store.studies.create(protocol())
    assert study.state == "draft" and study.protocol_hash == study.protocol.hash
    drafted = store.studies.change(study.study_id, replace(study.protocol, endpoint="sensitivity"))
    assert drafted.deviations == () and drafted.protocol_hash != study.protocol_hash
    store.studies.begin(study.study_id, "Ada")
    opened = store.studies.get(study.study_id)
    assert opened.state == "open" and opened.first_reading is not None
    assert opened.protocol_hash == drafted.protocol_hash
    later = replace(opened.protocol, endpoint="specificity")
    with pytest.raises(ReviewError, match="needs a reason"):
        store.studies.change(study.study_id, later)
    after = store.studies.change(study.study_id, later, "the sponsor asked")
    (deviation,) = after.deviations
    assert deviation.reason == "the sponsor asked" and deviation.protocol_hash == later.hash
    assert deviation.changed == {"endpoint": ("sensitivity", "specificity")}
    assert after.protocol_hash == opened.protocol_hash and after.protocol == later


def test_a_lock_fixes_the_protocol_before_anybody_reads(store: Store) -> None:
    study = store.studies.create(protocol())
    locked = store.studies.lock(study.study_id)
    assert (
        locked.state == "locked" and locked.fixed is not None and store.studies.lock(study.study_id) == locked
    )
    changed = store.studies.change(study.study_id, replace(study.protocol, endpoint="x"), "late")
    assert changed.protocol_hash == study.protocol_hash and len(changed.deviations) == 1


@pytest.mark.parametrize("field", ["design", "seed", "wrong_advice", "run_id"])
def test_what_the_cases_were_drawn_by_cannot_be_changed(store: Store, field: str) -> None:
    study = store.studies.create(protocol())
    other = {"design": "assisted", "seed": 5, "wrong_advice": 0.1, "run_id": None}[field]
    with pytest.raises(ReviewError, match=field):
        store.studies.change(study.study_id, replace(study.protocol, **{field: other}), "why not")  # type: ignore[arg-type]


def test_a_reader_who_is_added_is_given_the_same_cases(store: Store) -> None:
    study = store.studies.create(protocol(wrong_advice=0.25))
    walk(store, study.study_id, "Ada")
    store.studies.change(
        study.study_id, replace(study.protocol, readers=(*study.protocol.readers, "Dan")), "one more"
    )
    cases = [task.image_id for task in walk(store, study.study_id, "Dan") if task.arm == "assisted"]
    assert sorted(cases) == store.studies.images(study.study_id)
    store.studies.close(study.study_id)
    ada, dan = (store.studies.disclosure(study.study_id, who) for who in ("Ada", "Dan"))
    assert {one.image_id for one in ada} == {one.image_id for one in dan} and len(ada) == 3


def test_nothing_is_added_to_a_closed_study(store: Store) -> None:
    study_id = made(store)
    sitting = store.studies.begin(study_id, "Ada")
    task = store.studies.next(study_id, "Ada")
    assert task is not None
    store.studies.answer(said(task), sitting)
    closed = store.studies.close(study_id)
    assert closed.state == "closed" and store.studies.close(study_id) == closed
    for act in (
        lambda: store.studies.answer(said(task), sitting),
        lambda: store.studies.undo(sitting, task.image_id, "blind"),
        lambda: store.studies.begin(study_id, "Ada"),
        lambda: store.studies.lock("films") if closed.fixed is None else store.studies.begin(study_id, "Ben"),
        lambda: store.studies.change(study_id, replace(closed.protocol, endpoint="x"), "late"),
    ):
        with pytest.raises(ReviewError, match="closed"):
            act()
    assert store.studies.next(study_id, "Ada") is None


# ------------------------------------------------------------------------------------------- wrong advice


def test_wrong_advice_names_the_other_class_where_the_machine_was_right_and_is_disclosed_at_the_end(
    store: Store,
) -> None:
    study_id = made(store, wrong_advice=0.25)
    seen = {task.image_id: task for task in walk(store, study_id, "Ada") if task.arm == "assisted"}
    with pytest.raises(ReviewError, match="disclosed when the study is closed"):
        store.studies.disclosure(study_id, "Ada")
    store.studies.close(study_id)
    disclosed = store.studies.disclosure(study_id, "Ada")
    assert len(disclosed) == 3
    for one in disclosed:
        told = seen[one.image_id].advice
        assert one.predicted == one.label != one.shown and one.answered == "pneumonia"
        assert told is not None and told.predicted == one.shown
        right = store.case(RUN.run_id, one.image_id)
        assert told.probabilities == pytest.approx(right.probabilities[::-1])  # mirrored at .5
    honest = set(seen) - {one.image_id for one in disclosed}
    for image_id in honest:
        told, case = seen[image_id].advice, store.case(RUN.run_id, image_id)
        assert told is not None and (told.predicted, told.probabilities) == (
            case.predicted,
            case.probabilities,
        )


# ------------------------------------------------------------------------------------------- adjudication


def test_what_readers_disagree_on_comes_to_the_adjudicator_without_their_names(store: Store) -> None:
    study_id = made(store, "blind", consensus="adjudicated")
    walk(store, study_id, "Ada", label="normal")
    assert store.studies.disagreements(study_id) == [] and store.studies.next(study_id, "Cleo") is None
    sitting = store.studies.begin(study_id, "Ben")
    for number in range(12):
        task = store.studies.next(study_id, "Ben")
        assert task is not None
        read(store, sitting, task, "pneumonia" if number < 4 else "normal", comment="seen")
    found = store.studies.disagreements(study_id)
    assert len(found) == 4
    ids = {reader.reader_id for reader in store.people()}
    for one in found:
        assert set(one.readings) == {"Reader A", "Reader B"}
        assert {answer.label for answer in one.readings.values()} == {"normal", "pneumonia"}
        for answer in one.readings.values():
            assert not ids & {answer.reader} and answer.seq is None and answer.at is None
    assert list(store.studies.consensus(study_id).values()).count(None) == 4
    settled = walk(store, study_id, "Cleo")
    assert [(task.arm, task.number, task.of) for task in settled] == [
        ("adjudication", n, 4) for n in (1, 2, 3, 4)
    ]
    assert sorted(store.studies.consensus(study_id).values()) == ["normal"] * 8 + ["pneumonia"] * 4  # type: ignore[type-var]
    certificates = store.studies.exposures(study_id)
    for answer in store.studies.answers(study_id, arm="adjudication"):
        assert certificates[answer.seq or 0].others and not answer.contaminated
    assert store.audit().found == ()


def test_a_reader_never_gets_anothers_answer(store: Store) -> None:
    study_id = made(store, "blind")
    walk(store, study_id, "Ada", label="normal")
    sitting = store.studies.begin(study_id, "Ben")
    task = store.studies.next(study_id, "Ben")
    assert task is not None and task.last is None
    store.studies.answer(said(task), sitting)
    with pytest.raises(ReviewError, match="adjudicator alone"):
        store.studies.dispute(sitting, task.image_id)


def test_an_adjudication_needs_a_reason(store: Store) -> None:
    study_id = made(store, "blind")
    walk(store, study_id, "Ada", label="normal")
    walk(store, study_id, "Ben", label="pneumonia")
    sitting = store.studies.begin(study_id, "Cleo")
    task = store.studies.next(study_id, "Cleo")
    assert task is not None
    with pytest.raises(ReviewError, match="needs a reason"):
        store.studies.answer(said(task, comment=" "), sitting)


def test_where_an_image_of_a_study_lies_may_change_and_nothing_else_does(store: Store) -> None:
    study_id = made(store, "annotation")
    head = store.head()
    places = [
        (run, image, Path("/moved") / path.name) for run, image, path in store.case_places([f"{3:064x}"])
    ]
    assert {run for run, *_ in places} == {"", RUN.run_id}
    store.move_cases(places)
    moved = store.studies.task(study_id, "Ada", f"{3:064x}", "annotation")
    assert moved.path == Path("/moved/3.png") == store.case(RUN.run_id, f"{3:064x}").path
    assert store.head() == head


def test_reviews_of_the_run_go_on_beside_a_study(store: Store) -> None:
    study_id = made(store)
    sitting = store.begin_sitting(RUN.run_id, "Dan")
    store.add_review(agree(0, reader="Dan"), Given(sitting=sitting))
    walk(store, study_id, "Ada")
    assert [review.reader for review in store.reviews(RUN.run_id)] == ["Dan"]
    assert {answer.reader for answer in store.studies.answers(study_id)} == {
        one.reader_id for one in store.people() if one.name == "Ada"
    }


# -------------------------------------------------------------------------------------- made of very many images


def test_others_answer_while_a_large_study_is_made_and_one_that_is_broken_off_is_none(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    study_id = made(store, "blind")
    sitting = store.studies.begin(study_id, "Ada")
    listed: list[int] = []

    def between(seconds: float) -> None:
        task = store.studies.next(study_id, "Ada", now=NOW)
        if task is not None:
            read(store, sitting, task)
        listed.append(len(store.studies.all()))

    monkeypatch.setattr(f"{MAKING}.FIRST", 5)
    monkeypatch.setattr(f"{MAKING}.MOST", 5)
    monkeypatch.setattr(f"{MAKING}.sleep", between)
    made(store, name="large")
    assert len(listed) > 12 and set(listed) == {1}  # nobody sees a part of it
    assert len(store.studies.answers(study_id)) == 12 and store.audit().found == ()
    assert len(walk(store, "large", "Ben")) == 24

    def broken(seconds: float) -> None:
        listed.append(0)
        if len(listed) % 10 == 0:
            raise KeyboardInterrupt

    monkeypatch.setattr(f"{MAKING}.sleep", broken)
    with pytest.raises(KeyboardInterrupt):
        made(store, "blind", name="broken off", readers=("Dan",))
    assert [one.name for one in store.studies.all()] == ["films", "large"]
    assert store.studies.blind_in(RUN.run_id, "Dan") == "" and store.audit().found == ()
    monkeypatch.undo()
    assert len(walk(store, made(store, "blind", name="broken off", readers=("Dan",)), "Dan")) == 12
