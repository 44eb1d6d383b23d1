"""What Overread writes for a spreadsheet runs nothing in any of them, and comes back as it was."""

from __future__ import annotations

import csv
import io
import math
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, strategies as st

from engine.data.split_file import load_split, save_split
from engine.records import Prediction, Sample, Split
from engine.spreadsheet import read_csv, write_csv
from engine.workspace import Workspace
from gui.cli.results import add_to_table, lines_of
from tests.gui.conftest import make_run

# Text of the kind that is dangerous, and any text.
FORMULA = "=+-@＝＋－＠﹦﹢﹣﹫−"
PASSED_OVER = ' \t\r\n"\u00a0\u200b\u3000\ufeff'
RISKY = st.text(alphabet=f"{FORMULA}{PASSED_OVER};؛|,'a1", max_size=12)
TEXT = st.one_of(RISKY, st.text(max_size=12))
SEPARATORS = (",", ";", "\t", "|", "؛")


def cells_of(data: bytes) -> list[str]:
    """Return every cell that some spreadsheet may see: by each separator, with quotes understood and without."""
    text = data.decode("utf-8-sig", "surrogateescape")
    cells = [cell for each in SEPARATORS[1:] for cell in re.split(f"[{each}\r\n\u2028\u2029\x85]", text)]
    for each in SEPARATORS:
        cells += [cell for row in csv.reader(io.StringIO(text, newline=""), delimiter=each) for cell in row]
    return cells


@given(st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=4))
@example([("a؛＝1", "\u3000＋1", "\t−1"), ("  =1", "a\t@x", "\u200b﹦1")])
@example([("x", "a;=1+1", "b;\t @SUM(A1)"), ("x\n=1", 'x;"=1"', "'=1")])
def test_no_cell_is_a_formula_whatever_separates_cells_and_whatever_was_typed(
    rows: list[tuple[str, str, str]],
) -> None:
    for cell in cells_of(write_csv([dict(zip("abc", row, strict=True)) for row in rows])):
        assert not cell.strip(PASSED_OVER).startswith(tuple(FORMULA)), cell


@given(st.lists(TEXT, min_size=1, max_size=3, unique=True), st.data())
def test_what_was_written_comes_back_as_it_was(names: list[str], data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.tuples(*[TEXT] * len(names)), max_size=4))
    written = write_csv([dict(zip(names, row, strict=True)) for row in rows], names)
    assert read_csv(written) == (names, [list(row) for row in rows])


def test_numbers_stay_numbers_and_what_is_none_is_an_empty_cell() -> None:
    row: dict[str, Any] = {
        "negative": -5, "half": -0.5, "of numpy": np.float64(-0.25), "count": np.int64(-3), "yes": True,
        "nan": math.nan, "infinite": -math.inf, "none": None,
    }  # fmt: skip
    (cells,) = read_csv(write_csv([row]))[1]
    assert cells == ["-5", "-0.5", "-0.25", "-3", "True", "", "", ""]
    assert b",-0.5," in write_csv([row])


def test_rows_may_lack_columns_and_lines_may_be_added_to_a_file() -> None:
    whole = write_csv([{"a": 1}, {"b": 2, "a": 3}])
    assert read_csv(whole) == (["a", "b"], [["1", ""], ["3", "2"]])
    assert whole == write_csv([{"a": 1}], ["a", "b"]) + write_csv(
        [{"a": 3, "b": 2}], ["a", "b"], headings=False
    )
    assert read_csv(whole + b"4")[1][-1] == ["4"]  # cut short by a crash
    assert read_csv(b"") == ([], [])


def test_a_files_name_that_is_no_text_comes_back_and_half_a_character_stops_nothing() -> None:
    name = b"film\xff.png".decode("utf-8", "surrogateescape")
    assert read_csv(write_csv([{"path": name}]))[1] == [[name]]
    assert read_csv(write_csv([{"comment": "a\ud800b"}]))[1] == [["a\ufffdb"]]


@pytest.mark.parametrize("length", [200_000])
def test_a_long_cell_is_read(length: int) -> None:
    assert read_csv(write_csv([{"notes": "x" * length}]))[1] == [["x" * length]]


def test_files_of_the_version_before_are_read() -> None:
    assert read_csv(b'a,b\n1,"x,y"\n') == (["a", "b"], [["1", "x,y"]])


@given(TEXT.filter(str.strip), TEXT, st.dictionaries(TEXT, TEXT, max_size=2))
def test_a_split_comes_back_whatever_labels_patients_and_columns_are_called(
    label: str, patient: str, meta: dict[str, str]
) -> None:
    sample = Sample(
        path=Path(f"/images/{patient}".replace("\0", "")), image_id="0" * 64, label=label, patient_id=patient,
        part="train", width=3, height=4, meta=meta,
    )  # fmt: skip
    split = Split(train=(sample,), val=(), test=(), classes=(label,), seed=1, method=patient)
    with TemporaryDirectory() as folder:
        save_split(split, Path(folder) / "split.csv")
        assert load_split(Path(folder) / "split.csv") == split


def test_predictions_that_are_added_to_a_table_run_nothing_and_keep_what_was_in_it(tmp_path: Path) -> None:
    run = make_run(Workspace(tmp_path), classes=("normal", "=1+1"))
    one, other = (
        Prediction(
            image_id=image_id, path=Path("/films/=2+2.png"), label=label, patient_id=image_id, part=None,
            probabilities=(0.25, 0.75), predicted="=1+1", entropy=0.5,
        )
        for image_id, label in (("a" * 64, "=1+1"), ("b" * 64, None))
    )  # fmt: skip
    add_to_table(tmp_path / "predictions.csv", run, [one], [])
    add_to_table(tmp_path / "predictions.csv", run, [other], [])
    assert not any(cell.startswith("=") for cell in cells_of((tmp_path / "predictions.csv").read_bytes()))
    kept = lines_of(tmp_path / "predictions.csv", run)
    assert {image_id[0]: (row["label"], row["predicted"], row["p(=1+1)"]) for image_id, row in kept.items()} == {
        "a": ("=1+1", "=1+1", "0.750000"), "b": ("", "=1+1", "0.750000"),
    }  # fmt: skip
