"""Promises of a bundle: whoever has it computes every figure again; what was changed is named, and nobody else is."""

from __future__ import annotations

import base64
import io
import json
import random
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image

from engine.errors import ReportError
from engine.recipes.builtin import RECIPES
from engine.records import Prediction, Region, Run, Split, Verdict
from engine.report import Verification, verify
from engine.report.build import export_report
from engine.report.records import CrossValidation, Report
from tests.engine.report import test_build
from tests.engine.report.test_build import HEAT, NOON, build, case, review, samples_of, some_cases

Files = dict[str, bytes]


def a_run(classes: tuple[str, ...] = ("normal", "opacity")) -> Run:
    return replace(test_build.a_run(classes), recipe=RECIPES["default"])


def films() -> bytes:
    stream = io.BytesIO()
    Image.new("L", (6, 4), 90).save(stream, "JPEG")
    return stream.getvalue()


def read_report(run: Run, cases: list[Prediction], **more: Any) -> Report:
    """A report of a run with two sites, read by two readers, one of whom corrected herself."""
    told = samples_of(cases, {"site": "north"}, {"site": "south"})
    samples = tuple(replace(each, width=640, height=480) for each in told)
    split = Split(train=(), val=(), test=samples, classes=run.classes, seed=0, method="by patient")
    region = Region(x=0.1, y=0.2, width=0.3, height=0.4, label="=1+1")
    reviews = [
        replace(review(each, Verdict.AGREE, reader=reader, queue="all", drawn="in order"), review_id=number)
        for number, (each, reader) in enumerate(
            ((each, reader) for each in cases for reader in "AB"), start=1
        )
    ]
    other = next(name for name in run.classes if name != cases[0].predicted)
    corrected = review(cases[0], Verdict.OVERRULE, other, regions=(region,), comment="=SUM(A1) or; a nodule?")
    reviews.append(replace(corrected, review_id=len(reviews) + 1, label_seen=True))
    return build(run, cases, reviews=reviews, split=split, prevalence=0.1, **more)


def of_two() -> Report:
    run = a_run()
    return read_report(run, some_cases(run))


def of_three() -> Report:
    run = a_run(("a | b", "β", "=c"))
    cases = [
        case(
            n, run.classes[n % 3], tuple(0.8 if at == (n + (n % 7 == 0)) % 3 else 0.1 for at in range(3)), run
        )
        for n in range(60)
    ]
    return read_report(run, cases)


def of_folds() -> Report:
    run = replace(a_run(), folds=2)
    cases = some_cases(run)
    fold_of = {each.image_id: number % 2 for number, each in enumerate(cases)}
    return read_report(
        run, cases, folds=CrossValidation(fold_of=fold_of, models=(run, run), histories=((), ()))
    )


def of_unread() -> Report:
    run = a_run()
    cases = [replace(each, patient_id=each.image_id) for each in some_cases(run)]
    return build(run, [replace(each, label=None) if n == 7 else each for n, each in enumerate(cases)])


REPORTS = {"two classes": of_two, "three": of_three, "folds": of_folds, "nobody read": of_unread}


def bundle_of(report: Report, folder: Path, picture: bytes | None = None) -> Path:
    written = export_report(
        report, folder, picture=lambda _: picture or films(), heatmap=lambda _: HEAT, formats=("bundle",)
    )
    return written["bundle"]["bundle"]


def files_in(bundle: Path) -> Files:
    with zipfile.ZipFile(bundle) as packed:
        assert packed.testzip() is None
        return {name: packed.read(name) for name in packed.namelist()}


def packed(files: Files, path: Path, *, sums: bool = True) -> Path:
    """Pack files as somebody would who wants nothing to be noticed: with digests that fit."""
    if sums:
        lines = [
            f"{sha256(data).hexdigest()}  {name}\n" for name, data in files.items() if name != "SHA256SUMS"
        ]
        files = files | {"SHA256SUMS": "".join(lines).encode()}
    with zipfile.ZipFile(path, "w") as zip_file:
        for name, data in files.items():
            zip_file.writestr(name, data)
    return path


@pytest.fixture
def changed(bundle: Path, tmp_path: Path) -> Callable[..., Verification]:
    """Change a file of the bundle, with a digest that fits, and check it."""

    def change(name: str, write: Callable[[bytes], bytes]) -> Verification:
        files = files_in(bundle)
        before = files[name]
        files[name] = write(before)
        assert files[name] != before
        return verify(packed(files, tmp_path / "changed.zip"))

    return change


# ------------------------------------------------------------------------------------------------ what agrees


@pytest.mark.parametrize("kind", REPORTS)
def test_every_figure_of_a_report_is_computed_again_from_the_bundle_alone(kind: str, tmp_path: Path) -> None:
    report = REPORTS[kind]()
    found = verify(bundle_of(report, tmp_path))
    assert found.holds, (found.changed, found.differences)
    assert found.images == len(report.cases) and found.run_id == report.run.run_id
    assert found.agree["report.json"] > 300 and found.agree["estimates.csv"] > 30
    assert "against" not in found.taken and "reviews" not in found.taken


