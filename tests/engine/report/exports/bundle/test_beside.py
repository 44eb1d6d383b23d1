"""What stands beside the numbers of a bundle says the same as they do, and hides nobody's name."""

from __future__ import annotations

import base64
import io
import json
import re
import struct
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from hypothesis import given, settings, strategies as st
from jsonschema import Draft202012Validator
from PIL import Image

from engine.errors import ReportError
from engine.records import Prediction, Region, Review, Verdict
from engine.report import verify
from engine.report.exports.bundle.case_table import pseudonyms, region_from, region_row
from engine.report.exports.bundle.parquet_apart import read_apart
from engine.report.exports.bundle.regions import write_regions
from engine.report.exports.bundle.searching import Names, names_behind, refuse_names
from engine.report.exports.parquet import read_parquet, write_parquet
from engine.report.exports.png import png_figures
from engine.report.exports.schema.documents import report_schema
from engine.report.records import Evidence
from engine.spreadsheet import read_csv
from tests.engine.report.exports.bundle.test_bundle import files_in, packed

# -------------------------------------------------------------------------------------------------------- Parquet


def test_every_table_of_a_bundle_is_there_as_csv_and_as_parquet_with_the_same_cells(bundle: Path) -> None:
    files = files_in(bundle)
    tables = [name for name in files if name.endswith(".csv") and not name.endswith("dictionary.csv")]
    assert {"data/images.csv", "data/readings.csv", "estimates.csv", "cases.csv"} <= set(tables)
    for name in tables:
        table = pyarrow.parquet.read_table(
            io.BytesIO(files[name.replace(".csv", ".parquet")])
        )  # another's reader
        columns, rows = read_csv(files[name])
        assert table.column_names == columns
        for line, row in zip(table.to_pylist(), rows, strict=True):
            for value, cell in zip(line.values(), row, strict=True):
                assert ("" if value is None else str(value)) == cell or float(value) == float(cell), (
                    name,
                    line,
                )


def test_a_parquet_keeps_ids_as_text_counts_whole_and_what_is_empty_as_null() -> None:
    rows = [
        {"id": "00012345", "odd": "1e10", "n": 3, "p": 0.5, "seen": True, "told": "=1+1"},
        {"id": "12", "odd": "", "n": None, "p": float("nan"), "seen": None, "told": "a\nb"},
    ]
    table = pyarrow.parquet.read_table(io.BytesIO(write_parquet(rows)))
    assert [str(kind) for kind in table.schema.types] == [
        "string",
        "string",
        "int64",
        "double",
        "bool",
        "string",
    ]
    assert table.to_pylist() == [
        rows[0],
        {"id": "12", "odd": None, "n": None, "p": None, "seen": None, "told": "a\nb"},
    ]
    assert read_parquet(write_parquet([], ["a"])) == (["a"], [])


@pytest.mark.parametrize("harm", ["another cell", "a column less", "junk", "bytes that end its reader"])
def test_a_parquet_that_says_something_else_than_its_csv_is_named(
    bundle: Path, tmp_path: Path, harm: str
) -> None:
    files = files_in(bundle)
    columns, rows = read_parquet(files["estimates.parquet"])
    table = [dict(zip(columns, row, strict=True)) for row in rows]
    if harm == "another cell":
        table[3]["value"] += 0.01
    files["estimates.parquet"] = {
        "another cell": write_parquet(table, columns),
        "a column less": write_parquet(table, columns[1:]),
        "junk": b"PAR1" + bytes(50),
        "bytes that end its reader": b"\xff" * 12 + files["estimates.parquet"][12:],
    }[harm]
    found = verify(packed(files, tmp_path / "changed.zip"))
    assert not found.holds and not found.changed
    assert {one.where.split(":")[0] for one in found.differences} == {"estimates.parquet"}


def test_a_parquet_that_ends_its_reader_does_not_end_us_and_the_others_are_still_read() -> None:
    good = write_parquet([{"a": 1}])
    wild = bytearray(write_parquet([{"a": f"c{n}", "b": n} for n in range(50)]))
    wild[4:40] = b"\xfe" * 36
    found = read_apart({"wild": bytes(wild), "good": good})
    assert found["good"].rows == ((1,),) and found["wild"].damaged


