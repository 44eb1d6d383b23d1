"""Promises of matching: each row gets the one file that it means, and what was not plain is said once, with a count."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from engine.data.sources.files import Files
from engine.data.sources.matching import FilesNotFoundError, match_files
from engine.data.sources.tables import Row
from engine.records import DataIssue, DataIssueKind


def rows(*paths: str, label: str = "x", mask: str = "") -> list[Row]:
    return [
        Row(number=number, path=path, label=label, mask=mask, meta={}) for number, path in enumerate(paths, 2)
    ]


def files(root: Path, *names: str) -> Files:
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(str(number).encode())
    return Files(root)


def only(issues: list[DataIssue]) -> DataIssue:
    (issue,) = issues
    return issue


def test_rows_without_file_and_files_without_row_are_each_said_once(tmp_path: Path) -> None:
    there = files(tmp_path, *(f"films/{n}.png" for n in range(20)), "films/note.txt")
    matched, issues = match_files(rows(*(f"{n}.png" for n in range(10, 30))), "t.csv", there)
    assert [row.path.name for row in matched] == [f"{n}.png" for n in range(10, 20)]
    missing, unlisted = issues
    assert (
        missing.message.startswith("10 rows name files that are not there")
        and "20.png; 21.png" in missing.message
    )
    assert unlisted.message.startswith("10 images have no row") and len(unlisted.paths) == 10
    assert [issue.kind for issue in issues] == [DataIssueKind.MISSING_FILE, DataIssueKind.UNLISTED]


def test_images_outside_the_folder_that_the_rows_are_in_are_none_of_the_table_s(tmp_path: Path) -> None:
    there = files(tmp_path, "train_images/a/1.png", "train_images/b/2.png", "test_images/9.png")
    assert match_files(rows("1", "2"), "t.csv", there)[1] == []


def test_a_name_that_stands_for_two_files_is_a_serious_issue_that_names_them(tmp_path: Path) -> None:
    there = files(tmp_path, "left/1.png", "right/1.png", "2.png")
    matched, issues = match_files(rows("1.png", "2.png"), "t.csv", there)
    assert [row.path.name for row in matched] == ["2.png"]
    issue = issues[0]
    assert issue.serious and "1.png: left/1.png or right/1.png" in issue.message
    assert {path.parent.name for path in issue.paths} == {"left", "right"}


@pytest.mark.parametrize(
    "written", [("a/1.png", "b/1.png"), ("x/a/1.png", "x/b/1.png"), ("C:\\a\\1.png", "/b/1.png")]
)
def test_two_rows_that_name_two_files_do_not_share_the_one_that_is_there(
    tmp_path: Path, written: tuple[str, str]
) -> None:
    there = files(tmp_path, "films/1.png", "films/2.png")
    matched, issues = match_files(rows(*written, "2.png"), "t.csv", there)
    assert [row.path.name for row in matched] == ["2.png"]
    assert issues[0].serious and issues[0].message.startswith("2 rows")


def test_a_row_that_names_a_file_exactly_keeps_it(tmp_path: Path) -> None:
    there = files(tmp_path, "a/1.png")
    matched, issues = match_files(rows("a/1.png", "b/1.png"), "t.csv", there)
    assert [row.row.path for row in matched] == ["a/1.png"]
    assert only(issues).message.startswith("1 row does not say")


def test_a_file_found_by_its_name_alone_is_said_and_one_found_in_its_folder_is_not(tmp_path: Path) -> None:
    there = files(tmp_path, "films/1.png", "films/2.png")
    matched, issues = match_files(rows("/data/png/1.png", "/data/films/2.png"), "t.csv", there)
    assert len(matched) == 2
    assert (
        "/data/png/1.png: films/1.png" in only(issues).message
        and only(issues).kind is DataIssueKind.FOUND_OTHERWISE
    )


def test_a_study_s_row_holds_for_each_of_its_images(tmp_path: Path) -> None:
    there = files(tmp_path, "train/1.2.3/1.dcm", "train/1.2.3/2.dcm", "train/1.2.4/1.dcm")
    matched, issues = match_files(rows("1.2.3", "1.2.4"), "t.csv", there)
    assert [row.path.relative_to(tmp_path).as_posix() for row in matched] == [
        "train/1.2.3/1.dcm",
        "train/1.2.3/2.dcm",
        "train/1.2.4/1.dcm",
    ]
    assert only(issues).message.startswith("2 rows name folders")


def test_a_mask_is_looked_for_like_an_image_and_its_lack_is_said(tmp_path: Path) -> None:
    there = files(tmp_path, "films/1.png", "masks/1.png")
    (row,), issues = match_files(rows("1.png", mask="1.png"), "t.csv", there)
    assert row.mask_path == tmp_path / "masks" / "1.png" and issues == []
    (row,), issues = match_files(rows("1.png", mask="gone.png"), "t.csv", there)
    assert row.mask_path is None and "gone.png" in only(issues).message


def test_the_sentence_for_a_table_alone_shows_what_it_names_and_no_folder(tmp_path: Path) -> None:
    with pytest.raises(FilesNotFoundError) as raised:
        match_files(rows(*(f"images/{n}.png" for n in range(9))), "labels.csv", Files(tmp_path))
    said = str(raised.value)
    assert (
        "None of the 9 files that labels.csv names was found (images/0.png, images/1.png, images/2.png, …)"
        in said
    )
    assert "--root FOLDER" in said and str(tmp_path) not in said
    assert str(pickle.loads(pickle.dumps(raised.value))) == said  # it crosses from process to process


@pytest.mark.parametrize("written", ["1", "1.0", "1.png"])
def test_names_that_a_spreadsheet_took_for_numbers_are_said_to_be_that(written: str, tmp_path: Path) -> None:
    there = files(tmp_path, "0001.png", "0002.png")
    with pytest.raises(FilesNotFoundError, match=rf"names {written}, and the file is 0001\.png"):
        match_files(rows(written), "labels.csv", there)


def test_the_sentence_for_names_that_all_stand_for_several_files_shows_one(tmp_path: Path) -> None:
    there = files(tmp_path, "a/1.png", "b/1.png")
    with pytest.raises(FilesNotFoundError, match=r"1: a/1\.png or b/1\.png"):
        match_files(rows("1"), "labels.csv", there)


def test_a_cell_of_any_length_does_no_harm(tmp_path: Path) -> None:
    with pytest.raises(FilesNotFoundError) as raised:
        match_files(rows("x" * 100_000, "/" * 5000, "\0", "/a\0b/../c"), "t.csv", Files(tmp_path))
    assert len(str(raised.value)) < 1000
