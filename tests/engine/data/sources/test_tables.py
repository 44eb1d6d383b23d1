"""Promises of engine.data.sources.tables: whatever program wrote the table, its rows are read as they were meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.data.sources.tables import read_table
from engine.errors import DataError


def table(folder: Path, content: bytes | str, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252"])
def test_any_usual_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    text = "path,label,patient_id\nGrünwald/Röntgen 1.png,Lungenentzündung,Müller-7\n" * 1
    text += "".join(f"Bücher/Straße {number}.png,unauffällig,Jürgen-{number}\n" for number in range(20))
    row = read_table(table(tmp_path, text.encode(encoding)))[0]
    assert (row.path, row.label, row.patient_id) == ("Grünwald/Röntgen 1.png", "Lungenentzündung", "Müller-7")


def test_bytes_that_are_no_text_get_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        read_table(table(tmp_path, bytes(range(256)) * 40))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_although_rows_hold_others(tmp_path: Path, delimiter: str) -> None:
    header = delimiter.join(["path", "label", "note"])
    row = delimiter.join(["a.png", "x", '"one, two; three | four"'])
    (read,) = read_table(table(tmp_path, f"{header}\n{row}\n"))
    assert (read.path, read.label, read.meta["note"]) == ("a.png", "x", "one, two; three | four")


@pytest.mark.parametrize(
    ("header", "patient"),
    [
        ("Image Index,Finding Labels,Patient ID", "p"),
        ("FILE,Diagnosis,subject_id", "p"),
        ("filename,class,patient_key", "p"),
    ],
)
def test_columns_are_known_by_the_names_people_use(tmp_path: Path, header: str, patient: str) -> None:
    (row,) = read_table(table(tmp_path, f"{header}\na.png,x,{patient}\n"))
    assert (row.path, row.label, row.patient_id, dict(row.meta)) == ("a.png", "x", "p", {})


def test_a_column_can_be_named(tmp_path: Path) -> None:
    path = table(tmp_path, "path,label,Befund\na.png,x,krank\n")
    assert read_table(path, columns={"label": "Befund"})[0].label == "krank"
    assert read_table(path, columns={"label": ""})[0].label == ""


def test_a_named_column_that_is_not_there_is_said_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'Befund'; it has: path, label"):
        read_table(table(tmp_path, "path,label\na.png,x\n"), columns={"label": "Befund"})
    with pytest.raises(DataError, match="nothing called lable"):
        read_table(table(tmp_path, "path,label\na.png,x\n"), columns={"lable": "label"})


def test_missing_columns_are_said_with_those_found_and_those_needed(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="lacks the column path and label; it has: a, b") as raised:
        read_table(table(tmp_path, "a,b\n1,2\n"))
    assert "path and label" in raised.value.remedy


@pytest.mark.parametrize("content", ["", "path,label\n", "path,label\n,,\n"])
def test_a_table_without_rows_gets_a_sentence(tmp_path: Path, content: str) -> None:
    with pytest.raises(DataError):
        read_table(table(tmp_path, content))


def test_a_table_that_is_not_there_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be opened"):
        read_table(tmp_path / "gone.csv")


def test_everything_is_text(tmp_path: Path) -> None:
    (row,) = read_table(table(tmp_path, "path,label,patient\n007.png,0,0012\n"))
    assert (row.path, row.label, row.patient_id) == ("007.png", "0", "0012")


def test_an_index_column_without_a_name_and_short_rows_do_no_harm(tmp_path: Path) -> None:
    (row,) = read_table(table(tmp_path, ",path,label,age\n0,a.png,x\n"))
    assert (row.path, row.label, dict(row.meta)) == ("a.png", "x", {})


def test_parquet_is_read(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="Parquet needs pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    content = pyarrow.table({"path": ["a.png", "b.png"], "label": ["x", None], "patient_id": [7, 8]})
    parquet.write_table(content, tmp_path / "t.parquet")
    first, second = read_table(tmp_path / "t.parquet")
    assert (first.path, first.label, first.patient_id) == ("a.png", "x", "7")
    assert second.label == ""


def test_a_file_that_only_claims_to_be_parquet_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"t\.parquet"):
        read_table(table(tmp_path, b"no parquet", "t.parquet"))