# ----------------------------------------------------------------------------------------------- figures, regions


def test_every_figure_is_there_as_svg_and_as_png_at_300_dots_an_inch(bundle: Path) -> None:
    files = files_in(bundle)
    drawn = [name for name in files if name.endswith(".svg")]
    assert len(drawn) > 6
    for name in drawn:
        with Image.open(io.BytesIO(files[name.replace(".svg", ".png")])) as image:
            assert image.info.keys() == {"dpi"} and round(image.info["dpi"][0]) == 300
            width = float(files[name].decode().split('width="')[1].split("pt")[0])
            assert image.width == pytest.approx(width / 72 * 300, abs=2)
            assert len(image.convert("L").getcolors(1 << 24) or ()) > 3


def test_the_letters_of_a_figure_are_in_its_png() -> None:
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="72pt" height="36pt" viewBox="0 0 72 36">{}</svg>'
    text = '<text x="5" y="25" style="font: 20px \'DejaVu Sans\', sans-serif">{}</text>'
    made = png_figures(
        {
            "none": svg.format(""),
            "latin": svg.format(text.format("AUC")),
            "far": svg.format(text.format("κ ≥ ±")),
        }
    )
    dark = {
        name: sum(Image.open(io.BytesIO(png)).convert("L").histogram()[:99]) for name, png in made.items()
    }
    assert dark["none"] == 0 < min(dark["latin"], dark["far"])


def read_by(reader: str, *regions: Region, image: str = "a" * 64, number: int = 1) -> Review:
    return Review(
        run_id="r",
        image_id=image,
        reader=reader,
        verdict=Verdict.AGREE,
        label=None,
        regions=regions,
        review_id=number,
    )


def test_regions_are_coco_in_pixels_of_the_readings_that_stand() -> None:
    box = Region(x=0.25, y=0.5, width=0.5, height=0.25, label="nodule")
    reviews = [
        read_by("B", box, number=2),
        read_by("A", box, box, number=1),
        read_by("A", box, number=3),  # takes the place of her first
        read_by("A", Region(x=0, y=0, width=1, height=1), image="b" * 64, number=4),
        read_by("A", box, image="c" * 64, number=5),  # of an image whose size nobody knows
    ]
    coco = json.loads(write_regions(reviews, {"a" * 64: (400, 200), "b" * 64: (30, 10)}))
    images = {one["id"]: one for one in coco["images"]}
    names = {one["id"]: one["name"] for one in coco["categories"]}
    told = [
        (images[one["image_id"]]["file_name"][0], names[one["category_id"]], one["reader"], one["bbox"])
        for one in coco["annotations"]
    ]
    assert told == [
        ("a", "nodule", "A", [100, 100, 200, 50]),
        ("a", "nodule", "B", [100, 100, 200, 50]),
        ("b", "region", "A", [0, 0, 30, 10]),
    ]  # fmt: skip
    first = coco["annotations"][0]
    assert first["area"] == 10_000 and first["segmentation"] == [[100, 100, 300, 100, 300, 150, 100, 150]]
    assert (coco["info"]["regions"], coco["info"]["without_size"]) == (4, 1)


def test_an_ellipse_and_a_polygon_are_what_they_enclose_and_come_back_from_the_bundle() -> None:
    shapes = (
        Region(x=0.25, y=0.5, width=0.5, height=0.25, shape="ellipse"),
        Region(
            x=0, y=0, width=0.5, height=0.5, label="x", shape="polygon", points=((0, 0), (0.5, 0), (0, 0.5))
        ),
    )
    ellipse, polygon = json.loads(write_regions([read_by("A", *shapes)], {"a" * 64: (400, 200)}))[
        "annotations"
    ]
    assert ellipse["area"] == pytest.approx(np.pi * 100 * 25, rel=0.002)
    assert (polygon["area"], polygon["segmentation"]) == (10_000, [[0, 0, 200, 0, 0, 100]])
    assert tuple(map(region_from, json.loads(json.dumps([*map(region_row, shapes)])))) == shapes


