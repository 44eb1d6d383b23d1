"""Bringing in: a proposal, then the images; what is refused stays until it is mended, what is cancelled is gone."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from engine.data import list_indexes, load_index
from engine.errors import DataError
from engine.records import Answers
from gui.pages.data.bringing import flow, uploads
from gui.pages.data.bringing.flow import WORKING, Bringing, State, named
from gui.pages.data.bringing.pane import drawn_state, is_local
from gui.pages.data.bringing.proposal_form import column_words, role_words
from gui.web import AppSession
from tests.gui.pages.data.conftest import write_films


def settled(bringing: Bringing, thing: int | None = None) -> State:
    """Wait until nothing goes on any more with a thing, or with the last one."""
    state = bringing.state(thing=thing)
    while state.stage in WORKING:
        state = bringing.state(state.number, 20, thing)
    return state


def looked(
    session: AppSession, path: Path | str, answers: Answers | None = None, batch: str = ""
) -> Bringing:
    bringing = Bringing(session)
    bringing.look(named(session, str(path), batch), answers or Answers())
    settled(bringing)
    return bringing


def sent(session: AppSession, *paths: Path) -> str:
    """Put files where the browser's uploads land; return the batch."""
    begun = uploads.begin(session, [path.name for path in paths], len(paths), 1)
    folder = session.workspace.uploads / begun["batch"] / begun["prefix"]
    folder.mkdir(exist_ok=True)
    for path in paths:
        (shutil.copytree if path.is_dir() else shutil.copy)(path, folder / path.name)
    return str(begun["batch"])


def test_a_folder_is_proposed_read_as_answered_and_kept(session: AppSession, tmp_path: Path) -> None:
    folder = write_films(tmp_path / "films", classes=("Normal", "normal", "opacity"), table=False)
    bringing = looked(session, folder)
    state = bringing.state()
    assert state.stage == "proposed" and state.proposal is not None
    (question,) = [q for q in state.proposal.questions if "Normal" in q.issue.message]
    bringing.look(named(session, str(folder), ""), question.choices[0].answers)
    settled(bringing)
    bringing.read()
    done = settled(bringing)
    assert done.stage == "done"
    index = load_index(session.workspace, done.dataset_id)
    assert index.classes == ("Normal", "opacity")
    assert len(index.samples) == 20
    assert index.name == "films"


@pytest.mark.parametrize("typed", ["", "   ", "no/such/relative"])
def test_what_does_not_say_where_it_is_is_refused(session: AppSession, typed: str) -> None:
    with pytest.raises(DataError):
        named(session, typed, "")


def test_the_address_of_an_archive_as_a_browser_has_it_is_called_one(session: AppSession) -> None:
    with pytest.raises(DataError, match="is an address, not a folder") as refused:
        named(session, "https://pacs.example/dicom-web", "")
    assert "dicomweb://" in refused.value.remedy


def test_quotation_marks_of_a_copied_path_are_taken_off(session: AppSession, tmp_path: Path) -> None:
    assert named(session, f' "{tmp_path}" ', "").path == tmp_path


def test_a_refusal_stays_until_it_is_mended(session: AppSession, tmp_path: Path) -> None:
    bringing = looked(session, tmp_path / "nowhere")
    refused = drawn_state(bringing.state())
    assert refused["stage"] == "refused" and "nowhere" in refused["problem"]
    assert drawn_state(bringing.state())["problem"] == refused["problem"]
    bringing.look(named(session, str(write_films(tmp_path / "films")), ""), Answers())
    assert settled(bringing).problem == ""
    assert bringing.state().stage == "proposed"


def test_a_table_that_came_alone_asks_where_its_images_are_and_shows_no_place_of_ours(
    session: AppSession, tmp_path: Path
) -> None:
    folder = write_films(tmp_path / "films")
    batch = sent(session, folder / "films.csv")
    bringing = looked(session, "", batch=batch)
    refused = drawn_state(bringing.state())
    assert refused["stage"] == "refused"
    assert str(session.workspace.root) not in str(refused)
    assert refused["columns"][0]["headers"] == ["path", "label", "patient"]
    bringing.look(named(session, "", batch), Answers(root=folder))
    assert settled(bringing).stage == "proposed"
    bringing.read()
    index = load_index(session.workspace, settled(bringing).dataset_id)
    assert index.name == "films (films.csv)"
    assert len({sample.patient_id for sample in index.samples}) == 10


