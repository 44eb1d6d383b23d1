"""Promises of a comparison's bundle: its tables alone give every figure again; what was changed is found and named."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import ReportError
from engine.experiments import export_comparison, verify
from engine.experiments.bundle.packing import pack_comparison
from engine.experiments.comparison import RunComparison, compare_runs
from engine.records import Supplied, WeightsOrigin
from engine.report import Verification
from engine.report.exports.parquet import write_parquet
from engine.spreadsheet import read_csv
from gui.cli.main import main
from tests.engine.experiments.test_comparison import OTHER, THREE, Contestant, contestant
from tests.engine.report.exports.bundle.test_bundle import files_in, packed

FOLDER = Path("/films of Anna Ek")


def from_disk(one: Contestant) -> Contestant:
    """A run whose images are files, of named patients with two each; its weights came from a folder of somebody's."""
    predictions = [
        replace(
            each,
            image_id=f"{place:064x}",
            path=FOLDER / f"film-{place}.png",
            patient_id=f"patient {place // 2}",
        )
        for place, each in enumerate(one.predictions)
    ]
    origin = WeightsOrigin(name="w.pt", source=str(FOLDER / "w.pt")) if one.run.recipe else None
    run = replace(one.run, weights_source=f"file {FOLDER / 'w.pt'}", weights_origin=origin)
    return replace(one, predictions=predictions, run=run)


def several() -> RunComparison:
    """Two recipes, one of them with two seeds, on patients with two images; and predictions that were supplied."""
    origin = Supplied(model="Theirs", version="2", file="a.csv", sha256="0", content="0", maps=0, remarks=())
    last = contestant(OTHER, noise=3, number=3)
    theirs = replace(last, name="theirs", run=replace(last.run, recipe=None, supplied=origin), history=())
    told = [
        contestant(skill=2),
        contestant(OTHER, noise=1, number=1),
        contestant(replace(OTHER, seed=1), noise=2, number=2),
        theirs,
    ]
    compared = compare_runs([from_disk(one) for one in told])
    left_out = {"labelled otherwise in another run's data": 3}
    return replace(compared, one_split=False, reference="All are held against labels v2.", left_out=left_out)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunComparison, Path]:
    compared = several()
    folder = tmp_path_factory.mktemp("compared")
    return compared, export_comparison(compared, folder / "out", ["bundle"])["bundle"]


Change = Callable[[bytes], bytes]


@pytest.fixture
def tampered(made: tuple[RunComparison, Path], tmp_path: Path) -> Callable[..., Verification]:
    """Change files of the bundle, with digests that fit, and check it."""

    def change(by_name: dict[str, Change]) -> Verification:
        files = files_in(made[1])
        for name, write in by_name.items():
            before = files[name]
            files[name] = write(before)
            assert files[name] != before, name
        return verify(packed(files, tmp_path / "changed.zip"))

    return change