def test_a_region_that_was_moved_is_named(bundle: Path, tmp_path: Path) -> None:
    files = files_in(bundle)
    coco = json.loads(files["data/regions.coco.json"])
    assert coco["annotations"]
    coco["annotations"][0]["bbox"][0] += 1
    found = verify(
        packed(files | {"data/regions.coco.json": json.dumps(coco).encode()}, tmp_path / "changed.zip")
    )
    assert [one.where for one in found.differences] == ["data/regions.coco.json: annotations[0].bbox[0]"]


# --------------------------------------------------------------------------------------------------------- schema


def test_a_bundle_says_what_its_json_holds_and_its_json_holds_that(bundle: Path) -> None:
    files = files_in(bundle)
    schema, document = json.loads(files["report.schema.json"]), json.loads(files["report.json"])
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(document)
    assert schema == report_schema("run-report") and schema["$id"].endswith(":2")
    assert document.keys() == schema["properties"].keys()  # what is written at the top is described


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda one: one.pop("positive"), "report.json: $"),
        (lambda one: one.update(schema_version=1), "report.json: schema_version"),
        (lambda one: one["facts"][0].update(value=3), "report.json: facts[0].value"),
        (lambda one: one["facts"][0].update(worth=""), "report.json: facts[0]"),
    ],
)  # fmt: skip
def test_a_json_that_is_not_what_its_schema_says_is_named(
    bundle: Path, tmp_path: Path, change, where: str
) -> None:  # type: ignore[no-untyped-def]
    files = files_in(bundle)
    document = json.loads(files["report.json"])
    change(document)
    found = verify(packed(files | {"report.json": json.dumps(document).encode()}, tmp_path / "changed.zip"))
    assert where in [one.where for one in found.differences] and len(found.differences) < 3


# ---------------------------------------------------------------------------------------------------------- names

NAME = "DOE^JOHN^3"


def png_with_name() -> bytes:
    stream = io.BytesIO()
    Image.new("L", (9, 9)).save(stream, "PNG")
    data = stream.getvalue()
    body = b"zTXt" + b"Comment\0\0" + zlib.compress(f"of {NAME}".encode())
    return (
        data[:33] + struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body)) + data[33:]
    )


def document_with_name() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("docProps/core.xml", f"<creator>{NAME}</creator>")
    return stream.getvalue()


def jpeg_with_name(**said: object) -> bytes:
    stream = io.BytesIO()
    Image.effect_noise((64, 64), 90).save(stream, "JPEG", progressive=True, restart_marker_blocks=2, **said)
    return stream.getvalue()


def pdf_of_picture(held: bytes) -> bytes:
    return (
        b"%PDF-1.7\n7 0 obj\n<< /Type /XObject /Subtype /Image >>\nstream\n"
        + held
        + b"\nendstream\nendobj\n%%EOF"
    )


HIDDEN = {
    "behind a PNG": lambda: noise("PNG") + NAME.encode(),
    "a comment of a JPEG": lambda: jpeg_with_name(comment=NAME.encode()),
    "behind a JPEG": lambda: jpeg_with_name() + NAME.encode(),
    "a comment of a JPEG in a PDF": lambda: pdf_of_picture(jpeg_with_name(comment=NAME.encode())),
    "a cell of a Parquet": lambda: write_parquet([{"a": f"of {NAME}", "b": 1}, {"a": "A" * 65, "b": 2}]),
    "a column of a Parquet": lambda: write_parquet([{NAME: 1}]),
    "packed text of a PNG": png_with_name,
    "properties of a DOCX": document_with_name,
    "a packed stream of a PDF": lambda: b"%PDF-1.7\nstream\n" + zlib.compress(f"({NAME})".encode()) + b"\nendstream",
    "the title of a PDF": lambda: b"%PDF-1.7\n/Title (" + NAME.encode() + b")",
    "a picture in a page": lambda: b"<img src=data:image/png;base64," + base64.b64encode(png_with_name()) + b">",
    "a page": lambda: f"<p>{NAME}</p>".encode(),
}  # fmt: skip


