"""Readers are listed, added and joined, and tampering is named, from the command line."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from engine.reading.ledger.guards import guards
from engine.reading.people import Reader
from engine.reading.store import open_store
from engine.records import Review, Run, Verdict
from engine.spreadsheet import read_csv
from engine.workspace import Workspace, open_workspace
from gui.cli.main import main
from tests.gui.conftest import Room


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OVERREAD_WORKSPACE", str(tmp_path / "workspace"))
    return tmp_path / "workspace"


def listed(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    capsys.readouterr()
    assert main(["readers", "list", "--json"]) == 0
    return dict(json.loads(capsys.readouterr().out))


@pytest.mark.parametrize("typed", ["ada byron", "ADA  BYRON", "Adá Byron", "Ada-Byron", "ＡＤＡ Byron"])
def test_a_name_that_is_written_almost_like_anothers_is_asked_about(
    workspace: Path, capsys: pytest.CaptureFixture[str], typed: str
) -> None:
    assert main(["readers", "add", "Ada Byron", "--profession", "radiologist", "--years", "7"]) == 0
    assert main(["readers", "add", typed]) == 1
    assert "may be “Ada Byron”, who is in the list" in capsys.readouterr().err
    assert main(["readers", "add", typed, "--another"]) == 0
    assert len(listed(capsys)["may_be_one_person"]) == 1  # type: ignore[arg-type]
    assert main(["readers", "join", typed, "Ada Byron"]) == 0
    (one,) = listed(capsys)["readers"]  # type: ignore[misc]
    assert (one["name"], one["profession"], one["years"]) == ("Ada Byron", "radiologist", 7)
    assert main(["readers", "join", typed, "Ada Byron"]) == 1
    assert "the same reader already" in capsys.readouterr().err


def test_what_is_different_about_a_reader_is_a_new_row_and_the_rest_stays(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["readers", "list"]) == 0
    assert capsys.readouterr().out == "There are no readers yet. Add one: overread readers add NAME\n"
    assert main(["readers", "add", "Ada", "--profession", "radiologist", "--years", "7"]) == 0
    capsys.readouterr()
    assert main(["audit"]) == 0
    assert "1 row checked; the newest is 1:" in capsys.readouterr().err
    assert main(["readers", "change", "Ada", "--role", "adjudicator"]) == 0
    assert main(["readers", "change", "Ada", "--name", "Ada Byron", "--years", "8"]) == 0
    (one,) = listed(capsys)["readers"]  # type: ignore[misc]
    told = (one["name"], one["role"], one["profession"], one["years"], one["spellings"])
    assert told == ("Ada Byron", "adjudicator", "radiologist", 8, ["Ada"])
    assert main(["audit"]) == 0
    assert "3 rows checked" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["change", "Ada"], "Nothing was said that is different"),
        (["change", "Nobody", "--role", "reader"], "no reader named “Nobody”"),
        (["change", "Ada", "--role", "boss"], "is no role"),
        (["add", " "], "needs a name"),
        (["add", "x" * 201], "up to 200 characters"),
        (["add", "Ben", "--role", "boss"], "is no role"),
        (["add", "Ada"], "already a reader named “Ada”"),
        (["join", "Ada", "Nobody"], "no reader named “Nobody”"),
    ],
)
def test_what_is_wrong_with_a_reader_is_said(
    workspace: Path, capsys: pytest.CaptureFixture[str], typed: list[str], words: str
) -> None:
    assert main(["readers", "add", "Ada"]) == 0
    assert main(["readers", *typed]) == 1
    assert words in capsys.readouterr().err
    assert len(listed(capsys)["readers"]) == 1  # type: ignore[arg-type]


def test_the_audit_ends_well_where_nothing_was_changed_and_names_what_was(
    room: Room, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OVERREAD_WORKSPACE", str(room.session.workspace.root))
    assert main(["audit"]) == 0
    said = capsys.readouterr().err
    assert "rows checked" in said and "No anchor outside the database" in said
    head = room.session.store.head()
    with closing(sqlite3.connect(room.session.workspace.database)) as other:
        made = guards("readers", "sqlite")["readers_no_update"]
        other.execute("DROP TRIGGER readers_no_update")
        other.execute("UPDATE readers SET name = 'mallory' WHERE name = 'ben'")
        other.execute(made)
        other.commit()
    assert main(["audit", "--anchor", f"{head.seq}:{head.hash}"]) == 1
    told = capsys.readouterr()
    assert "(readers) was changed after it was written" in told.out and "1 found" in told.err
    assert main(["audit", "--anchor", f"{head.seq + 2}:{head.hash}", "--json"]) == 1
    sentences = [each["sentence"] for each in json.loads(capsys.readouterr().out)["found"]]
    assert any(f"Rows {head.seq + 1} to {head.seq + 2} are missing at the end" in each for each in sentences)
    assert main(["audit", "--anchor", "12:x"]) == 1
    assert "is not an anchor" in capsys.readouterr().err


def test_every_row_that_was_said_of_a_run_is_exported_with_what_its_columns_hold(
    trained: tuple[Workspace, Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, run = trained
    shutil.copytree(workspace.root, tmp_path / "copy")
    copy = open_workspace(tmp_path / "copy")
    with open_store(copy.database) as store:
        case = store.predictions(run.run_id)[0]
        store.add_reader(Reader(reader_id="", name="Ada"))
        for verdict in (Verdict.UNSURE, Verdict.NOT_DIAGNOSTIC):
            store.add_review(
                Review(run_id=run.run_id, image_id=case.image_id, reader="Ada", verdict=verdict, label=None)
            )
    at = ("--workspace", str(copy.root), "--out", str(tmp_path / "out"))
    assert main(["readers", "export", run.run_id, *at]) == 0
    table, dictionary = (Path(line) for line in capsys.readouterr().out.splitlines())
    columns, rows = read_csv(table.read_bytes())
    told = [dict(zip(columns, row, strict=True)) for row in rows]
    assert [(one["reader"], one["verdict"], one["stands"]) for one in told] == [
        ("Ada", "unsure", "no"),
        ("Ada", "not diagnostic", "yes"),
    ]
    assert [row[0] for row in read_csv(dictionary.read_bytes())[1]] == columns
    assert main(["readers", "export", run.run_id, *at, "--reader", "Ben"]) == 1
    assert "no reader named “Ben”" in capsys.readouterr().err