def test_every_figure_of_a_comparison_is_computed_again_from_the_bundle_alone(
    made: tuple[RunComparison, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    compared, bundle = made
    assert main(["verify", str(bundle)]) == 0
    said = " ".join("".join(capsys.readouterr()).split())
    assert "Report of a comparison of 4 runs, 120 cases" in said and "every figure agrees" in said
    found = verify(bundle)
    assert found.holds and not found.taken
    for file, least in {"comparison.json": 400, "comparison.csv": 50, "comparison.html": 50}.items():
        assert found.agree[file] > least, found.agree
    files = files_in(bundle)
    assert files["comparison.pdf"].startswith(b"%PDF") and files["comparison.docx"].startswith(b"PK")
    document = json.loads(files["comparison.json"])
    for one, told in zip(compared.contrasts, document["against_first"], strict=True):
        assert (told["right_alone"], told["wrong_alone"]) == (one.right_alone, one.wrong_alone)
        assert (
            told["p_accuracy"] == one.p_accuracy
            and told["area"]["difference"]["low"] == one.area.difference.low
        )


def test_three_classes_and_two_runs_make_a_bundle_that_agrees(tmp_path: Path) -> None:
    told = [contestant(classes=THREE), contestant(OTHER, noise=1, classes=THREE, number=1)]
    written = export_comparison(compare_runs([from_disk(one) for one in told]), tmp_path, ["bundle"])
    assert verify(written["bundle"]).holds
    with pytest.raises(ReportError, match="There is no format “pdf” of a comparison"):
        export_comparison(several(), tmp_path, ["pdf"])


def test_nobody_is_named_in_it_and_every_column_has_a_meaning(made: tuple[RunComparison, Path]) -> None:
    files = files_in(made[1])
    for name, data in files.items():
        for said in (b"patient 1", b"film-", b"Anna"):
            assert said not in data, (name, said)
    lines = list(csv.DictReader(io.StringIO(files["data/dictionary.csv"].decode("utf-8-sig"))))
    told = {(line["file"], line["column"]): line["meaning"] for line in lines}
    for name in (one for one in files if one.endswith(".csv") and one != "data/dictionary.csv"):
        for column in read_csv(files[name])[0]:
            assert told[name, column], (name, column)
    columns, rows = read_csv(files["data/cases.csv"])
    patients = [row[columns.index("patient")] for row in rows]
    assert len(set(patients)) == 60 and all(re.fullmatch(r"p\d+", one) for one in patients)
    named = replace(several(), dataset_name="films", reference="As patient 12 wished.")
    with pytest.raises(ReportError, match="would name a patient or a file: “patient 12”"):
        pack_comparison(named)


# ------------------------------------------------------------------------------------------------ what is noticed


def cell(column: str, value: str, *, line: int = 0) -> Change:
    """Change one cell of a table."""

    def write(data: bytes) -> bytes:
        columns, rows = read_csv(data)
        rows[line][columns.index(column)] = value
        text = io.StringIO(newline="")
        csv.writer(text).writerows([columns, *rows])
        return text.getvalue().encode("utf-8-sig")

    return write


def text(old: str, new: str) -> Change:
    return lambda data: re.sub(old, new, data.decode(), count=1).encode()


PRINTED = {
    "comparison.json": (
        text(r'("p_area": )[\d.e-]+', r"\g<1>0.01234"),
        "comparison.json: against_first[0].p_area",
    ),
    "comparison.csv": (cell("AUROC low", "0.999", line=2), "comparison.csv: line 4, AUROC low"),
    "comparison.html": (text(r'(<bdi dir="ltr">)\.\d{3}', r"\1.987"), "comparison.html: after “"),
    "comparison.schema.json": (text("number", "string"), "comparison.schema.json: "),
    "data/dictionary.csv": (cell("meaning", "nothing"), "data/dictionary.csv: line 2, meaning"),
}


def test_whatever_is_changed_in_a_printed_file_is_named_with_its_place_though_its_digest_fits(
    tampered: Callable[..., Verification],
) -> None:
    found = tampered({name: write for name, (write, _) in PRINTED.items()})
    assert not found.changed
    for name, (_, place) in PRINTED.items():
        assert any(one.where.startswith(place) for one in found.differences), (name, place)


CELLS = {
    "what a run predicts": ("data/predictions.csv", "predicted", None, "against_first["),
    "a probability": ("data/predictions.csv", "probability of <b>opacity</b>", "far off", "runs["),
    "a label": ("data/cases.csv", "label", None, "runs["),
    "a patient": ("data/cases.csv", "patient", "p999", "patients"),
}


@pytest.mark.parametrize("kind", CELLS)
def test_one_cell_of_the_data_that_is_changed_everywhere_it_stands_is_found_by_the_figures_that_rest_on_it(
    kind: str, made: tuple[RunComparison, Path], tmp_path: Path
) -> None:
    file, column, value, where = CELLS[kind]
    compared, files = made[0], files_in(made[1])
    columns, rows = read_csv(files[file])
    at = columns.index(column)
    if value == "far off":
        value = "0.9999" if float(rows[3][at]) < 0.5 else "0.0001"
    rows[3][at] = value or next(name for name in compared.classes if name != rows[3][at])
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows([columns, *rows])
    files[file] = stream.getvalue().encode("utf-8-sig")
    changed = [dict(zip(columns, row, strict=True)) for row in rows]
    files[file.replace(".csv", ".parquet")] = write_parquet(changed, columns)
    found = verify(packed(files, tmp_path / "changed.zip"))
    named = [one.where for one in found.differences]
    assert any(one.startswith(f"comparison.json: {where}") for one in named), named[:5]


@pytest.mark.parametrize(
    ("name", "junk"),
    [
        ("data/runs.json", b"[]"), ("data/runs.json", b'{"runs": []}'), ("comparison.json", b"{"),
        ("data/cases.csv", b"image\n1\n"), ("data/predictions.csv", b"\xff\xfe"), ("data/predictions.csv", b""),
        ("runs/1/run.json", b"{}"),
    ],
)  # fmt: skip
def test_data_that_cannot_be_read_are_refused_in_a_sentence(
    name: str, junk: bytes, made: tuple[RunComparison, Path], tmp_path: Path
) -> None:
    files = files_in(made[1]) | {name: junk}
    with pytest.raises(ReportError, match="in the bundle"):
        verify(packed(files, tmp_path / "broken.zip"))


def test_p_values_do_not_depend_on_what_patients_are_called() -> None:
    compared = several()
    again = [
        replace(
            one, predictions=[replace(each, patient_id=each.patient_id[::-1]) for each in one.predictions]
        )
        for one in compared.contestants
    ]
    for one, other in zip(compared.contrasts, compare_runs(again).contrasts, strict=True):
        assert "permutation" in one.accuracy.method
        assert one.accuracy.p_value == other.accuracy.p_value


def test_what_is_no_number_of_a_comparison_is_made_again_and_its_files_are_those_of_a_comparison(
    made: tuple[RunComparison, Path], tmp_path: Path
) -> None:
    files = files_in(made[1])
    page = files["comparison.html"].decode()
    moved = re.sub(r'(<svg.*?d="M )(\d)', r"\g<1>1\2", page, count=1, flags=re.DOTALL)
    assert moved != page
    harmed = {
        "comparison.html": moved.replace("</h1>", "</h1><img src='data:,' alt=''>", 1).encode(),
        "README.txt": files["README.txt"].replace(b"every figure", b"no figure"),
        "comparison.docx": b"PK",
        "extra.txt": b"1",
    }
    gone = ("comparison.csv", "comparison.pdf", "data/cases.parquet", "data/dictionary.csv")
    kept = {name: data for name, data in files.items() if name not in gone}
    found = verify(packed(kept | harmed, tmp_path / "harmed.zip"))
    added = "extra.txt was added: no bundle of this report holds it"
    assert sorted(found.changed) == sorted([*(f"{name} is missing" for name in gone), added])
    where = {one.where for one in found.differences}
    assert {"comparison.html: figure 1", "comparison.html: what is no word (pictures, style)"} <= where
    assert {one.partition(":")[0] for one in where} == {"comparison.html", "README.txt", "comparison.docx"}
