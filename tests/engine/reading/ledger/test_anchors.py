"""Anchors are read back as they were written, once each, and a file that is something else is said."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from engine.errors import StoreError, WorkspaceError
from engine.reading.ledger.anchors import HEADINGS, Anchor, read_anchors, write_anchor
from engine.reading.ledger.chain import Head

ONE, TWO = Head(7, "a" * 64), Head(9, "b" * 64)


def test_each_row_is_written_once_with_its_moment_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "anchors.csv"
    assert read_anchors(path) == []
    for head, occasion in ((ONE, "a session ended"), (ONE, "an audit"), (TWO, "a report"), (ONE, "a backup")):
        write_anchor(path, head, occasion)
    found = read_anchors(path)
    assert [Head(one.seq, one.hash) for one in found] == [ONE, TWO]
    for one, occasion in zip(found, ("a session ended", "a report"), strict=True):
        said, at = one.when.split(", ")
        written = datetime.fromisoformat(at)
        assert said == occasion and written.utcoffset() == timedelta(0) and written.microsecond == 0
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == ",".join(HEADINGS) and len(lines) == 3
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_line_that_was_cut_short_is_passed_over_and_the_next_begins_a_line(tmp_path: Path) -> None:
    path = tmp_path / "anchors.csv"
    write_anchor(path, ONE, "a session ended")
    path.write_bytes(path.read_bytes() + b"2026-03-01T09:30:00+00:00,8")
    write_anchor(path, TWO, "a report")
    assert [one.seq for one in read_anchors(path)] == [7, 9]


@pytest.mark.parametrize(
    "said", ["when,row,hash,occasion\n", "time,row,hash\n", ",".join(HEADINGS) + "\nnow,seven,abc,a report\n"]
)
def test_a_file_of_something_else_is_said(said: str, tmp_path: Path) -> None:
    path = tmp_path / "anchors.csv"
    path.write_text(said, encoding="utf-8")
    with pytest.raises(StoreError, match="is not a file of anchors") as caught:
        read_anchors(path)
    assert "backup" in caught.value.remedy


def test_a_place_where_nothing_can_be_written_or_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "anchors.csv").mkdir()
    with pytest.raises(WorkspaceError):
        write_anchor(tmp_path / "anchors.csv", ONE, "a report")
    with pytest.raises(StoreError, match="is not a file of anchors"):
        read_anchors(tmp_path / "anchors.csv")


def test_an_anchor_tells_its_row_its_hash_and_its_occasion(tmp_path: Path) -> None:
    path = tmp_path / "anchors.csv"
    path.write_text(f"{','.join(HEADINGS)}\n2026-03-01T09:30:00+00:00,7,abc,an audit\n", encoding="utf-8")
    assert read_anchors(path) == [Anchor(7, "abc", "an audit, 2026-03-01T09:30:00+00:00")]


def test_an_anchor_is_on_the_disk_when_it_is_said_to_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, synced = tmp_path / "anchors.csv", list[int]()
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(os.fstat(file).st_size))
    for head in (ONE, TWO):
        write_anchor(path, head, "a report")
        assert synced[-1:] == [path.stat().st_size]
    assert len(synced) == 2
