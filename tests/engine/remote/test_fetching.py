"""Promises of engine.remote on real stores: what is there comes once, and what changed there is noticed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from engine.data import index_data
from engine.errors import DataError
from engine.pacs import Limits
from engine.remote import address_of, bring, is_address, local_path
from engine.remote.fetching import Here, fetch
from engine.workspace import Workspace
from tests.stores import KEY, PASSWORD, SECRET, Buckets, Files, files

QUICK = Limits(bytes=1 << 20, seconds=2.0, silence=0.5)
PATIENT = Limits(bytes=1 << 20, seconds=60.0, silence=20.0)


def fetched(address: str, into: Path, limits: Limits = PATIENT) -> Here:
    return fetch(address_of(address), into, limits=limits)  # type: ignore[arg-type]


def names_in(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


@pytest.fixture
def few(films: Path, tmp_path: Path) -> Path:
    """A folder of six films in two classes, on what is to be a server."""
    folder = tmp_path / "there" / "films"
    for path in [*sorted(films.glob("normal/*"))[:3], *sorted(films.glob("opacity/*"))[:3]]:
        copy = folder / path.relative_to(films)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    return folder


@pytest.fixture
def server(few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Files]:
    with files(few.parent) as shown:
        shown.know(tmp_path, monkeypatch)
        yield shown


def test_a_bucket_becomes_a_data_set_and_asked_again_only_what_is_new_comes(
    s3: Buckets, few: Path, workspace: Workspace
) -> None:
    for path in few.rglob("*.png"):
        s3.put("hospital", f"first/films/{path.relative_to(few).as_posix()}", path.read_bytes())
    s3.put("hospital", "first/films/normal/film.mp4", b"moves")
    s3.put("hospital", "first/films/.cache/x.png", b"hidden")
    address = address_of("s3://hospital/first/films/")
    path, table, issues = bring(workspace, address)
    index = index_data(path)
    assert (path.name, table) == ("films", None) and set(index.classes) == {"normal", "opacity"}
    assert sorted(one.path.read_bytes() for one in index.samples) == sorted(
        one.read_bytes() for one in few.rglob("*.png")
    )
    assert [issue.message for issue in issues] == [
        "1 of the files at s3://hospital did not come (by its name it is neither an image nor a table): "
        "normal/film.mp4; left-out.csv lists them"
    ]
    kept = b"".join(file.read_bytes() for file in workspace.root.rglob("*") if file.is_file())
    assert KEY.encode() not in kept and SECRET.encode() not in kept

    s3.front.asked.clear()
    s3.put("hospital", "first/films/normal/new.png", b"new")
    again, _, _ = bring(workspace, address)
    assert again == path and s3.front.asked == ["?", "/hospital/first/films/normal/new.png"]


def test_what_changed_or_went_there_is_noticed_and_what_was_read_before_stays(
    s3: Buckets, tmp_path: Path
) -> None:
    for name in ("a", "b", "c"):
        s3.put("hospital", f"second/{name}.png", name.encode())
    first = fetched("s3://hospital/second", tmp_path / "into")
    s3.put("hospital", "second/a.png", b"A")  # of the same length
    s3.delete("hospital", "second/b.png")
    second = fetched("s3://hospital/second", tmp_path / "into")
    assert second.changed == ("a.png", "b.png") and second.new == 1
    assert {one.name: one.read_bytes() for one in first.path.iterdir()} == {
        "a.png": b"a",
        "b.png": b"b",
        "c.png": b"c",
    }
    assert {one.name: one.read_bytes() for one in second.path.iterdir()} == {"a.png": b"A", "c.png": b"c"}
    assert (first.path / "c.png").samefile(second.path / "c.png")
    (second.path / "c.png").unlink()  # what is lost here comes again
    assert fetched("s3://hospital/second", tmp_path / "into").path == second.path
    assert (second.path / "c.png").read_bytes() == b"c"


def test_one_archive_comes_where_the_address_names_it(s3: Buckets, few: Path, workspace: Workspace) -> None:
    packed = Path(shutil.make_archive(str(few), "zip", few))
    s3.put("hospital", "third/films.zip", packed.read_bytes())
    path, _, issues = bring(workspace, address_of("s3://hospital/third/films.zip"))
    assert path.read_bytes() == packed.read_bytes() and not issues
    assert len(index_data(path, unpack_into=workspace.unpacked).samples) == 6


def test_an_sftp_server_gives_files_and_what_its_links_lead_to(
    server: Files, few: Path, tmp_path: Path
) -> None:
    (few / "normal" / "linked.png").symlink_to(few / "opacity" / next((few / "opacity").iterdir()).name)
    (few / "loop").symlink_to(few)
    (few / "= odd ünd.png").write_bytes(b"odd")
    here = fetched(server.address("films"), tmp_path / "into")
    assert names_in(here.path) == sorted([*names_in(few), "normal/linked.png"]) or names_in(
        here.path
    ) == names_in(few)
    assert [(one.path, one.why) for one in here.left_out] == [("loop", "it is a link to a folder")]
    server.named = b"../../up.png"  # what a server says is no path
    lying = fetched(server.address("films"), tmp_path / "lied")
    assert names_in(lying.path) == [name for name in names_in(here.path) if "odd" not in name]
    assert not [one for one in tmp_path.rglob("*") if one.name == "up.png"]
    server.named = b""
    os.utime(few / "= odd ünd.png", (1, 1))
    assert fetched(server.address("films"), tmp_path / "into").changed == ("= odd ünd.png",)


def test_a_server_that_is_not_known_is_told_no_password(server: Files, few: Path, tmp_path: Path) -> None:
    known = tmp_path / ".ssh" / "known_hosts"
    line = known.read_text()
    for shown in ("", line.replace(line.split()[2], line.split()[2][:-8] + "AAAAAAAA")):
        known.write_text(shown)
        with pytest.raises(
            DataError, match=r"is not known by that key.*fingerprint.*: ssh 127\.0\.0\.1 -p \d+, once"
        ):
            fetched(server.address("films"), tmp_path / "into")
    known.write_text(line)
    server.password = "another"
    with pytest.raises(DataError, match=r"refuses us: no credentials, wrong ones") as refused:
        fetched(server.address("films"), tmp_path / "into")
    assert PASSWORD not in str(refused.value)


def test_names_that_are_no_files_here_do_not_come(s3: Buckets, tmp_path: Path) -> None:
    names = ("a.png", "a.png/b.png", "bad\\name.png", "x" * 250 + ".png", "IM0001", "1.2.840")
    for name in names:
        s3.put("hospital", f"names/{name}", name.encode())
    here = fetched("s3://hospital/names", tmp_path / "into")
    assert [name for name in names_in(here.path) if not name.startswith("a.png")] == ["1.2.840", "IM0001"]
    assert sorted(one.why for one in here.left_out) == [
        "a file and a folder there have the same name",
        *2 * ["its name cannot be a file's here"],
    ]


def test_a_store_inside_this_process_is_one_too(tmp_path: Path) -> None:
    store = fsspec.filesystem("memory")
    store.pipe("/inside/a.png", b"a")
    try:
        here = fetched("memory://inside", tmp_path / "into")
        assert names_in(here.path) == ["a.png"] and fetched("memory://inside", tmp_path / "into").new == 0
    finally:
        store.rm("/inside", recursive=True)


@pytest.mark.parametrize(
    "written",
    [
        "s3://AKIA:hunter2@bucket/x",
        "sftp://ada:hunter2@host/x",
        "gcs://hunter2@bucket/x",
        "s3://bucket/../hunter2",
        "sftp://host:hunter2/x",
        "s3://buc ket/x",
        "sftp:///hunter2\n",
    ],
)
def test_an_address_with_a_secret_or_none_at_all_is_refused_without_being_repeated(written: str) -> None:
    with pytest.raises(DataError) as refused:
        address_of(written)
    assert "hunter2" not in str(refused.value) and "AKIA" not in str(refused.value)


def test_addresses_are_told_from_paths() -> None:
    assert is_address("s3:/bucket/x") and is_address("dicomweb://pacs/x") and is_address("gs://b")
    assert not any(map(is_address, ("/data/s3", "C:/films", "file:///films", "zip::s3://b/x", "s3.csv")))
    assert address_of("gs://b/x/").key == address_of("gcs://b//x").key  # type: ignore[union-attr]
    assert local_path("file:///home/ada/two%20films") == Path("/home/ada/two films")
    assert local_path("/home/ada/a%20b") == Path("/home/ada/a%20b")
    with pytest.raises(DataError, match="names another computer"):
        local_path("file://server/films")


def test_the_packages_are_asked_for_where_they_are_missing(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; sys.modules['paramiko'] = sys.modules['s3fs'] = None\n"
        "from engine.errors import DataError\n"
        "from engine.remote import address_of, bring; from engine.workspace import Workspace\n"
        "for one in ('s3://b/x', 'sftp://h/x'):\n"
        "    try: bring(Workspace(Path(sys.argv[1])), address_of(one))\n"
        "    except DataError as error: print(error)"
    )
    said = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True)
    assert said.stdout.count("pip install 'overread[remote]'") == 2, said.stderr