def test_what_was_sent_is_named_as_it_was_and_stays(session: AppSession, tmp_path: Path) -> None:
    folder = write_films(tmp_path / "films", table=False)
    (folder / "labels.csv").write_text("path,label\nno/such.png,ill\n")
    bringing = looked(session, "", batch=sent(session, folder))
    assert str(session.workspace.root) not in str(drawn_state(bringing.state()))
    bringing.read()
    index = load_index(session.workspace, settled(bringing).dataset_id)
    assert index.name == "films" and index.classes == ("normal", "opacity")
    assert str(session.workspace.root) not in str([issue.message for issue in index.issues])
    shutil.rmtree(folder)
    bringing.cancel()
    assert all(sample.path.is_file() for sample in index.samples)


@pytest.mark.parametrize("kind", ["zip", "gztar"])
def test_an_archive_that_was_sent_is_read_and_takes_no_room_twice(
    session: AppSession, tmp_path: Path, kind: str
) -> None:
    folder = write_films(tmp_path / "films", table=False)
    batch = sent(session, Path(shutil.make_archive(str(tmp_path / "cohort"), kind, folder)))
    bringing = looked(session, "", batch=batch)
    bringing.read()
    index = load_index(session.workspace, settled(bringing).dataset_id)
    assert index.name == "cohort" and len(index.samples) == 20
    assert all(sample.path.is_file() for sample in index.samples)
    assert not (session.workspace.uploads / batch).exists()


def test_after_a_folder_that_was_named_others_can_be_sent_and_the_other_way_round(
    session: AppSession, tmp_path: Path
) -> None:
    folder = write_films(tmp_path / "films", table=False)
    bringing = looked(session, folder)
    for typed, batch in (("", sent(session, folder)), ("", sent(session, folder)), (str(folder), "")):
        before = bringing.state().source
        bringing.look(named(session, typed, batch), Answers())
        assert settled(bringing).stage == "proposed"
        assert before is not None
        assert not before.batch or not (session.workspace.uploads / before.batch).exists()


def test_two_tabs_with_two_folders_read_each_what_it_shows(session: AppSession, tmp_path: Path) -> None:
    bringing = Bringing(session)
    folders = [write_films(tmp_path / name, patients=2, table=False) for name in ("ours", "theirs")]
    shown = [bringing.look(named(session, str(folder), ""), Answers(), 0) for folder in folders]
    for thing, folder in zip(shown, folders, strict=True):
        while (state := bringing.state(thing=thing)).stage in WORKING:
            bringing.state(state.number, 20, thing)
        assert state.stage == "proposed" and state.source is not None and state.source.path == folder
    assert bringing.state().thing == shown[1]  # what a tab that is opened now shows
    said = bringing.look(named(session, str(folders[0]), ""), Answers(same={"normal": ""}), shown[0])
    for thing, name, classes in ((shown[0], "ours", 2), (shown[1], "theirs", 2), (said, "ours", 1)):
        while bringing.state(thing=thing).stage == "looking":
            bringing.state(bringing.state(thing=thing).number, 20, thing)
        bringing.read(thing)
        while (state := bringing.state(thing=thing)).stage in WORKING:
            bringing.state(state.number, 20, thing)
        index = load_index(session.workspace, state.dataset_id)
        assert (index.name, len(index.classes)) == (name, classes)


def test_what_a_tab_cancels_or_names_leaves_the_other_tabs_as_they_are(
    session: AppSession, tmp_path: Path
) -> None:
    bringing = Bringing(session)
    folder = write_films(tmp_path / "films", patients=2, table=False)
    batch = sent(session, folder)
    mine = bringing.look(named(session, "", batch), Answers(), 0)
    theirs = bringing.look(named(session, str(folder), ""), Answers(), 0)
    for thing in (mine, theirs):
        settled(bringing, thing)
    assert (session.workspace.uploads / batch).is_dir()  # sent in a tab that did not name the folder
    bringing.cancel(theirs)
    assert bringing.state(thing=theirs) == State()
    with pytest.raises(DataError, match="nothing to read"):
        bringing.read(theirs)
    bringing.read(mine)
    assert settled(bringing, mine).stage == "done"


def test_tabs_without_end_are_not_kept(session: AppSession, tmp_path: Path) -> None:
    bringing = Bringing(session)
    first, *_others, last = [
        bringing.look(named(session, str(tmp_path / "nowhere"), ""), Answers(), 0)
        for _ in range(3 * flow.MOST_KEPT)
    ]
    while bringing.state(thing=last).stage == "looking":
        bringing.state(bringing.state(thing=last).number, 20, last)
    bringing.look(named(session, str(tmp_path), ""), Answers(), 0)
    assert bringing.state(thing=last).stage == "refused"
    assert bringing.state(thing=first) == State()


