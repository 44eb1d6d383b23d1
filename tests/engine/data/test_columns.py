"""A data set in columns is the data set in records: whatever stands in them, and in whatever way they are asked for."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

from engine.data.columns.listings import (
    Listed,
    file_names,
    labels_counted,
    labels_of,
    listing_of,
    named_anyhow,
    of_patients,
    parts_counted,
    patients_named,
    relabelled as relabelled_files,
)
from engine.data.columns.samples import in_columns, labels_by_id, relabelled
from engine.data.columns.sequence import counted, is_all
from engine.data.columns.texts import CodedMade, TextsMade
from engine.data.manifest import samples_from_csv
from engine.data.walk import walk
from engine.records import PARTS, Sample

NAMES = st.one_of(
    st.text(
        st.characters(exclude_characters="\0"), max_size=6
    ),  # with halves of characters, as file systems have them
    st.sampled_from(
        ["", ".", "a/b.png", "/", "//x/y", "\udcff\udc80", "é" * 300, "x" * 70_000, " '=1", "a\nb"]
    ),
)
IDS = st.one_of(
    st.binary(min_size=32, max_size=32).map(bytes.hex),
    st.sampled_from(["", "0" * 64, "A" * 64, "ab " * 21 + "c"]),
    NAMES,
)
SAMPLES = st.builds(
    Sample,
    path=NAMES.map(Path),
    image_id=IDS,
    label=st.one_of(st.none(), st.sampled_from(["a", "b"]), NAMES),
    patient_id=st.one_of(st.sampled_from(["", "p", "q"]), NAMES),
    part=st.sampled_from([None, *PARTS]),
    mask_path=st.one_of(st.none(), st.none(), NAMES.map(Path)),
    width=st.integers(0, 2**31 - 1),
    height=st.integers(0, 2**31 - 1),
    meta=st.dictionaries(NAMES, NAMES, max_size=2).map(MappingProxyType),
)
OWN = st.builds(
    lambda one: Sample(path=one.path, image_id=one.image_id, label=None, patient_id=one.image_id), SAMPLES
)
ALIKE = [  # ids that begin alike, some of them equal
    Sample(path=Path("x"), image_id=f"{begins:016x}{rest:048x}", label=None, patient_id="p")
    for begins, rest in [(2, 1), (1, 9), (2, 1), (1, 3), (0, 0), (1, 9), (3, 5), (2, 0), (1, 2**190), (4, 7)]
]
LISTS = st.lists(st.one_of(SAMPLES, OWN), max_size=9)


def plain(count: int) -> Iterator[Sample]:
    return (
        Sample(
            path=Path(f"/d/{n % 7}/{n}.png"), image_id=f"{n:064x}", label=f"c{n % 3}", patient_id=f"{n:064x}"
        )
        for n in range(count)
    )


@settings(max_examples=150, deadline=None)
@given(LISTS)
@example([*plain(5000)])
def test_columns_give_the_records_that_they_were_made_of(records: list[Sample]) -> None:
    columns = in_columns(records)
    assert [*columns] == records == columns and len(columns) == len(records)
    assert [columns[row] for row in range(len(records))] == records == list(columns[:])
    assert columns[1:4] == tuple(records[1:4]) and columns[::-2] == tuple(records[::-2])
    assert columns.paths(range(len(records))) == tuple(one.path for one in records)
    rows = sorted(range(len(records)), key=lambda row: hash(records[row].image_id))
    assert [*columns.take(np.array(rows, np.int64))] == [records[row] for row in rows]


@settings(max_examples=100, deadline=None)
@given(LISTS)
@example(ALIKE)
def test_what_columns_are_asked_is_what_records_say(records: list[Sample]) -> None:
    columns = in_columns(records)
    ids = [one.image_id for one in records]
    assert columns.image_ids() == ids and labels_by_id(columns) == {
        one.image_id: one.label for one in records
    }
    assert [ids[row] for row in columns.by_id()] == sorted(ids)
    assert columns.repeated().tolist() == [row for row, one in enumerate(ids) if ids.count(one) > 1]
    assert columns.labels.there() == {one.label for one in records}
    assert columns.patients.present().tolist() == [one.patient_id != one.image_id for one in records]
    assert columns.masks.present().tolist() == [one.mask_path is not None for one in records]
    numbers, patients = columns.patient_numbers().tolist(), [one.patient_id for one in records]
    if len(set(ids)) == len(ids):  # as in every index
        assert [numbers.index(one) for one in numbers] == [patients.index(one) for one in patients]
    new = dict.fromkeys(ids[::2], "other")
    assert [one.label for one in relabelled(columns, new)] == [new.get(one) for one in ids]
    without = columns.without_masks(np.arange(0, len(ids), 2))
    assert [one.mask_path for one in without] == [
        None if n % 2 == 0 else one.mask_path for n, one in enumerate(records)
    ]


@pytest.mark.parametrize("different", [256, 257, 65_536, 65_537])
def test_however_many_values_are_different_each_comes_back(different: int) -> None:
    made, values = CodedMade[int](), [*range(different), 0, different - 1]
    for some in (values[:300], values[300:]):
        made.extend(some)
    column = made.done()
    assert column.read(0, len(values)) == values
    assert counted(column.codes) == {0: 2, **dict.fromkeys(range(1, different - 1), 1), different - 1: 2}


@pytest.mark.parametrize("count", [0, 1, 65_536, 200_000])
def test_only_all_rows_in_their_order_are_all(count: int) -> None:
    rows = np.arange(count)
    assert is_all(rows, count) and not is_all(rows, count + 1)
    assert not is_all(rows[::-1], count) or count < 2


def test_a_hundred_bytes_hold_an_image() -> None:
    tracemalloc.start()
    columns = in_columns(plain(20_000))
    of_columns = tracemalloc.Filter(
        True, "*/engine/data/columns/*"
    )  # not what Python keeps of names for itself
    held = sum(trace.size for trace in tracemalloc.take_snapshot().filter_traces([of_columns]).traces)
    tracemalloc.stop()
    assert 50 * len(columns) < held < 100 * len(columns)


def test_an_empty_table_has_no_samples(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"")
    with (tmp_path / "t.csv").open("rb") as stream:
        assert len(samples_from_csv(stream, tmp_path / "t.csv")) == 0


def test_files_in_columns_are_asked_as_files_in_records_are(tmp_path: Path) -> None:
    for number, folder in enumerate(["b/p1", "a/p2", "b/p3", "c"] * 3):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / f"person{number % 5}_é{number}.png").touch()
    files = walk(tmp_path).files
    folders = {number: folder.names for number, folder in enumerate(files.folders) if folder.names}
    columns: Sequence[Listed] = listing_of(
        files,
        labels={number: None if names == ("c",) else names[0] for number, names in folders.items()},
        parts={number: "test" if names[0] == "a" else None for number, names in folders.items()},
        patients={number: names[1] if len(names) > 1 else None for number, names in folders.items()},
        said=False,
        masks={files[2].path: tmp_path / "m.png"},
    )
    patients = TextsMade()
    patients.extend([None if number % 4 == 0 else f"n{number % 3}" for number in range(12)])
    for change in (
        lambda listed: listed,
        lambda listed: relabelled_files(listed, {"a": "b", "c": "d"}),
        lambda listed: relabelled_files(listed, {"b": ""}),
        lambda listed: of_patients(listed, patients.done(), said=True),
    ):
        ours, records = change(columns), change([*columns])
        assert [*ours] == [*records] == [ours[row] for row in range(12)] and len(ours) == 12
        assert [*labels_counted(ours).items()] == [*labels_counted(records).items()]
        assert parts_counted(ours) == parts_counted(records) and labels_of(ours) == labels_of(records)
        assert [*patients_named(ours)] == [*patients_named(records)]
        assert [*named_anyhow(ours)] == [*named_anyhow(records)] and [*file_names(ours)] == [
            *file_names(records)
        ]
    assert columns[2].mask_path == tmp_path / "m.png" and columns[0].path == files[0].path
