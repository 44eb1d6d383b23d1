"""What the server of a study's screen hands out, to whom and when; and what it refuses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from engine.errors import ReviewError
from gui.pages.review import Desk, open_reading
from gui.pages.review.answering import reveal_label
from gui.pages.studies import screens, study_routes
from gui.pages.studies.reading import HANDLERS, answer, go_to, leave_study, open_study, undo
from gui.pages.studies.rounds import Rounds
from gui.web import answered, image_url, is_signed
from tests.gui.pages.studies.conftest import Ward

Answer = dict[str, Any]


def sit(ward: Ward, study_id: str, reader: str = "anna", page: str = "one") -> tuple[Rounds, Answer]:
    rounds = Rounds(ward.session)
    return rounds, open_study(rounds, {"study": study_id, "reader": reader, "page": page})


def said(told: Answer, reading: str, **more: Any) -> Answer:
    case = told["case"]
    return {
        "reading": reading,
        "shown": case["id"],
        "arm": case["arm"],
        "verdict": "read",
        "label": "zebrosis",
    } | more


def test_whoever_is_to_read_blind_is_shown_nothing_of_the_run_on_review(ward: Ward) -> None:
    study, desk = ward.study(), Desk(ward.session)
    told = open_reading(desk, {"reader": "anna", "page": "p"})
    assert told["case"] is None and "has cases to read blind in the study “pilot”" in told["message"]
    with pytest.raises(ReviewError, match="blind first"):
        reveal_label(desk, {"reading": told["reading"], "shown": ward.predictions[0].image_id})
    assert open_reading(desk, {"reader": "carl", "page": "q"})["case"] is not None  # who is no reader of it
    ward.session.store.studies.close(study.study_id)
    assert open_reading(desk, {"reader": "anna", "page": "r"})["case"] is not None


def test_what_was_seen_elsewhere_before_marks_the_blind_answer(ward: Ward) -> None:
    told = open_reading(Desk(ward.session), {"reader": "anna", "page": "p", "queue": "all"})
    study = ward.study()
    rounds, screen = sit(ward, study.study_id)
    reading = screen["reading"]
    for _ in ward.predictions:
        if screen["case"]["id"] == told["case"]["id"]:
            break
        screen = answer(rounds, said(screen, reading))
        screen = answer(rounds, said(screen, reading))
    answer(rounds, said(screen, reading))
    marked = [one.image_id for one in ward.session.store.studies.answers(study.study_id) if one.contaminated]
    assert marked == [told["case"]["id"]]


def test_an_address_of_an_image_opens_that_image_alone(ward: Ward) -> None:
    study = ward.study()
    _, told = sit(ward, study.study_id)
    *_, place, study_id, image_id, signed = told["case"]["image"].split("/")
    assert (place, study_id, image_id) == ("study-image", study.study_id, told["case"]["id"])
    assert is_signed(ward.session, signed, place, study_id, image_id)
    run_id = ward.session.store.run_ids()[0]
    for other in ("levels", "heatmap", "image", "thumbnail"):
        assert image_url(ward.session, run_id, image_id, other).rsplit("/", 1)[1] != signed


def test_an_image_that_is_gone_is_said_without_its_name_which_may_be_a_label(ward: Ward) -> None:
    _, told = sit(ward, ward.study().study_id)
    gone = next(one for one in ward.predictions if one.image_id == told["case"]["id"])
    gone.path.unlink()
    answer = TestClient(Starlette(routes=study_routes(ward.session))).get(told["case"]["image"])
    assert answer.status_code == 404 and "okapitis" not in answer.text
    assert answer.text.startswith("The image of this case cannot be shown: its file was moved or changed")


def test_a_reader_goes_on_where_they_stopped_and_a_second_window_overwrites_nothing(ward: Ward) -> None:
    study = ward.study("blind")
    rounds, first = sit(ward, study.study_id)
    second = answer(rounds, said(first, first["reading"]))
    leave_study(rounds, {"reading": first["reading"]})
    again, resumed = sit(ward, study.study_id, page="two")
    assert (resumed["case"]["id"], resumed["place"]) == (second["case"]["id"], "2 of 6")

    _, elsewhere = sit(ward, study.study_id, page="three")
    answer(again, said(resumed, resumed["reading"]))
    other = Rounds(ward.session)
    late = open_study(other, {"study": study.study_id, "reader": "anna", "page": "four"})
    here = go_to(other, {"reading": late["reading"], "number": "3"})
    answer(again, said(go_to(again, {"reading": resumed["reading"], "number": "3"}), resumed["reading"]))
    refused = answered(answer)(other, said(here, late["reading"], label="okapitis"))
    assert (refused["ok"], refused["kind"]) == (False, "StaleCaseError")
    assert elsewhere["case"]["id"] == resumed["case"]["id"]
    assert {one.label for one in ward.session.store.studies.answers(study.study_id)} == {"zebrosis"}


def test_an_answer_that_is_given_again_after_the_line_broke_is_said_to_be_stored_and_is_there_once(
    ward: Ward,
) -> None:
    study = ward.study("blind")
    rounds, first = sit(ward, study.study_id)
    named = said(first, first["reading"], name="by the page")
    one, two = answer(rounds, named), answer(rounds, named)
    assert one["stored"] == two["stored"] == "Stored: zebrosis" and one["case"]["id"] == two["case"]["id"]
    assert len(ward.session.store.studies.answers(study.study_id, latest=False)) == 1

    answer(rounds, said(two, first["reading"], name="the second"))
    asked = {"reading": first["reading"], "name": "taken back by the page"}
    back, again = undo(rounds, asked), undo(rounds, asked)
    assert back["case"]["id"] == again["case"]["id"] == two["case"]["id"]
    every = ward.session.store.studies.answers(study.study_id, latest=False)
    assert [one.verdict for one in every] == ["read", "read", "taken back"]


def test_an_answer_is_taken_back_by_a_new_row_and_only_before_more_was_seen(ward: Ward) -> None:
    study = ward.study("blind")
    rounds, first = sit(ward, study.study_id)
    answer(rounds, said(first, first["reading"]))
    back = undo(rounds, {"reading": first["reading"]})
    assert back["case"]["id"] == first["case"]["id"] and not back["case"]["read"]
    answer(rounds, said(back, first["reading"], label="okapitis"))
    every = ward.session.store.studies.answers(study.study_id, latest=False)
    assert [one.verdict for one in every] == ["read", "taken back", "read"]

    both = ward.study(name="both")
    rounds, first = sit(ward, both.study_id, page="two")
    answer(rounds, said(first, first["reading"]))
    refused = answered(undo)(rounds, {"reading": first["reading"]})
    assert not refused["ok"] and "so that it stands" in refused["problem"]


def test_after_a_wash_out_the_screen_says_when_the_assisted_cases_open(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = ward.study("wash-out", wash_out_days=28.0)
    rounds, told = sit(ward, study.study_id)
    reading, began = told["reading"], datetime.now(UTC)
    while told["case"] is not None:
        told = answer(rounds, said(told, reading))
    when = datetime.now(UTC) + timedelta(days=28)
    opens = {
        f"on {each.astimezone():%d %B %Y}" for each in (began + timedelta(days=28), when)
    }  # at midnight two
    assert any(day in told["message"][0] for day in opens)
    assert told["message"][1].startswith("This session: 6 answers, median 0.0 s")
    assert told["message"][2].startswith("6 of them took less than 2 s")
    monkeypatch.setattr(screens, "now", lambda: when + timedelta(hours=1))
    _, later = sit(ward, study.study_id, page="two")
    assert later["case"]["arm"] == "assisted" and later["case"]["advice"]["predicted"] == "okapitis"


def test_handlers_bear_anything_that_a_page_may_send(ward: Ward) -> None:
    study = ward.study()
    rounds, told = sit(ward, study.study_id)
    reading = told["reading"]
    nonsense: tuple[Answer, ...] = (
        {},
        {"reading": 7, "study": [], "number": {}},
        {"reading": reading, "number": "0"},
        {"reading": reading, "number": "9" * 30},
        {"reading": reading, "number": "²"},
        said(told, reading, verdict="perhaps"),
        said(told, reading, label="no such"),
        said(told, reading, certainty=3),
        said(told, reading, certainty="x"),
        said(told, reading, regions=[{"x": 1}]),
        said(told, reading, arm="assisted"),
    )
    for handler in HANDLERS:
        for sent in nonsense:
            one = answered(handler)(rounds, sent)
            assert one["ok"] or "reference" not in one["problem"], (handler, sent, one)
    assert ward.session.store.studies.answers(study.study_id) == []
