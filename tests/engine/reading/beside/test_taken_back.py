"""An answer that is taken back no longer counts anywhere, and is still there for whoever looks at every row."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from engine.errors import AnsweredElsewhere, ReviewError
from engine.reading.answers import Given, latest_reviews
from engine.reading.store import Store, open_store
from engine.records import Region, Verdict
from tests.engine.reading.test_store import RUN, agree, prediction
from tests.readers import with_readers


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = open_store(tmp_path / "overread.db")
    with_readers(opened).add_run(RUN)
    opened.add_cases(RUN.run_id, [prediction(number) for number in range(4)])
    return opened


def unsure(number: int, reader: str = "Ada") -> object:
    return agree(number, reader=reader, verdict=Verdict.UNSURE, label=None)


def test_the_case_is_unread_again_and_what_was_said_is_told(store: Store) -> None:
    box = Region(x=0.1, y=0.1, width=0.2, height=0.2)
    number = store.add_review(agree(1, comment="left base", regions=(box,)))
    back = store.take_back(RUN.run_id, "Ada")
    assert (back.review_id, back.comment, back.regions) == (number, "left base", (box,))
    assert store.reviews(RUN.run_id) == store.reviews(RUN.run_id, latest=True) == []
    assert store.progress(RUN.run_id, "Ada") == (0, 4)
    assert store.readers(RUN.run_id) == [] and store.run(RUN.run_id).reviews == 0
    kinds = [(row["kind"], row["stands"], row["supersedes"]) for row in store.readings(RUN.run_id)]
    assert kinds == [("answer", "no", None), ("taken back", None, number)]
    seen = [(row["prediction_seen"], row["map_seen"]) for row in store.readings(RUN.run_id)]
    assert seen == [
        (None, None),
        ("yes", None),
    ]  # given without a sitting: the answer alone names a prediction
    assert store.audit().found == ()


def test_the_answer_before_it_stands_again_and_several_steps_go_back_case_by_case(store: Store) -> None:
    for review in (agree(1), unsure(2), unsure(1)):
        store.add_review(review)  # type: ignore[arg-type]
    undone = [store.take_back(RUN.run_id, "Ada") for _ in range(3)]
    assert [(int(one.image_id, 16), one.verdict) for one in undone] == [
        (1, Verdict.UNSURE), (2, Verdict.UNSURE), (1, Verdict.AGREE),
    ]  # fmt: skip
    with pytest.raises(ReviewError, match="no answer to cases of this run that could be taken back"):
        store.take_back(RUN.run_id, "Ada")
    store.add_review(agree(1))
    assert [one.verdict for one in store.reviews(RUN.run_id, latest=True)] == [Verdict.AGREE]
    assert store.audit().found == ()


def test_only_the_readers_own_answers_are_taken_back(store: Store) -> None:
    store.add_review(agree(1))
    store.add_review(agree(1, reader="Ben"))
    assert store.take_back(RUN.run_id, "Ada").reader == "Ada"
    assert store.readers(RUN.run_id) == ["Ben"]


def test_taking_back_that_is_asked_for_again_after_the_line_broke_is_done_once(store: Store) -> None:
    store.add_review(agree(1))
    store.add_review(agree(2))
    first, again = (store.take_back(RUN.run_id, "Ada", name="abc") for _ in range(2))
    assert first.review_id == again.review_id and len(store.reviews(RUN.run_id)) == 1


def test_a_window_that_shows_an_answer_taken_back_elsewhere_is_told_so(store: Store) -> None:
    number = store.add_review(agree(1))
    store.take_back(RUN.run_id, "Ada")
    with pytest.raises(AnsweredElsewhere):
        store.add_review(agree(1), Given(last=number))


def test_names_that_turn_out_to_be_one_persons_keep_what_was_not_taken_back(store: Store) -> None:
    store.add_review(agree(1))
    store.add_review(unsure(1, "Ben"))  # type: ignore[arg-type]
    store.take_back(RUN.run_id, "Ben")
    store.join_readers("Ben", "Ada")
    assert [one.verdict for one in store.reviews(RUN.run_id, latest=True)] == [Verdict.AGREE]
    assert store.audit().found == ()


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["Ada", "Ben"]), st.integers(0, 3), st.sampled_from(["agree", "unsure", "undo"])
    ),
    max_size=14,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_is_answered_and_taken_back_every_way_of_reading_agrees(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, str]]
) -> None:
    with open_store(tmp_path_factory.mktemp("steps") / "overread.db") as store:
        with_readers(store).add_run(RUN)
        store.add_cases(RUN.run_id, [prediction(number) for number in range(4)])
        stacks: dict[str, list[tuple[int, str]]] = {"Ada": [], "Ben": []}
        for reader, number, what in steps:
            if what != "undo":
                store.add_review(agree(number, reader) if what == "agree" else unsure(number, reader))  # type: ignore[arg-type]
                stacks[reader].append((number, what))
            elif stacks[reader]:
                last = dict(stacks[reader])  # of each case the last word; of these the newest goes
                newest = max(range(len(stacks[reader])), key=lambda place: place)
                assert int(store.take_back(RUN.run_id, reader).image_id, 16) in last
                del stacks[reader][newest]
        expected = {
            (reader, number, said) for reader in stacks for number, said in dict(stacks[reader]).items()
        }

        def told(reviews: object) -> set[tuple[str, int, str]]:
            return {(one.reader, int(one.image_id, 16), one.verdict.value) for one in reviews}  # type: ignore[attr-defined]

        assert told(store.reviews(RUN.run_id, latest=True)) == expected
        by_log = latest_reviews(store.reviews(RUN.run_id))
        assert told(one for of_case in by_log.values() for one in of_case.values()) == expected
        standing = [row for row in store.readings(RUN.run_id) if row["stands"] == "yes"]
        assert {(row["reader"], int(row["image"], 16), row["verdict"]) for row in standing} == expected
        for reader, stack in stacks.items():
            assert store.progress(RUN.run_id, reader)[0] == len(dict(stack))
        differ = {number for number in range(4) if len({said for _, n, said in expected if n == number}) > 1}
        shown = store.upcoming(RUN.run_id, "readers differ", "Ada", None, k=9)
        assert {int(one.image_id, 16) for one in shown} == differ
        assert store.audit().found == ()
