"""`overread index s3://…` and `sftp://…`, and the same on the Data page, with real stores."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.data import load_index
from engine.records import Answers
from engine.workspace import Workspace, open_workspace
from gui.cli.main import main
from gui.pages.data.bringing.flow import Bringing, named
from gui.web import open_session
from tests.stores import PASSWORD, SECRET, Buckets, cloud, files


def test_the_command_line_indexes_a_bucket_with_labels_from_here_or_there(
    s3: Buckets, films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = "file,label\na.png,well\nb.png,ill\n"
    for name, film in zip(("a", "b"), sorted(films.rglob("*.png")), strict=False):
        s3.put("hospital", f"typed/films/{name}.png", film.read_bytes())
    (tmp_path / "mine.csv").write_text(table)
    where = ["--json", "--workspace", str(tmp_path / "workspace")]
    assert main(["index", "s3://hospital/typed/films", "--table", str(tmp_path / "mine.csv"), *where]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["classes"] == {"well": 1, "ill": 1} and SECRET not in said.out + said.err
    s3.put("hospital", "typed/films/theirs.csv", table.replace("well", "fine").encode())
    assert main(["index", "s3://hospital/typed/films", "--table", "theirs.csv", *where]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["classes"] == {"fine": 1, "ill": 1}
    index = load_index(open_workspace(tmp_path / "workspace"), found["dataset_id"])
    assert all(sample.path.is_file() for sample in index.samples)
    assert main(["index", "s3://hospital/typed/nothing", *where]) == 1
    assert "There is nothing at s3://hospital/typed/nothing" in capsys.readouterr().err
    assert main(["index", f"file://{films}", *where]) == 0
    assert json.loads(capsys.readouterr().out)["images"] == 40


def test_the_data_page_takes_the_address_of_an_sftp_server_in_place_of_a_path(
    films: Path, tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(films, tmp_path / "there" / "films")
    (tmp_path / "there" / "films" / "film.mp4").write_bytes(b"moves")
    session = open_session(workspace, reader="Dr Test")
    with files(tmp_path / "there") as server:
        server.know(tmp_path, monkeypatch)
        bringing = Bringing(session)
        state = bringing.state(bringing.look(named(session, server.address("films"), ""), Answers()), wait=20)
        while state.stage in ("looking", "reading", "proposed"):
            if state.stage == "proposed":
                bringing.read()
            state = bringing.state(state.number, wait=20)
        assert state.stage == "done", state.problem
        server.password = "another"
        refused = bringing.state(
            bringing.look(named(session, server.address("films"), ""), Answers()), wait=20
        )
        while refused.stage == "looking":
            refused = bringing.state(refused.number, wait=20)
    session.store.close()
    assert "refuses us" in refused.problem and PASSWORD not in refused.problem
    index = load_index(workspace, state.dataset_id)
    assert (index.name, len(index.samples), index.classes) == ("films", 40, ("normal", "opacity"))
    assert any("film.mp4" in issue.message for issue in index.issues)


def test_the_command_line_indexes_a_bucket_of_google_and_says_in_one_sentence_what_it_cannot_have(
    films: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    where = ["--json", "--workspace", str(tmp_path / "workspace")]
    with cloud(tmp_path) as store:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", store.address)
        for film in sorted(films.rglob("*.png"))[::8]:
            store.put("hospital", f"the films/{film.parent.name}/{film.name}", film.read_bytes())
        # in a process of its own: what a library logs, Python prints where nothing takes it, and pytest does
        command = [sys.executable, "-m", "gui", "index", "gcs://hospital/the films", *where]
        said = subprocess.run(command, capture_output=True, text=True, check=True)
        assert json.loads(said.stdout)["images"] == 5 and "credentials" not in said.stderr
        for nothing in ("gs://hospital/nothing", "gcs://nobody/films"):
            assert main(["index", nothing, *where]) == 1
            (sentence,) = capsys.readouterr().err.splitlines()
            assert sentence.endswith("Check the address for typing errors.")