def test_one_film_alone_can_be_brought(session: AppSession, tmp_path: Path) -> None:
    film = write_films(tmp_path / "films", table=False) / "normal" / "p00_0.png"
    bringing = looked(session, "", batch=sent(session, film))
    bringing.read()
    index = load_index(session.workspace, settled(bringing).dataset_id)
    assert index.name == "p00_0.png" and [sample.label for sample in index.samples] == [None]


def test_several_things_are_one_data_set_and_what_could_not_be_opened_is_said(
    session: AppSession, tmp_path: Path
) -> None:
    folder = write_films(tmp_path / "films", table=False)
    archive = Path(
        shutil.make_archive(str(tmp_path / "more"), "zip", write_films(tmp_path / "m", classes=("effusion",)))
    )
    (tmp_path / "broken.zip").write_bytes(b"PK\3\4")
    bringing = looked(session, "", batch=sent(session, folder, archive, tmp_path / "broken.zip"))
    state = bringing.state()
    assert state.proposal is not None
    assert any("broken.zip cannot be unpacked" in issue.message for issue in state.proposal.left_out)
    bringing.read()
    index = load_index(session.workspace, settled(bringing).dataset_id)
    assert index.name == "3 uploaded files and folders"
    assert any("broken.zip cannot be unpacked" in issue.message for issue in index.issues)


def test_cancelling_stops_reading_and_removes_what_was_sent(
    session: AppSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = sent(session, write_films(tmp_path / "films", table=False))
    bringing = looked(session, "", batch=batch)
    halfway, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def slow(path: Path, *, progress: Any, **_: Any) -> None:
        progress(5, 20)
        halfway.set()
        go_on.wait(60)
        try:
            progress(10, 20)
        finally:
            ended.set()

    monkeypatch.setattr(flow, "index_data", slow)
    bringing.read()
    assert halfway.wait(60)
    assert drawn_state(bringing.state())["told"] == "5 of 20 images"
    bringing.cancel()
    go_on.set()
    assert ended.wait(60)
    assert bringing.state().stage == "idle"
    assert list_indexes(session.workspace) == []
    assert not (session.workspace.uploads / batch).exists()


def test_unpacking_an_archive_says_how_far_it_is_and_can_be_cancelled(
    session: AppSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    halfway, go_on, stopped = threading.Event(), threading.Event(), threading.Event()

    def slow(archive: Path, into: Path, *, progress: Any) -> None:
        progress(5_000_000)
        halfway.set()
        go_on.wait(60)
        try:
            progress(6_000_000)
        except flow.Cancelled:
            stopped.set()
            raise

    monkeypatch.setattr(flow, "unpack", slow)
    (tmp_path / "films.zip").touch()
    bringing = Bringing(session)
    bringing.look(named(session, str(tmp_path / "films.zip"), ""), Answers())
    assert halfway.wait(60)
    assert bringing.state().doing() == "Unpacking the archive, 5 MB so far"
    bringing.cancel()
    go_on.set()
    assert stopped.wait(60)
    assert bringing.state().stage == "idle"


def test_a_fault_of_ours_is_told_by_its_reference(
    session: AppSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(flow, "propose", breaks)
    state = looked(session, tmp_path).state()
    assert state.stage == "refused"
    assert "reference" in state.problem and "secret" not in state.problem


def test_a_guest_brings_nothing_in(guest: AppSession, tmp_path: Path) -> None:
    bringing = Bringing(guest)
    with pytest.raises(DataError, match="read-only"):
        bringing.look(named(guest, str(tmp_path), ""), Answers())
    for act in (bringing.read, bringing.cancel):
        with pytest.raises(DataError, match="read-only"):
            act()


def test_the_systems_window_opens_on_the_persons_own_screen_alone() -> None:
    assert all(map(is_local, ("127.0.0.1:7860", "localhost:7860", "[::1]:7860", "LOCALHOST:1")))
    assert not any(map(is_local, ("abc.example.live", "127.0.0.1.evil.example:7860", "", "10.0.0.7:7860")))


def test_every_role_and_column_that_the_engine_knows_has_a_word() -> None:
    from engine.data.sources import COLUMNS
    from engine.records import ROLES

    assert set(role_words()) == set(ROLES)
    assert set(column_words()) == set(COLUMNS)
