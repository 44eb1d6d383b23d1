"""What readers said becomes a label by a rule, and whatever does not is said and counted."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from engine.errors import ReviewError
from engine.reading.labelling.drafting import DISAGREE, TEST_CASE, UNSURE, Draft, Said, draft
from engine.records import LabelRule

BEFORE: dict[str, str | None] = {"a": "normal", "b": "normal", "c": "opacity", "d": None}


def said(image_id: str, *labels: str | None) -> list[Said]:
    """What readers named A, B, C … said of an image."""
    return [
        Said(image_id=image_id, reader=chr(65 + place), label=label, answer=10 * ord(image_id[0]) + place)
        for place, label in enumerate(labels)
    ]


def made(words: list[Said], rule: LabelRule = "majority", **more: object) -> Draft:
    return draft(BEFORE, words, parent=1, source="assisted", made_from="run", rule=rule, **more)  # type: ignore[arg-type]


def label_of(done: Draft, image_id: str) -> tuple[str | None, str]:
    (row,) = [row for row in done.rows if row.image_id == image_id]
    return row.label, row.reason


@pytest.mark.parametrize(
    ("rule", "labels", "expected"),
    [
        ("majority", ["opacity"], ("opacity", "")),
        ("majority", ["normal"], ("normal", "")),
        ("majority", ["opacity", "opacity", "normal"], ("opacity", "")),
        ("majority", ["opacity", "normal"], ("normal", DISAGREE)),
        ("majority", ["opacity", None], ("opacity", "")),
        ("majority", [None, None], ("normal", UNSURE)),
        ("majority", ["opacity", "normal", "effusion"], ("normal", DISAGREE)),
        ("unanimous", ["opacity", "opacity"], ("opacity", "")),
        ("unanimous", ["opacity", "opacity", "normal"], ("normal", DISAGREE)),
        ("unanimous", ["opacity", None], ("normal", DISAGREE)),
    ],
)
def test_several_readers_become_one_label_by_the_rule_and_a_tie_stays_as_it_was(
    rule: LabelRule, labels: list[str | None], expected: tuple[str, str]
) -> None:
    assert label_of(made(said("a", *labels), rule), "a") == expected


def test_what_is_not_settled_loses_its_label_only_where_that_was_asked() -> None:
    words = said("a", "opacity", "normal") + said("c", None)
    assert [row.label for row in made(words).rows] == ["normal", "opacity"]
    unlabelled = made(words, unlabel=True)
    assert [row.label for row in unlabelled.rows] == [None, None]
    assert unlabelled.changed == ("a", "c") and unlabelled.kept == {DISAGREE: 1, UNSURE: 1}


def test_the_label_of_a_test_case_stays_whatever_was_read_beside_its_prediction() -> None:
    words = said("a", "opacity") + said("b", "opacity") + said("c", "opacity")
    done = made(words, locked=["a", "c"], unlabel=True)
    assert done.changed == ("b",) and done.kept == {TEST_CASE: 1}  # c was confirmed
    assert made(words, locked=["a", "c"], may_change=["a"]).changed == ("a", "b")


def test_a_study_that_has_settled_its_labels_is_taken_at_its_word() -> None:
    words = said("a", "opacity", "normal") + said("d", "normal", "opacity")
    done = made(words, settled={"a": "opacity", "d": None})
    assert label_of(done, "a") == ("opacity", "") and label_of(done, "d") == (None, DISAGREE)
    assert done.rule == "" and done.readers == ("A", "B")


def test_each_label_names_the_answers_behind_it_and_images_of_other_data_are_passed_over() -> None:
    done = made(said("a", "opacity", "opacity") + said("z", "opacity"))
    assert [(row.image_id, row.answers) for row in done.rows] == [("a", (970, 971))]


def test_a_rule_that_is_none_is_refused() -> None:
    with pytest.raises(ReviewError, match="majority, unanimous"):
        made(said("a", "opacity"), rule="loudest")  # type: ignore[arg-type]


@given(
    st.dictionaries(
        st.sampled_from("abcd"),
        st.lists(st.sampled_from(["normal", "opacity", None]), min_size=1, max_size=5),
    ),
    st.sampled_from(["majority", "unanimous"]),
    st.sets(st.sampled_from("abcd")),
)
def test_a_label_changes_only_to_what_most_readers_said_and_never_on_a_locked_case(
    readings: dict[str, list[str | None]], rule: LabelRule, locked: set[str]
) -> None:
    words = [one for image_id, labels in readings.items() for one in said(image_id, *labels)]
    done = made(words, rule, locked=locked)
    assert not set(done.changed) & locked
    for row in done.rows:
        if row.image_id in done.changed:
            named = [label for label in readings[row.image_id] if label is not None]
            assert 2 * named.count(row.label) > len(named)
    assert sum(done.kept.values()) == sum(bool(row.reason) for row in done.rows)
    assert made(list(reversed(words)), rule, locked=locked) == done  # whoever read first
