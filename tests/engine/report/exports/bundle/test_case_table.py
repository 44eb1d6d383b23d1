"""What a bundle's case table says comes back as it was, and what it cannot say is refused by the name of its file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ReportError
from engine.records import Region, Sample, Split, Verdict
from engine.report.exports.bundle.case_table import (
    CHOICES,
    IMAGES,
    MOST_PIXELS,
    READINGS,
    read_case_table,
    size_in,
    write_case_table,
)
from engine.report.records import Evidence
from engine.spreadsheet import read_csv, write_csv
from tests.engine.report.test_build import a_run, review, samples_of, some_cases

RUN = a_run()


def evidence() -> Evidence:
    cases = [
        replace(each, margin=0.25 * at or None, conformal_set=RUN.classes[: at % 3])
        for at, each in enumerate(some_cases(RUN, 12))
    ]
    samples = samples_of(cases)
    unseen = Sample(
        path=Path("x.png"), image_id="f" * 64, label=None, patient_id="f" * 64, width=30, height=20
    )
    split = Split(train=(unseen,), val=samples[:2], test=samples[2:], classes=RUN.classes, seed=0, method="")
    drawn = (Region(x=0.1, y=0.2, width=0.3, height=0.4, label="mass"),)
    reviews = (
        review(cases[0], Verdict.AGREE, review_id=1, queue="all", drawn="in order"),
        review(cases[1], Verdict.UNSURE, review_id=2, regions=drawn, label_seen=True, comment="sure, is it?"),
        review(cases[2], Verdict.OVERRULE, "opacity", review_id=3, label_seen=None),
    )
    return Evidence(
        predictions=tuple(cases), reviews=reviews, split=split, prevalence=0.1, fold_of={cases[0].image_id: 2}
    )


@cache
def _written() -> dict[str, bytes]:
    files = write_case_table(RUN, "test", evidence(), {"sex": {some_cases(RUN)[0].image_id: "F"}})
    return {name: data if isinstance(data, bytes) else data.encode() for name, data in files.items()}


def written() -> dict[str, bytes]:
    return dict(_written())


def test_all_but_names_and_moments_comes_back() -> None:
    before = evidence()
    after, part = read_case_table(written(), RUN)
    assert part == "test" and after.prevalence == 0.1 and after.fold_of == before.fold_of
    unnamed = {"path": Path(), "patient_id": ""}
    for one, other in zip(before.predictions, after.predictions, strict=True):
        assert replace(one, **unnamed) == replace(other, **unnamed, part="test")  # type: ignore[arg-type]
        assert other.path.name == one.image_id and "DOE" not in other.patient_id
    assert [replace(each, created=None) for each in before.reviews] == list(after.reviews)
    groups = [{each.patient_id: each for each in of.predictions} for of in (before, after)]
    assert len(groups[0]) == len(groups[1]) == 6
    assert after.split is not None and before.split is not None
    (unseen,) = after.split.train
    assert (unseen.label, unseen.patient_id, unseen.width, unseen.height) == (None, "f" * 64, 30, 20)
    assert after.split.test[0].meta["sex"] == "F"


def cell(file: str, row: int, column: str, value: str) -> Callable[[dict[str, bytes]], None]:
    """Return what writes a value into a cell of a table."""

    def change(files: dict[str, bytes]) -> None:
        columns, rows = read_csv(files[file])
        table = [dict(zip(columns, each, strict=True)) for each in rows]
        table[row][column] = value
        told = write_csv(table, columns)
        files[file] = told if isinstance(told, bytes) else told.encode()

    return change


def chosen(**told: Any) -> Callable[[dict[str, bytes]], None]:
    def change(files: dict[str, bytes]) -> None:
        files[CHOICES] = json.dumps({**json.loads(files[CHOICES]), **told}).encode()

    return change


SECOND = some_cases(RUN)[1].image_id


@pytest.mark.parametrize(
    ("file", "change"),
    [
        *((IMAGES, cell(IMAGES, 0, "probability of opacity", value)) for value in ("", "nan", "inf", "x")),
        *((IMAGES, cell(IMAGES, 1, "margin", value)) for value in ("nan", "-inf")),
        *((IMAGES, cell(IMAGES, 1, "entropy", value)) for value in ("nan", "")),
        (IMAGES, cell(IMAGES, 0, "predicted", "gout")),
        (IMAGES, cell(IMAGES, 0, "part", "all")),
        (IMAGES, cell(IMAGES, 0, "fold", "first")),
        (IMAGES, cell(IMAGES, 0, "image", SECOND)),
        (IMAGES, cell(IMAGES, 12, "width", "0")),
        *((READINGS, cell(READINGS, 0, "seconds", value)) for value in ("nan", "inf", "")),
        (READINGS, cell(READINGS, 0, "verdict", "maybe")),
        (READINGS, cell(READINGS, 0, "image", "e" * 64)),
        (READINGS, cell(READINGS, 0, "label seen", "perhaps")),
        (READINGS, cell(READINGS, 0, "reading", "one")),
        *((CHOICES, chosen(prevalence=value)) for value in (0.0, 1.0, -0.1, 1.1, "x", 1)),
        (CHOICES, chosen(part="all")),
    ],
)
def test_what_a_table_cannot_say_is_refused_by_the_name_of_its_file(
    file: str, change: Callable[[dict[str, bytes]], None]
) -> None:
    files = written()
    change(files)
    with pytest.raises(ReportError, match=f"{file} in the bundle is damaged"):
        read_case_table(files, RUN)


@pytest.mark.parametrize("prevalence", [None, 1e-9, 0.999999])
def test_a_prevalence_may_be_any_share_but_none_and_all(prevalence: float | None) -> None:
    files = written()
    chosen(prevalence=prevalence, part=None, split=False)(files)
    after, part = read_case_table(files, RUN)
    assert (after.prevalence, part, after.split) == (prevalence, None, None)


@pytest.mark.parametrize(
    ("row", "size"),
    [
        ({}, None), ({"width": ""}, None), ({"width": "1", "height": "1"}, (1, 1)),
        ({"width": "16384", "height": str(MOST_PIXELS // 16384)}, (16384, MOST_PIXELS // 16384)),
    ],
)  # fmt: skip
def test_a_size_is_known_up_to_what_a_mask_may_take(
    row: Mapping[str, str], size: tuple[int, int] | None
) -> None:
    assert size_in(row) == size


@pytest.mark.parametrize(
    ("width", "height"),
    [("0", "5"), ("5", "0"), ("-1", "-1"), ("16384", str(MOST_PIXELS // 16384 + 1)), ("5", "x")],
)
def test_a_size_of_no_image_is_refused(width: str, height: str) -> None:
    with pytest.raises(ValueError, match=r"an image of|invalid literal"):
        size_in({"width": width, "height": height})
