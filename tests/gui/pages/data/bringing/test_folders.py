"""The list of folders never leads outside the home folder and the working directory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.errors import DataError
from gui.pages.data.bringing.folders import list_entries, roots


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with films, and beside it what is nobody's business."""
    for folder in ("home/films/normal", "home/.ssh", "work", "other/secret"):
        (tmp_path / folder).mkdir(parents=True)
    for file in ("home/films.csv", "home/films.zip", "home/letter.doc", "other/secret.csv"):
        (tmp_path / file).touch()
    (tmp_path / "home" / "way out").symlink_to(tmp_path / "other", target_is_directory=True)
    (tmp_path / "home" / "way out.csv").symlink_to(tmp_path / "other" / "secret.csv")
    (tmp_path / "home" / "round").symlink_to(tmp_path / "home", target_is_directory=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "home"


def names(listed: list[dict[str, str]]) -> list[str]:
    return [entry["name"] for entry in listed]


def test_it_begins_at_home_and_where_overread_was_started(home: Path) -> None:
    begin = list_entries("")
    assert [entry["path"] for entry in begin["folders"]] == [str(home), str(home.parent / "work")]
    assert begin["up"] is None


def test_folders_tables_and_archives_are_offered_and_nothing_hidden_or_outside(home: Path) -> None:
    listed = list_entries(str(home))
    assert names(listed["folders"]) == ["films", "round"]
    assert names(listed["files"]) == ["films.csv", "films.zip"]
    assert listed["up"] == ""
    inner = list_entries(str(home / "films"))
    assert names(inner["folders"]) == ["normal"]
    assert inner["up"] == str(home)


@pytest.mark.parametrize(
    "asked",
    [
        "{home}/..",
        "{home}/../other",
        "{home}/way out",
        "{home}/way out/secret",
        "/",
        "/etc",
        "films",
        "\0",
        "{home}/none",
    ],
)
def test_what_leads_outside_is_not_listed(home: Path, asked: str) -> None:
    with pytest.raises(DataError, match="cannot be listed"):
        list_entries(asked.format(home=home))


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="who may read all has nothing hidden")
def test_what_may_not_be_read_is_not_offered(home: Path) -> None:
    (home / "films").chmod(0)
    try:
        assert "films" not in names(list_entries(str(home))["folders"])
    finally:
        (home / "films").chmod(0o700)


def test_the_top_of_the_disk_is_no_place_to_begin(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home.anchor)
    assert roots() == [home.resolve()]