@pytest.mark.parametrize("place", HIDDEN)
def test_a_name_is_found_wherever_it_hides(place: str) -> None:
    case = Prediction(
        image_id="a" * 64, path=Path("film.png"), label=None, patient_id=NAME, part="test", probabilities=(1.0,),
        predicted="x", entropy=0.0,
    )  # fmt: skip
    names = Names(names_behind(Evidence(predictions=(case,))))
    with pytest.raises(ReportError, match="would name a patient"):
        refuse_names({"file": HIDDEN[place]()}, names)
    refuse_names(
        {"file": HIDDEN[place]()},
        Names(names_behind(Evidence(predictions=(replace(case, patient_id="a" * 64),)))),
    )


def noise(kind: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (400, 400), dtype=np.uint8)).save(stream, kind)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_what_pixels_spell_by_chance_is_nobodys_name(kind: str) -> None:
    """Any four letters stand in random pixels: by their bytes every other figure of a hospital would be refused."""
    picture = noise(kind)
    pixels = picture[700:-60] if kind == "JPEG" else picture[60:-60]
    spelled = set(re.findall(r"(?<!\w)\w{4}(?!\w)", pixels.decode("latin-1")))
    assert len(spelled) > 40
    in_pdf = pdf_of_picture(picture if kind == "JPEG" else picture[41:-16])
    refuse_names({"figure": picture, "pages": in_pdf}, Names(spelled))


def test_a_patient_is_given_no_number_that_is_another_patients_name() -> None:
    case = Prediction(
        image_id="a" * 64, path=Path("film.png"), label=None, patient_id="", part="test", probabilities=(1.0,),
        predicted="x", entropy=0.0,
    )  # fmt: skip
    called = [f"p{number}" for number in range(1, 1200)]

    drawn = pseudonyms(replace(case, patient_id=name) for name in called)

    assert len(set(drawn.values())) == len(called)
    assert not set(drawn.values()) & set(called)


LETTERS = "aB 1.-_é"


@settings(max_examples=300, deadline=None)
@given(
    names=st.sets(st.text(LETTERS, min_size=4, max_size=8), min_size=1, max_size=6),
    pieces=st.lists(st.integers(0, 5) | st.text(LETTERS, max_size=4), max_size=8),
    folded=st.booleans(),
)
def test_of_names_that_begin_alike_one_is_found_wherever_it_stands_by_itself(
    names: set[str], pieces: list[int | str], folded: bool
) -> None:
    ordered = sorted(names)
    text = "".join(ordered[one % len(ordered)] if isinstance(one, int) else one for one in pieces)
    asked = [each for each in ordered if re.search(r"\w", each) and not (each.isdigit() and len(each) < 6)]
    expected = {
        each.casefold() if folded else each
        for each in asked
        if re.search(rf"(?<!\w){re.escape(each)}(?!\w)", text, re.IGNORECASE if folded else 0)
        and _first_word_stands(each, text, folded)
    }

    found = Names(names, folded=folded).found_in(text)

    assert (found in expected) if expected else (found is None)


def _first_word_stands(name: str, text: str, folded: bool) -> bool:
    """Return whether the first word of a name is a word of a text: what is only a piece of one is not a name."""
    ways = [(each.casefold() if folded else each) for each in (name, text)]
    first, *_ = re.findall(r"\w[\w.\-]*", ways[0])
    return first.rstrip(".-") in {each.rstrip(".-") for each in re.findall(r"\w[\w.\-]*", ways[1])}


def test_ten_thousand_names_that_begin_alike_are_asked_in_one_walk() -> None:
    names = Names(f"patient {number} of the ward" for number in range(10_000))
    text = "patient of the ward; " * 10_000

    assert names.found_in(text) is None
    assert names.found_in(text + "patient 9999 of the ward") == "patient 9999 of the ward"
