"""One database for pages and commands alike, in the workspace or on a server; what was stored is stored once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.reading.store import Store
from engine.workspace import open_workspace
from gui.cli.main import main
from gui.pages.review.page import HANDLERS
from gui.pages.review.reading_session import Desk
from gui.web.session import open_session
from tests.gui.conftest import Room, fill, make_run
from tests.readers import with_readers


@pytest.fixture(params=["sqlite", "postgresql"])
def ward(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    """Six films to read in a workspace whose readings lie in a file, and in one whose readings lie on a server."""
    monkeypatch.setenv("OVERREAD_WORKSPACE", str(tmp_path / "workspace"))
    if request.param == "postgresql":
        monkeypatch.setenv("OVERREAD_DATABASE_URL", request.getfixturevalue("postgresql").fresh())
    session = open_session(open_workspace(), reader="Ada")
    with_readers(session.store)
    run = make_run(session.workspace)
    names = [f"film_{number}.png" for number in range(6)]
    predictions = fill(session, tmp_path / "films", names, run=run, side=64)
    yield Room(session=session, run=run, predictions=predictions)
    session.store.close()


def page_of(room: Room) -> Any:
    desk = Desk(room.session)
    handlers = {handler.__name__: handler for handler in HANDLERS}
    return lambda handler, **asked: handlers[handler](desk, asked)


def verdict(case: dict[str, Any], name: str) -> dict[str, Any]:
    return {"shown": case["id"], "predicted": case["predicted"], "verdict": "agree", "name": name}


def test_pages_and_commands_read_and_write_one_database(
    ward: Room, capsys: pytest.CaptureFixture[str]
) -> None:
    ask = page_of(ward)
    opened = ask("open_reading", reader="Ada")
    ask("decide", reading=opened["reading"], **verdict(opened["case"], "one"))
    assert main(["readers", "add", "Cleo"]) == 0
    assert {one["value"] for one in ask("open_reading")["choices"]["reader"]} == {"Ada", "Ben", "Cleo"}
    capsys.readouterr()
    assert main(["audit", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == ward.session.store.head().seq
    assert main(["doctor", "--json"]) in (0, 1)  # which also tells of weights and a browser
    told = capsys.readouterr().out
    (database,) = [one for one in json.loads(told)["checks"] if one["name"] == "database"]
    assert (
        database["good"]
        and ward.session.store.name in database["found"]
        and "1 run to review" in database["found"]
    )
    assert "hunter2" not in told


def test_an_answer_whose_acknowledgement_was_lost_on_its_way_is_given_again_and_stored_once(
    ward: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = page_of(ward)
    opened = ask("open_reading", reader="Ada")
    said = {"reading": opened["reading"], **verdict(opened["case"], "one")}
    first, second = ask("decide", **said), ask("decide", **said)  # the page had heard nothing of the first
    assert first["stored"] == second["stored"] and first["case"]["id"] == second["case"]["id"]
    assert (second["read"], second["total"]) == (1, 6)

    add, given = Store.add_review, []

    def store_and_fall_silent(store: Store, *told: Any) -> int:
        given.append(add(store, *told))
        raise ConnectionResetError  # after the commit, before anybody hears of it

    said |= verdict(first["case"], "two")
    with monkeypatch.context() as broken:
        broken.setattr(Store, "add_review", store_and_fall_silent)
        with pytest.raises(ConnectionResetError):
            ask("decide", **said)
    assert ask("decide", **said)["stored"].startswith("Stored: agree")
    reviews = ward.session.store.reviews(ward.run.run_id)
    assert len(reviews) == 2 and reviews[1].review_id == given[0]


def test_another_answer_after_a_lost_acknowledgement_does_not_pass_for_the_first(ward: Room) -> None:
    ask = page_of(ward)
    opened = ask("open_reading", reader="Ada")
    said = {"reading": opened["reading"], **verdict(opened["case"], "one")}
    ask("decide", **said)
    with pytest.raises(Exception, match="different case"):
        ask("decide", **{**said, "verdict": "unsure", "name": "other"})
    (kept,) = ward.session.store.reviews(ward.run.run_id)
    assert kept.verdict.value == "agree"
