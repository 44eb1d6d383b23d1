"""Images are found again by the sha256 of their bytes, wherever they were put and whatever they are called now."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from engine.data import find_moved
from engine.errors import DataError


def put(folder: Path, files: dict[str, bytes]) -> dict[str, Path]:
    """Write files; image id → path."""
    known = {}
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        known[hashlib.sha256(content).hexdigest()] = path
    return known


FILES = {f"images/{n}.png": f"film {n}".encode() for n in range(5)}


def test_a_folder_that_was_moved_and_renamed_is_found_whole(tmp_path: Path) -> None:
    wanted = put(tmp_path / "before", FILES)
    (tmp_path / "before").rename(tmp_path / "after")
    moved = find_moved(wanted, tmp_path / "after")
    assert moved.paths == {one: tmp_path / "after" / "images" / path.name for one, path in wanted.items()}
    assert moved.prefixes == ((tmp_path / "before", tmp_path / "after"),) and not moved.changed


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(5)), st.integers(0, 5))
def test_names_mean_nothing_and_contents_everything(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], there: int
) -> None:
    folder = tmp_path_factory.mktemp("found")
    wanted = {hashlib.sha256(f"film {n}".encode()).hexdigest(): Path(f"/gone/{n}.png") for n in range(5)}
    put(folder, {f"deep/{order[n]}.png": f"film {n}".encode() for n in range(there)})  # names exchanged
    found = find_moved(wanted, folder).paths
    assert {path.read_bytes() for path in found.values()} == {f"film {n}".encode() for n in range(there)}
    assert all(hashlib.sha256(path.read_bytes()).hexdigest() == image_id for image_id, path in found.items())


def test_a_file_that_has_changed_is_said_and_not_taken(tmp_path: Path) -> None:
    wanted = put(tmp_path / "before", FILES)
    put(tmp_path / "after", FILES | {"images/2.png": b"edited"})
    moved = find_moved(wanted, tmp_path / "after")
    assert len(moved.paths) == 4
    assert list(moved.changed.values()) == [tmp_path / "after" / "images" / "2.png"]


def test_names_in_another_unicode_form_are_looked_at_first_and_copies_are_taken_by_their_folder(
    tmp_path: Path,
) -> None:
    name = "Röntgen.png"
    wanted = put(tmp_path / "before", {f"a/{name}": b"film"})
    put(tmp_path / "after", {"0/other.png": b"film", f"a/{unicodedata.normalize('NFD', name)}": b"film"})
    (found,) = find_moved(wanted, tmp_path / "after").paths.values()
    assert found.parent.name == "a"


def test_nothing_is_hashed_once_all_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import engine.data.moved.finding as finding

    wanted = put(tmp_path / "before", FILES)
    (tmp_path / "before").rename(tmp_path / "after")
    put(tmp_path / "after" / "others", {f"x{n}.png": b"x" for n in range(3000)})
    seen: list[Path] = []
    hashed = finding._hashed
    monkeypatch.setattr(finding, "_hashed", lambda path: (seen.append(path), hashed(path))[1])
    assert len(find_moved(wanted, tmp_path / "after").paths) == 5
    assert len(seen) < 2000


def test_pipes_and_folders_that_may_not_be_read_are_passed_over(tmp_path: Path) -> None:
    wanted = put(tmp_path / "before", FILES)
    put(tmp_path / "after", {"images/0.png": b"film 0"})
    os.mkfifo(tmp_path / "after" / "images" / "1.png")
    assert len(find_moved(wanted, tmp_path / "after").paths) == 1
    with pytest.raises(DataError, match="no folder"):
        find_moved(wanted, tmp_path / "nowhere")


def test_a_mask_is_looked_for_where_its_image_went(tmp_path: Path) -> None:
    wanted = put(tmp_path / "before", FILES)
    put(tmp_path / "before", {"masks/0.png": b"mask"})
    (tmp_path / "before").rename(tmp_path / "after")
    moved = find_moved(wanted, tmp_path / "after")
    assert moved.place_of(tmp_path / "before" / "masks" / "0.png") == tmp_path / "after" / "masks" / "0.png"
    assert moved.place_of(tmp_path / "before" / "masks" / "1.png") is None
    assert moved.place_of(Path("/elsewhere/masks/0.png")) is None