def numbers(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where numbers stand in a JSON document."""
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from numbers(each, (*path, key))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path


# ---------------------------------------------------------------------------------------------- what is noticed


def test_a_number_that_is_changed_anywhere_among_the_figures_is_named(bundle: Path, tmp_path: Path) -> None:
    files = files_in(bundle)
    document = json.loads(files["report.json"])
    checked = ("against", "reviews", "subgroups", "cases", "patients", "images_by_part", "patients_by_part")
    places = [path for path in numbers(document) if path[0] in checked and path[-1] not in ("distance",)]
    places = [path for path in places if "uncertainty" not in path]
    chosen = random.Random(0).sample(places, 25)
    for path in chosen:
        holder = document
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] += 1
    found = verify(packed(files | {"report.json": json.dumps(document).encode()}, tmp_path / "changed.zip"))
    assert not found.holds
    named = {one.where: one for one in found.differences}
    for path in chosen:
        place = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).removeprefix(".")
        difference = named.pop(f"report.json: {place}")
        assert difference.printed == pytest.approx(difference.computed + 1)
    # what is printed of them no longer is what stands at the place that its id leads to
    pointers = {"".join(f"/{key}" for key in path) for path in chosen}
    told = {
        f"report.json: numbers: {name}"
        for name, entry in document["numbers"].items()
        if pointers & {at.replace("~1", "/") for at in entry["at"]}
    }
    repeated = {
        name for name in named if name.startswith("cases.csv: ")
    }  # which has the numbers of cases too
    assert repeated and named.keys() <= told | repeated


@pytest.mark.parametrize(
    ("name", "old", "new", "where"),
    [
        ("data/images.csv", rb",test,opacity,", rb",test,normal,", "report.json: against[0]"),
        ("data/images.csv", rb",p\d+,test", rb",,test", "report.json: patients"),
        ("data/readings.csv", rb",B,agree,normal,", rb",B,unsure,,", "report.json: reviews"),
        ("estimates.csv", rb"sensitivity,0\.\d", rb"sensitivity,0.9", "estimates.csv: line 2, value"),
        ("confusion.csv", rb"normal,30", rb"normal,31", "confusion.csv: line 2, predicted normal"),
        ("report.html", rb"(sensitivity</th>\s*<td[^>]*><bdi[^>]*>)[\d.]+", rb"\1.99", "report.html: T5.2.1 (sens"),
        ("report.json", rb'"printed": "[.\d]+ \(', rb'"printed": ".990 (', "report.json: numbers: T5."),
        ("report.json", rb'"threshold": [.\d]+', rb'"threshold": 0.99', "report.json: threshold"),
        ("cases.csv", rb"0\.\d+", rb"0.123", "cases.csv: line 2, probability of normal"),
        ("numbers.csv", rb",\.\d+", rb",.123", "numbers.csv: line "),
        ("dictionary.csv", rb",Of", rb",Not of", "dictionary.csv: line "),
        ("data/dictionary.csv", rb"SHA-256", rb"MD5", "data/dictionary.csv: line 2, meaning"),
        ("figures/labels-that-came-with-the-data-roc.svg", rb"L 0 0", rb"L 1 1", "figures/labels-that-came-with-the-"),
    ],
)  # fmt: skip
def test_what_is_changed_in_a_table_or_in_the_page_is_named_though_its_digest_fits(
    changed: Callable[..., Verification], name: str, old: bytes, new: bytes, where: str
) -> None:
    found = changed(name, lambda data: re.sub(old, new, data, count=1))
    assert not found.changed and not found.holds
    assert any(one.where.startswith(where) for one in found.differences), found.differences
    places = [re.sub(r"(: T[\d.]+) \(.*", r"\1", one.where) for one in found.differences]
    assert len(places) == len(set(places)), "a number is named once"


def test_what_readers_drew_is_a_mask_a_case_and_finding_and_a_pixel_more_is_named(
    bundle: Path, tmp_path: Path
) -> None:
    files = files_in(bundle)
    (name,) = (one for one in files if one.startswith("data/masks/"))
    image = json.loads(files["data/regions.coco.json"])["images"][0]["file_name"]
    assert (
        name == f"data/masks/{image}-1-1-1.png"
    )  # the finding "=1+1", without what a file's name cannot have
    mask = Image.open(io.BytesIO(files[name])).copy()
    assert (mask.size, mask.getbbox()) == ((640, 480), (64, 96, 256, 288))  # .1, .2, .3 and .4 of the image
    mask.putpixel((0, 0), 255)
    stream = io.BytesIO()
    mask.save(stream, "PNG")
    card = files["model-card.json"]
    worse = re.sub(rb'("accuracy": \{\s*"value": )[.\d]+', rb"\g<1>0.123", card, count=1)
    text = re.sub(rb"\| accuracy \| [.\d]+", b"| accuracy | .123", files["model-card.md"], count=1)
    assert worse != card and text != files["model-card.md"]
    changed = files | {
        name: stream.getvalue(), "model-card.json": worse, "model-card.md": text, "data/masks/x.png": files[name],
    }  # fmt: skip
    told = [one.where for one in verify(packed(changed, tmp_path / "changed.zip")).differences]
    assert f"{name}: pixels that differ" in told and "data/masks/x.png: " in told
    assert any(one.startswith("model-card.json: metrics.") for one in told)
    assert any(one.startswith("model-card.md: “metric, against the") for one in told)
    broken = packed(files | {name: files[name][:60]}, tmp_path / "broken.zip")
    assert [one.where for one in verify(broken).differences] == [f"{name}: pixels that differ"]


def test_a_file_that_was_changed_added_or_taken_away_is_named(bundle: Path, tmp_path: Path) -> None:
    files = files_in(bundle)
    files["README.txt"] += b"."
    files["extra.txt"] = b"1"
    gone = "history.csv" if "history.csv" in files else "data/dictionary.csv"
    del files[gone]
    found = verify(packed(files, tmp_path / "changed.zip", sums=False))
    said = " ".join(found.changed)
    assert "README.txt was changed" in said and "extra.txt was added" in said and "is missing" in said
    assert not found.holds and all(one.where.startswith("README.txt: ") for one in found.differences)


# ------------------------------------------------------------------------------------------- what is not in it


def test_no_patient_no_file_and_no_folder_is_named_in_any_byte_of_a_bundle(tmp_path: Path) -> None:
    report = of_two()
    told = "see DOE^JOHN^3 and DOE_JOHN_7.png"
    evidence = replace(
        report.evidence, reviews=tuple(replace(one, comment=told) for one in report.evidence.reviews)
    )
    cases = tuple(
        replace(one, reviews=tuple(replace(each, comment=told) for each in one.reviews))
        for one in report.cases
    )
    path = bundle_of(replace(report, evidence=evidence, cases=cases), tmp_path)
    files = files_in(path)
    for name, data in files.items():
        assert not re.search(rb"DOE|JOHN|jane|secret", data), name
    assert b"81 comments that named a patient or a file were left out" in files["README.txt"]
    assert verify(path).holds


def test_two_bundles_of_a_report_give_a_patient_numbers_that_have_nothing_to_do_with_the_name(
    tmp_path: Path,
) -> None:
    tables = [files_in(bundle_of(of_two(), tmp_path / name))["data/images.csv"] for name in "ab"]
    assert tables[0] != tables[1]


def test_a_name_beside_the_pixels_of_a_picture_goes_nowhere(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = "DOE^JOHN^3"
    stream = io.BytesIO()
    Image.new("L", (6, 4), 90).save(stream, "JPEG", exif=exif)
    with zipfile.ZipFile(bundle_of(of_two(), tmp_path, picture=stream.getvalue())) as packed:
        page = packed.read(next(name for name in packed.namelist() if name.endswith("report.html"))).decode()
    pictures = [base64.b64decode(one) for one in re.findall(r"data:image/jpeg;base64,([^\"]+)", page)]
    assert pictures and all(b"DOE" not in one and b"Exif" not in one for one in pictures)


def test_a_name_in_a_column_of_the_data_stops_the_bundle(tmp_path: Path) -> None:
    run = a_run()
    cases = some_cases(run)
    samples = samples_of(cases, {"seen with": "DOE^JOHN^3"}, {"seen with": "nobody"})
    split = Split(train=(), val=(), test=samples, classes=run.classes, seed=0, method="")
    with pytest.raises(ReportError, match="Change the class, column or data set"):
        bundle_of(build(run, cases, split=split), tmp_path)


# -------------------------------------------------------------------------------------------- what is no bundle


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"no zip at all", b"\x00" * 1000])
def test_what_is_no_bundle_is_refused_in_a_sentence(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    path.write_bytes(data)
    with pytest.raises(ReportError, match="not a bundle"):
        verify(path)


def test_a_missing_file_and_a_zip_of_something_else_are_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="cannot be read"):
        verify(tmp_path / "none.zip")
    with pytest.raises(ReportError, match=r"no bundle of a report: data/images\.csv"):
        verify(packed({"holiday.jpg": b"1"}, tmp_path / "holiday.zip"))


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(
        ["data/images.csv", "data/readings.csv", "data/choices.json", "run/run.json", "run/recipe.json", "report.json"]
    ),
    junk=st.binary(max_size=40),
    at=st.floats(0, 1),
    cut=st.booleans(),
)  # fmt: skip
def test_whatever_is_done_to_a_file_is_refused_in_a_sentence_or_told(
    bundle: Path, tmp_path_factory: pytest.TempPathFactory, name: str, junk: bytes, at: float, cut: bool
) -> None:
    files = files_in(bundle)
    data = files[name]
    place = int(at * len(data))
    files[name] = data[:place] if cut else data[:place] + junk + data[place:]
    try:
        found = verify(packed(files, tmp_path_factory.mktemp("junk") / "bundle.zip"))
    except ReportError as error:
        assert error.problem and error.remedy
    else:
        assert found.holds or found.differences


def test_the_time_of_a_reading_is_not_in_a_bundle(bundle: Path) -> None:
    assert NOON.isoformat()[:10].encode() not in files_in(bundle)["data/readings.csv"]
