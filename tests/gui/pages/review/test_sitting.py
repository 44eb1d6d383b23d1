"""Readers are people of a list, and what was on their screen is written down before it is sent."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine.errors import StoreError
from engine.reading import read_anchors
from engine.records import Verdict
from engine.workspace import open_workspace
from gui.pages.review.answering import decide, leave, reveal_label, show_case
from gui.pages.review.opening import open_reading
from gui.pages.review.reading_session import Desk, StaleCaseError
from gui.pages.review.who_reads import save_reader
from gui.web.error_messages import answered
from gui.web.session import open_session
from tests.gui.conftest import Room
from tests.gui.pages.review.test_review_page import verdict


def rows(room: Room, statement: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(room.session.workspace.database)) as database:
        return database.execute(statement).fetchall()


EXPOSURES = "SELECT image_id, prediction IS NOT NULL, map, label, others FROM exposures ORDER BY seq"

# -------------------------------------------------------------------------------------- what was on the screen


def test_what_is_on_the_screen_is_written_down_with_the_label_once_it_was_shown(room: Room) -> None:
    desk = Desk(room.session)
    told = open_reading(desk, {"queue": "all", "page": "one"})
    first = told["case"]["id"]
    reveal_label(desk, {"reading": told["reading"], "shown": first})
    second = decide(desk, verdict(told["reading"], told["case"]))["case"]["id"]
    assert rows(room, EXPOSURES) == [
        (first, 1, "grad-cam", 0, 0),
        (first, 1, "grad-cam", 1, 0),
        (second, 1, "grad-cam", 0, 0),
    ]
    (answer,) = rows(room, "SELECT seq FROM answers")
    assert rows(room, "SELECT MAX(seq) - 1 FROM exposures") == [answer], "written down with the answer"
    decide(desk, verdict(told["reading"], {"id": second, "predicted": ""}, "unsure"))
    assert [one.label_seen for one in room.session.store.reviews(room.run.run_id)] == [True, False]
    assert room.session.store.audit().found == ()


def test_a_case_is_not_sent_when_it_cannot_be_written_down_that_it_was(room: Room) -> None:
    desk = Desk(room.session)
    told = open_reading(desk, {"queue": "all"})
    ask = {"reading": told["reading"], "to": "next", "shown": told["case"]["id"]}
    with closing(sqlite3.connect(room.session.workspace.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked by another program"):
            show_case(desk, ask)
        with pytest.raises(StoreError, match="locked by another program"):
            reveal_label(desk, ask)
        other.execute("ROLLBACK")
    assert len(rows(room, EXPOSURES)) == 1
    assert show_case(desk, ask)["case"]


def test_coming_back_to_the_page_is_the_same_session_and_the_same_screen_is_written_once(room: Room) -> None:
    desk = Desk(room.session)
    first = open_reading(desk, {"queue": "all", "page": "one"})["case"]["id"]
    open_reading(desk, {"queue": "all", "page": "one", "case": first})
    open_reading(desk, {"queue": "all", "page": "two", "case": first})
    assert len(rows(room, EXPOSURES)) == 2
    assert rows(room, "SELECT event, COUNT(*) FROM sessions GROUP BY event") == [("begun", 2)]


@pytest.mark.parametrize("end", ["left", "another reader", "closed"])
def test_a_session_ends_with_the_page_the_reader_or_the_window_and_leaves_an_anchor(
    room: Room, end: str
) -> None:
    desk = Desk(room.session)
    told = open_reading(desk, {"page": "one", "reader": "anna"})
    if end == "left":
        leave(desk, {"reading": told["reading"]})
    elif end == "another reader":
        open_reading(desk, {"page": "one", "reader": "ben"})
    else:
        for ending in room.session.endings:
            ending()
    assert ("ended",) in rows(room, "SELECT event FROM sessions")
    (anchor,) = read_anchors(room.session.workspace.anchors)
    assert room.session.store.audit([anchor]).found == () and "a session ended" in anchor.when


# ------------------------------------------------------------------------------------------------- two windows


def test_a_second_window_does_not_overwrite_an_answer_in_silence(room: Room) -> None:
    desk = Desk(room.session)
    one, two = (open_reading(desk, {"queue": "all", "page": page}) for page in ("one", "two"))
    decide(desk, verdict(one["reading"], one["case"]))
    with pytest.raises(StaleCaseError, match="anna has answered this case in another window"):
        decide(desk, verdict(two["reading"], two["case"], "unsure"))
    again = open_reading(desk, {"queue": "all", "page": "two", "case": two["case"]["id"]})
    assert again["case"]["before"]["sentence"].startswith("Your previous verdict: agree")
    decide(desk, verdict(again["reading"], again["case"], "unsure"))
    said = [review.verdict for review in room.session.store.reviews(room.run.run_id)]
    assert said == [Verdict.AGREE, Verdict.UNSURE]


def test_an_answer_that_is_sent_twice_is_stored_once(room: Room) -> None:
    desk = Desk(room.session)
    told = open_reading(desk, {"queue": "all"})
    said = verdict(told["reading"], told["case"], name="made by the page")
    decide(desk, said)
    answered(decide)(desk, said)
    again = open_reading(desk, {"queue": "all", "case": told["case"]["id"]})
    decide(desk, said | {"reading": again["reading"]})
    assert len(room.session.store.reviews(room.run.run_id)) == 1


# ----------------------------------------------------------------------------------------------------- readers


def test_a_name_that_is_in_no_list_makes_no_reader(room: Room) -> None:
    told = open_reading(Desk(room.session), {"reader": "aanna"})
    assert told["reader"] == "anna"
    assert [one["value"] for one in told["choices"]["reader"]] == ["anna", "ben"]


def test_the_person_at_this_computer_is_in_the_list_from_the_start_and_is_asked_once(tmp_path: Path) -> None:
    session = open_session(open_workspace(tmp_path), reader="abyron")
    desk = Desk(session)
    (me,) = open_reading(desk, {})["choices"]["reader"]
    assert (me["value"], me["introduced"]) == ("abyron", False)
    said = {"reader": "abyron", "name": "Ada Byron", "profession": "radiologist", "years": "7.5"}
    assert save_reader(desk, said) == {"reader": "Ada Byron"}
    told = open_reading(desk, {"reader": "Ada Byron"})
    (me,) = told["choices"]["reader"]
    assert (me["value"], me["introduced"], me["profession"], me["years"]) == (
        "Ada Byron",
        True,
        "radiologist",
        7.5,
    )
    session.store.close()


def test_after_the_name_was_given_the_account_leads_to_the_same_person(tmp_path: Path) -> None:
    session = open_session(open_workspace(tmp_path), reader="abyron")
    desk = Desk(session)
    open_reading(desk, {})
    save_reader(desk, {"reader": "abyron", "name": "Ada Byron"})
    told = open_reading(Desk(session), {})  # a new browser, which knows no reader yet
    assert told["reader"] == "Ada Byron" and len(told["choices"]["reader"]) == 1
    session.store.close()


@pytest.mark.parametrize("typed", ["ANNA", " anna ", "Änna", "an na"])
def test_a_name_like_anothers_is_asked_about_before_anything_is_added(room: Room, typed: str) -> None:
    desk = Desk(room.session)
    said = {"reader": "ben", "name": typed, "new": True}
    assert save_reader(desk, said) == {"like": ["anna"]}
    assert save_reader(desk, said | {"same": "anna"}) == {"reader": "anna"}
    assert len(room.session.store.people()) == 2
    answer = answered(save_reader)(desk, said | {"another": True})
    assert answer["ok"] is (typed.strip() != "anna")  # two people of exactly one name cannot be told apart


def test_who_turns_out_to_be_in_the_list_already_is_joined_with_what_they_have_read(room: Room) -> None:
    desk = Desk(room.session)
    told = open_reading(desk, {"reader": "ben"})
    decide(desk, verdict(told["reading"], told["case"]))
    assert save_reader(desk, {"reader": "ben", "name": "Anna"}) == {"like": ["anna"]}
    assert save_reader(desk, {"reader": "ben", "name": "Anna", "same": "anna"}) == {"reader": "anna"}
    assert [one.name for one in room.session.store.people()] == ["anna"]
    assert room.session.store.readers(room.run.run_id) == ["anna"]


@pytest.mark.parametrize("years", ["many", "-1", "200"])
def test_years_that_are_none_are_refused_in_a_sentence(room: Room, years: str) -> None:
    answer = answered(save_reader)(Desk(room.session), {"new": True, "name": "Cleo", "years": years})
    assert not answer["ok"] and "no number of years" in answer["problem"]
