"""What each queue gives away, by its name and by what it takes its cases from."""

from __future__ import annotations

import pytest

from engine.errors import StoreError
from engine.reading.queues.catalogue import QUEUES, SEARCH, Queue, name_of, queue_of, search
from engine.records import Verdict

#: random, sought, changes, tells the label, tells others
GIVEN_AWAY = {
    "not yet read": (True, False, False, False, False),
    "random sample": (True, False, False, False, False),
    "errors": (False, False, False, True, False),
    "most uncertain": (False, False, False, False, False),
    "likely mislabelled": (False, True, False, True, False),
    "uncertain": (False, False, False, False, False),
    "unlike training": (False, False, False, False, False),
    "flagged": (False, True, True, False, False),
    "readers differ": (False, True, True, False, True),
    "unsure": (False, False, True, False, False),
    "overruled": (False, False, True, False, False),
    "all": (True, False, False, False, False),
}


def given_away(queue: Queue) -> tuple[bool, ...]:
    return (queue.random, queue.sought, queue.changes, queue.tells_label, queue.tells_others)


def test_what_a_queue_gives_away_is_known_of_each() -> None:
    assert {name: given_away(queue) for name, queue in QUEUES.items()} == GIVEN_AWAY


@pytest.mark.parametrize(
    ("chosen", "wanted"),
    [
        ({}, (True, False, False, False, False)),
        ({"wrong": True}, (False, False, False, True, False)),
        ({"verdicts": (Verdict.AGREE,)}, (False, False, True, False, False)),
        ({"above": ("distance", 1.0)}, (False, False, False, False, False)),
        ({"suspected": True}, (False, True, False, True, False)),
        ({"kept_in": "flagged"}, (False, True, True, False, False)),
        ({"order_by": ("margin", "position")}, (False, False, False, False, False)),
        ({"one_label": True}, (True, False, False, True, False)),
        ({"first": 5, "unread": True}, (True, False, False, False, False)),
    ],
)
def test_each_thing_that_cases_are_chosen_by_is_enough(
    chosen: dict[str, object], wanted: tuple[bool, ...]
) -> None:
    assert given_away(Queue(description="", **chosen)) == wanted  # type: ignore[arg-type]


def test_a_search_is_sought_and_says_where_it_looks_at_labels() -> None:
    plain, looking = search("film7"), search("label normal film7")
    assert (plain.sought, plain.random, plain.tells_label) == (True, False, False)
    assert looking.tells_label and "looks at their labels" in looking.description
    assert "labels" not in plain.description and plain.title == "search: film7"
    assert name_of(plain) == SEARCH == "search" and name_of("all") == "all"
    assert queue_of(plain) is plain and queue_of("all") is QUEUES["all"]
    with pytest.raises(StoreError, match="no queue named 'every'") as caught:
        queue_of("every")
    assert all(name in caught.value.remedy for name in QUEUES)
