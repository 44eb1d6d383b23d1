"""What the browser sends lands as the tree it was, inside its own folder, within the room there is; no guest sends."""

from __future__ import annotations

import os
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, strategies as st
from starlette.applications import Starlette
from starlette.testclient import TestClient

from engine.errors import DataError, WorkspaceError
from gui.pages.data.bringing import uploads
from gui.web import AppSession


def client(session: AppSession) -> TestClient:
    return TestClient(Starlette(routes=[uploads.take_route(session)]), base_url="http://127.0.0.1")


def send(session: AppSession, address: str, path: str, body: Any = b"film") -> int:
    return client(session).put(f"{address}?path={quote(path, safe='')}", content=body).status_code


@pytest.fixture
def batch(session: AppSession) -> dict[str, Any]:
    return uploads.begin(session, ["films"], 2, 8)


def test_a_tree_stays_the_tree_it_is(session: AppSession, batch: dict[str, Any]) -> None:
    for path in ("films/normal/a.png", "films/ill/deep/a.png", "films/ill/رادیو گرافی.png"):
        assert send(session, batch["address"], path, path.encode()) == 204
    tree = uploads.tree_of(session.workspace, batch["batch"])
    assert tree.name == "films"
    found = {path.relative_to(tree).as_posix(): path.read_bytes() for path in tree.rglob("*.png")}
    assert found == {
        "normal/a.png": b"films/normal/a.png",
        "ill/deep/a.png": b"films/ill/deep/a.png",
        "ill/رادیو گرافی.png": "films/ill/رادیو گرافی.png".encode(),
    }


@pytest.mark.parametrize(
    "path",
    [
        "../outside.png",
        "films/../../outside.png",
        "/etc/outside.png",
        "films//outside.png",
        "films\\..\\outside.png",
        "films/./outside.png",
        "films/out\x00side.png",
        "films/out\nside.png",
        "films/out\x85side.png",
        "films/" + "a" * 256,
        "films/" + "é" * 128,
        "films/" + "/".join(["a" * 200] * 25),
        "",
        ".unread",
        "films",
    ],
)
def test_what_would_leave_the_folder_or_is_no_name_is_refused_and_the_rest_goes_on(
    session: AppSession, batch: dict[str, Any], path: str
) -> None:
    assert send(session, batch["address"], "films/a.png") == 204
    assert send(session, batch["address"], path) in (400, 409)
    assert send(session, batch["address"], "films/b.png") == 204
    assert not list(session.workspace.root.parent.rglob("*outside*"))
    assert len(list(uploads.tree_of(session.workspace, batch["batch"]).rglob("*"))) == 2


@given(st.text(st.characters(codec="utf-8") | st.sampled_from("./\\"), max_size=40))
def test_whatever_is_written_a_file_stays_inside(written: str) -> None:
    folder = Path("/workspace/uploads/batch")
    try:
        target = uploads.target_of(folder, written)
    except DataError:
        return
    assert Path(os.path.normpath(target)) == target
    assert folder in target.parents


def test_a_file_that_comes_twice_is_kept_once(session: AppSession, batch: dict[str, Any]) -> None:
    assert send(session, batch["address"], "films/a.png", b"first") == 204
    assert send(session, batch["address"], "films/a.png", b"second") == 409
    assert (uploads.tree_of(session.workspace, batch["batch"]) / "a.png").read_bytes() == b"first"


def test_only_the_page_of_this_session_can_send_and_never_a_guest(
    session: AppSession, guest: AppSession, batch: dict[str, Any]
) -> None:
    address = batch["address"]
    forged = address[:-1] + ("0" if address[-1] != "0" else "1")
    assert send(session, forged, "films/a.png") == 403
    assert send(session, address.replace("take/2", "take/3"), "films/a.png") == 403
    assert send(guest, address, "films/a.png") == 403
    with pytest.raises(DataError, match="read-only"):
        uploads.begin(guest, ["films"], 1, 1)
    uploads.discard(session.workspace, batch["batch"])
    assert send(session, address, "films/a.png") == 404


def test_what_does_not_fit_is_refused_before_it_comes_and_while_it_comes(
    session: AppSession, batch: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError, match="more than can be sent"):
        uploads.begin(session, ["films"], 1, 10**18)
    monkeypatch.setattr(uploads, "MOST_BYTES", 10)

    def drip() -> Iterator[bytes]:  # without a Content-Length
        yield b"123456"
        yield b"789012"

    assert send(session, batch["address"], "films/declared.png", b"x" * 11) == 413
    assert send(session, batch["address"], "films/dripped.png", drip()) == 413
    monkeypatch.setattr(uploads, "MOST_BYTES", 10**20)
    monkeypatch.setattr(uploads, "KEPT_FREE", 10**18)
    assert send(session, batch["address"], "films/no_room.png") == 507
    with pytest.raises(WorkspaceError, match="free"):
        uploads.begin(session, ["films"], 1, 1)
    assert not list(session.workspace.root.rglob("*.png"))


def test_several_things_stand_together_and_archives_among_them_are_opened(
    session: AppSession, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as packed:
        packed.writestr("ill/b.png", b"film")
    (tmp_path / "broken.zip").write_bytes(b"PK\3\4 and no more")
    batch = uploads.begin(session, ["a.png", "more.zip", "broken.zip"], 3, 100)
    for path in ("a.png", "more.zip", "broken.zip"):
        body = (tmp_path / path).read_bytes() if path.endswith("zip") else b"film"
        assert send(session, batch["address"], batch["prefix"] + path, body) == 204
    tree = uploads.tree_of(session.workspace, batch["batch"])
    (refused,) = uploads.open_archives(tree)
    assert refused.startswith("broken.zip cannot be unpacked")
    assert tree.name == "3 uploaded files and folders"
    assert {path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file()} == {
        "a.png",
        "more/ill/b.png",
        "broken.zip",
    }


def test_what_was_indexed_stays_and_what_nobody_came_back_for_goes(session: AppSession) -> None:
    kept, left, fresh = (uploads.begin(session, ["films"], 1, 1)["batch"] for _ in range(3))
    folder = session.workspace.uploads
    uploads.keep(session.workspace, kept)
    long_ago = time.time() - 2 * uploads.ABANDONED_SECONDS
    os.utime(folder / left / uploads.UNREAD, (long_ago, long_ago))
    uploads.begin(session, ["films"], 1, 1)
    uploads.discard(session.workspace, kept)
    for elsewhere in ("..", "", f"../uploads/{fresh}", f"{fresh}/.."):
        with pytest.raises(DataError):
            uploads.discard(session.workspace, elsewhere)
    assert (folder / kept).is_dir() and (folder / fresh).is_dir()
    assert not (folder / left).exists()
    assert session.workspace.datasets.is_dir()
