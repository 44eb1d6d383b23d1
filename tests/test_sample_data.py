"""Promises of the sample cohort: synthetic, varied, reproducible, with findings where the masks say."""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict

import numpy as np
import pydicom
import pytest
from PIL import Image, features

from sample_data import SAMPLE_FOLDER, SAMPLE_TABLE
from sample_data.generate import COLUMNS, DICOMS, TRUNCATED, encode_film, encode_mask, make_film, plan


def rows() -> list[dict[str, str]]:
    with SAMPLE_TABLE.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("L"), dtype=np.int16)


def test_the_table_lists_every_file_once_and_no_other():
    table = rows()
    assert tuple(table[0]) == COLUMNS
    listed = [row["path"] for row in table] + [row["mask"] for row in table if row["mask"]]
    there = [p.relative_to(SAMPLE_FOLDER).as_posix() for p in SAMPLE_FOLDER.rglob("*") if p.is_file()]
    assert sorted([*listed, "cases.csv"]) == sorted(there)
    assert sum(p.stat().st_size for p in SAMPLE_FOLDER.rglob("*") if p.is_file()) < 8_000_000


def test_the_cohort_is_imbalanced_three_to_one_with_several_films_a_patient():
    table = rows()
    assert Counter(row["label"] for row in table) == {"normal": 300, "opacity": 100}
    films = Counter(row["patient_id"] for row in table)
    assert len(films) >= 110
    assert min(films.values()) >= 2
    labels = defaultdict(set)
    for row in table:
        labels[row["patient_id"]].add(row["label"])
        assert bool(row["mask"]) == (row["label"] == "opacity")
    # Some patients have films of both classes, so that a split by film would leak.
    assert sum(len(found) == 2 for found in labels.values()) >= 5


def test_nothing_but_the_finding_tells_the_classes_apart():
    table = rows()
    for column in ("view", "exposure"):
        for value in {row[column] for row in table}:
            share = {
                label: np.mean([row[column] == value for row in table if row["label"] == label])
                for label in ("normal", "opacity")
            }
            assert abs(share["normal"] - share["opacity"]) < 0.15, (column, value)


@pytest.mark.parametrize("number", [1, 58, 120, 200, 240, 330, TRUNCATED, 400])
def test_a_film_can_be_made_again_from_the_seed(number):
    case = plan()[number - 1]
    shown, mask = make_film(case)
    made = encode_film(case, shown)
    kept = (SAMPLE_FOLDER / case.path).read_bytes()
    if made != kept:
        # Another version of an encoder or of NumPy may write other bytes of the same picture.
        assert number not in DICOMS and number != TRUNCATED, "only a JPEG's bytes may depend on a version"
        assert features.version("libjpeg_turbo") != "3.1.4.1" or np.__version__ != "2.4.6"
        assert np.abs(pixels(made) - pixels(kept)).max() <= 3
    if case.mask:
        assert np.array_equal(pixels(encode_mask(mask)), pixels((SAMPLE_FOLDER / case.mask).read_bytes()))


def test_the_table_can_be_made_again_from_the_seed():
    kept = [(row["path"], row["label"], row["patient_id"], row["view"], row["exposure"]) for row in rows()]
    assert kept == [(c.path, c.label, f"S{c.patient:03d}", c.view, c.exposure) for c in plan()]


def test_a_finding_is_brighter_than_the_same_film_without_it_inside_its_mask_alone():
    case = next(c for c in plan() if c.conspicuity == "plain")
    healthy = type(case)(**{**{f: getattr(case, f) for f in case.__dataclass_fields__}, "label": "normal"})
    with_finding, mask = make_film(case)
    without, nothing = make_film(healthy)
    difference = with_finding - without
    assert not nothing.any()
    assert difference[mask].mean() > 0.05
    assert abs(difference[~mask].mean()) < 0.02


def test_masks_are_the_size_of_their_films_and_small():
    areas = []
    for row in rows():
        if row["mask"]:
            with Image.open(SAMPLE_FOLDER / row["mask"]) as image:
                assert (image.size, image.mode) == ((256, 256), "L")
                mask = np.asarray(image)
            assert set(np.unique(mask)) == {0, 255}
            areas.append((mask > 0).mean())
    assert 0.02 < np.mean(areas) < 0.06


def test_the_three_dicom_files_differ_in_what_readers_get_wrong():
    records = {n: pydicom.dcmread(SAMPLE_FOLDER / f"films/film-{n:03d}.dcm") for n in DICOMS}
    assert records[120].PhotometricInterpretation == "MONOCHROME1"
    assert records[240].file_meta.TransferSyntaxUID.is_compressed
    assert (records[330].BitsStored, float(records[330].WindowWidth)) == (16, 24000)
    cases = plan()
    for number, record in records.items():
        shown, _ = make_film(cases[number - 1])
        stored = record.pixel_array.astype(np.float64)
        fraction = {120: 1 - stored / 4095, 240: stored / 255, 330: (stored - 9000) / 24000}[number]
        assert np.abs(fraction - shown)[4:].max() < 0.003
        assert "Synthetic" in str(record.PatientName)


def test_one_file_is_cut_short():
    with pytest.raises(OSError, match="truncated"):
        Image.open(SAMPLE_FOLDER / plan()[TRUNCATED - 1].path).load()
