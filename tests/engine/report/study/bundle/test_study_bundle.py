"""Promises of a study's bundle: its tables alone give every figure again; what was changed is found and named."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import ReportError
from engine.reading import Reader, Store, open_store
from engine.records import Region
from engine.report import Verification, export_study, item_of, report_study, study_folder, verify
from engine.report.checklists.kept import keep_answer
from engine.report.exports.parquet import write_parquet
from engine.report.study.gathered import numbered
from engine.report.study.records import StudyReport
from engine.report.study.told import anonymous
from engine.report.study.told.anonymous import in_drawn_order, salt_of
from engine.spreadsheet import read_csv
from engine.workspace import open_workspace
from gui.cli.main import main
from tests.engine.report.exports.bundle.test_bundle import files_in, packed
from tests.engine.report.study.scripted import films, protocol, read_all, script, scripted_store
from tests.engine.report.study.test_study_report import parse_imrmc

TYPED = ("seen with ben last week", "patient 12 had it before", "/films/7.png again", "a nodule?")
Files = dict[str, bytes]


def read_by_two(store: Store) -> str:
    """A study that two people read, one of whom drew and typed, with a deviation that names one; its id."""
    scripted_store(store)
    names = ["Anna Ek", "Ben"]
    for name in names:
        store.add_reader(Reader(reader_id="", name=name, profession="radiologist", years=7))
    study_id = store.studies.create(protocol(names)).study_id
    for place, name in enumerate(names):
        read_all(store, study_id, name, script(place))
    store.studies.note(study_id, "Ben fell ill for a day")
    store.studies.note(study_id, "the second screen was replaced")
    return study_id


def with_drawings(report: StudyReport) -> StudyReport:
    """The same where the first answers have regions and comments, on images whose size is known."""
    box = Region(x=0.1, y=0.2, width=0.3, height=0.4, label="=1+1")
    answers = [
        replace(one, comment=text, regions=(box,))
        for one, text in zip(report.evidence.answers, TYPED, strict=False)
    ]
    evidence = replace(
        report.evidence,
        answers=(*answers, *report.evidence.answers[len(answers) :]),
        sizes={case.image_id: (640, 480) for case in report.evidence.cases},
    )
    return replace(report, evidence=evidence)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[StudyReport, Path]:
    """The report of such a study, and its bundle."""
    workspace = open_workspace(tmp_path_factory.mktemp("study") / "workspace")
    with open_store(workspace.database) as store:
        study_id = read_by_two(store)
        keep_answer(study_folder(workspace, study_id), item_of("stard2015", "30").key, "Ask Anna", "Anna Ek")
        report = with_drawings(report_study(workspace, store, study_id))
    written = export_study(report, workspace.root / "out", formats=["bundle"])
    return report, written["bundle"]["bundle"]


@pytest.fixture
def tampered(made: tuple[StudyReport, Path], tmp_path: Path) -> Callable[..., Verification]:
    """Change files of the bundle, with digests that fit, and check it."""

    def change(**by_name: Callable[[bytes], bytes]) -> Verification:
        files = files_in(made[1])
        for name, write in by_name.items():
            before = files[name]
            files[name] = write(before)
            assert files[name] != before, name
        return verify(packed(files, tmp_path / "changed.zip"))

    return change


def test_every_figure_of_a_study_is_computed_again_from_the_bundle_alone(
    made: tuple[StudyReport, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    report, bundle = made
    assert main(["verify", str(bundle)]) == 0
    said = " ".join("".join(capsys.readouterr()).split())
    assert f"Report of study “{report.name}”, 60 cases" in said and "every figure agrees" in said
    found = verify(bundle)
    assert found.holds and not found.taken
    for file, least in {"study.json": 1000, "study-comparison.csv": 100, "study.html": 200}.items():
        assert found.agree[file] > least


def test_the_bundle_prints_the_figures_of_the_report(made: tuple[StudyReport, Path]) -> None:
    report, bundle = made
    files = files_in(bundle)
    compared = json.loads(files["study.json"])["compared"]
    for one, told in zip(report.compared, compared, strict=True):
        assert one.analysis is not None
        for analysis, again in zip(one.analysis.analyses, told["analysis"]["analyses"], strict=True):
            assert again["p_value"] == (
                pytest.approx(analysis.p_value) if math.isfinite(analysis.p_value) else None
            )
            low, told_low = analysis.contrasts[0].difference.low, again["contrasts"][0]["difference"]["low"]
            assert told_low == (pytest.approx(low) if math.isfinite(low) else None)
    truth, scores = parse_imrmc(files["readings.imrmc"].decode())
    columns, rows = read_csv(files["mrmc-long.csv"])
    long = [dict(zip(columns, row, strict=True)) for row in rows]
    assert len(truth) == 60 and len(scores) == len(long) == 240
    for row in long:
        assert scores[row["reader"], row["case"][1:], row["test"]] == float(row["rating"])
        assert truth[row["case"][1:]] == int(row["truth"])
    assert b'read.csv("mrmc-long.csv"' in files["mrmc.R"]
    drawn = json.loads(files["data/regions.coco.json"])
    assert drawn["annotations"][0]["bbox"] == pytest.approx([64, 96, 192, 192])
    assert len(drawn["annotations"]) == len(TYPED)
    kinds = {name.rpartition(".")[2] for name in files if name.startswith("figures/")}
    assert kinds == {"svg", "png"} and {"study.pdf", "study.docx", "study.schema.json"} <= set(files)


def test_the_dictionary_says_of_each_column_of_each_table_what_it_means(
    made: tuple[StudyReport, Path],
) -> None:
    files = files_in(made[1])
    lines = list(csv.DictReader(io.StringIO(files["data/dictionary.csv"].decode("utf-8-sig"))))
    told = {(line["file"], line["column"]): line["meaning"] for line in lines}
    for name in (one for one in files if one.endswith(".csv") and one != "data/dictionary.csv"):
        for column in read_csv(files[name])[0]:
            assert told[name, column], (name, column)


# ------------------------------------------------------------------------------------------------ what is noticed


def cell(column: str, value: str, *, line: int = 0) -> Callable[[bytes], bytes]:
    """Change one cell of a table."""

    def write(data: bytes) -> bytes:
        columns, rows = read_csv(data)
        rows[line][columns.index(column)] = value
        text = io.StringIO(newline="")
        csv.writer(text).writerows([columns, *rows])
        return text.getvalue().encode("utf-8-sig")

    return write


def text(old: str, new: str) -> Callable[[bytes], bytes]:
    return lambda data: re.sub(old, new, data.decode(), count=1).encode()


PRINTED = {
    "study.json": (text(r'("p_value": )[\d.]+', r"\g<1>0.01234"), "study.json: primary.p_value"),
    "study-comparison.csv": (cell("value", "0.999", line=2), "study-comparison.csv: line 4, value"),
    "study-answers.csv": (cell("certainty", "1.5", line=5), "study-answers.csv: line 7, certainty"),
    "mrmc-long.csv": (cell("rating", "-5.5", line=7), "mrmc-long.csv: line 9, rating"),
    "readings.imrmc": (text(r"(\nR2,\d+,blind),.*", r"\1,9"), "readings.imrmc: line "),
    "mrmc.R": (text("mrmc-long", "other"), "mrmc.R: line 3"),
    "study.html": (text(r">\.\d{3}</bdi>", ">.987</bdi>"), "study.html: after “"),
    "figures/learning.svg": (text(r">first<", ">last<"), "figures/learning.svg: after “"),
    "study.schema.json": (text("number", "string"), "study.schema.json: "),
    "data/regions.coco.json": (text(r"64\.0", "65.0"), "data/regions.coco.json: annotations[0].bbox[0]"),
    "data/dictionary.csv": (cell("meaning", "nothing"), "data/dictionary.csv: line 2, meaning"),
}  # fmt: skip


def test_whatever_is_changed_in_a_printed_file_is_named_with_its_place_though_its_digest_fits(
    tampered: Callable[..., Verification],
) -> None:
    found = tampered(**{name: write for name, (write, _) in PRINTED.items()})
    assert not found.changed
    for name, (_, place) in PRINTED.items():
        assert any(one.where.startswith(place) for one in found.differences), (name, place)


CELLS = {
    "an answer": ("data/answers.csv", "label", {"pneumonia": "normal", "normal": "pneumonia"}, "answers["),
    "how sure": ("data/answers.csv", "certainty", {"4.0": "1.0", "2.0": "5.0"}, "answers["),
    "a label": ("data/cases.csv", "label", {"pneumonia": "normal", "normal": "pneumonia"}, "answers["),
    "a patient": ("data/cases.csv", "patient", {}, "answers["),
    "what the model says": ("data/cases.csv", "predicted", {"pneumonia": "normal", "normal": "pneumonia"}, "model["),
    "what was seen": ("data/answers.csv", "left out", {"0": "1"}, "excluded["),
}  # fmt: skip


@pytest.mark.parametrize("kind", CELLS)
def test_one_cell_of_the_data_that_is_changed_everywhere_it_stands_is_found_by_the_figures_that_rest_on_it(
    kind: str, made: tuple[StudyReport, Path], tmp_path: Path
) -> None:
    file, column, instead, where = CELLS[kind]
    files = files_in(made[1])
    columns, rows = read_csv(files[file])
    at = columns.index(column)
    rows[3][at] = instead.get(rows[3][at], "p99")
    changed = [dict(zip(columns, row, strict=True)) for row in rows]
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows([columns, *rows])
    files[file] = stream.getvalue().encode("utf-8-sig")
    files[file.replace(".csv", ".parquet")] = write_parquet(
        changed, columns
    )  # text: a reader compares the words
    found = verify(packed(files, tmp_path / "changed.zip"))
    named = [one.where for one in found.differences]
    assert any(one.startswith(f"study.json: {where}") for one in named), named[:5]


def test_a_protocol_that_is_not_the_one_whose_hash_is_printed_is_named(
    tampered: Callable[..., Verification],
) -> None:
    found = tampered(**{"data/protocol.json": text(r'"margin": 0\.05', '"margin": 0.5')})  # the study's
    assert any(one.where == "data/protocol.json: hashed" for one in found.differences)
    both = tampered(**{"data/protocol.json": lambda data: data.replace(b'"margin": 0.05', b'"margin": 0.5')})
    assert any(one.where == "data/protocol.json: hash of the protocol" for one in both.differences)


def test_an_image_that_would_fill_the_memory_is_refused_in_a_sentence(
    made: tuple[StudyReport, Path], tmp_path: Path
) -> None:
    files = files_in(made[1])
    huge = files["data/cases.csv"].replace(b",640,480", b",640000000,480")
    with pytest.raises(
        ReportError, match=r"data/cases\.csv in the bundle is damaged \(an image of 640000000"
    ):
        verify(packed(files | {"data/cases.csv": huge}, tmp_path / "huge.zip"))


@pytest.mark.parametrize(
    ("name", "junk"),
    [
        ("data/protocol.json", b"[]"), ("data/protocol.json", b'{"study": {"study_id": 1}}'), ("study.json", b"{}"),
        ("data/cases.csv", b"case\nc1\n"), ("data/answers.csv", b"\xff\xfe"), ("data/answers.csv", b""),
        ("data/readers.csv", b"reader,role,profession,years\nR1,reader,,inf\n"), ("data/to-read.csv", b"\x00"),
        ("data/regions.coco.json", b"{"),
    ],
)  # fmt: skip
def test_data_that_cannot_be_read_are_refused_in_a_sentence_that_names_the_file(
    name: str, junk: bytes, made: tuple[StudyReport, Path], tmp_path: Path
) -> None:
    with pytest.raises(ReportError, match=re.escape(f"{name} in the bundle is damaged")) as raised:
        verify(packed(files_in(made[1]) | {name: junk}, tmp_path / "junk.zip"))
    assert raised.value.remedy and "\n" not in str(raised.value)


# --------------------------------------------------------------------------------------------- what is not in it


def test_no_reader_no_patient_and_no_file_is_named_in_any_byte(made: tuple[StudyReport, Path]) -> None:
    report, bundle = made
    assert "Ben fell ill" in report.deviations[0]
    files = files_in(bundle)
    for name, data in files.items():
        assert not re.search(rb"Anna|\bBen\b|ben last|patient ?\d|/films/|Script 1", data), name
    columns, rows = read_csv(files["data/answers.csv"])
    comments = [row[columns.index("comment")] for row in rows]
    assert [one for one in comments if one] == ["a nodule?"]
    assert b"5 texts that named somebody or a file were left out" in files["README.txt"]
    told = json.loads(files["study.json"])["deviations"]
    assert "Left out of this bundle" in told[0] and "the second screen was replaced" in told[1]
    assert {"R1", "R2"} == {row[columns.index("reader")] for row in rows}


def test_a_name_in_the_title_of_the_study_stops_the_bundle(
    made: tuple[StudyReport, Path], tmp_path: Path
) -> None:
    report, _ = made
    study = report.evidence.study
    named = replace(study, protocol=replace(study.protocol, name="Pilot of Anna Ek"))
    with pytest.raises(ReportError, match=r"“Anna Ek” stands in study\.html") as raised:
        export_study(
            replace(report, evidence=replace(report.evidence, study=named)), tmp_path, formats=["bundle"]
        )
    assert "Change the study's name" in raised.value.remedy


def test_numbers_are_drawn_with_a_salt_that_stays_in_the_workspace_and_is_the_same_for_who_may_only_look(
    made: tuple[StudyReport, Path], tmp_path: Path
) -> None:
    report, bundle = made
    workspace = open_workspace(tmp_path / "workspace")
    with open_store(workspace.database) as store:
        ids = [read_by_two(store), store.studies.create(protocol(["Script 1"], name="Another")).study_id]
        salt, other = (salt_of(tmp_path / "none", store, each) for each in ids)
    with open_store(workspace.database) as store:  # nothing was written for it
        assert salt_of(tmp_path / "none", store, ids[0]) == salt != other and len(salt) == 32
        kept = tmp_path / "study"
        kept.mkdir()
        (kept / anonymous.SALT).write_text("drawn by an earlier version", encoding="ascii")
        assert salt_of(kept, store, ids[0]) == "drawn by an earlier version"
    assert not (tmp_path / "none").exists()
    assert all(salt.encode() not in data for data in files_in(bundle).values())
    study = report.evidence.study
    drawn = {
        tuple(
            (case.number, case.patient)
            for case in sorted(numbered(study, films(), salt=each), key=lambda one: one.image_id)
        )
        for each in ("", salt, "another")
    }
    assert len(drawn) == 3
    many = replace(study, protocol=replace(study.protocol, readers=tuple("abcdefgh")))
    orders = {in_drawn_order(many, each).protocol.readers for each in (salt, "another", "a third")}
    assert len(orders) == 3 and all(sorted(one) == sorted("abcdefgh") for one in orders)


def test_what_stands_beside_the_numbers_of_a_study_is_made_again_and_its_files_are_those_of_a_study(
    made: tuple[StudyReport, Path], tmp_path: Path
) -> None:
    files = files_in(made[1])
    page = files["study.html"].decode()
    svg = files["figures/readers.svg"].decode()
    moved = re.sub(r'd="M (\d)', r'd="M 1\1', svg, count=1)
    drawn = re.search(r'd="M [^"]*"', svg)
    assert drawn and moved != svg
    line = re.sub(r'd="M (\d)', r'd="M 1\1', drawn[0])
    harmed = {
        "study.html": page.replace(drawn[0], line)
        .replace("</h1>", "</h1><img src='data:,' alt=''>", 1)
        .encode(),
        "figures/readers.svg": svg.replace(drawn[0], line, 1).encode(),
        "study.pdf": files["study.pdf"].replace(b"/Pages", b"/Pagez", 1),
        "README.txt": files["README.txt"].replace(b"every figure", b"no figure"),
        "extra.txt": b"1",
    }
    for gone in ("study.schema.json", "data/regions.coco.json", "figures/learning.svg", "study-advice.csv"):
        del files[gone]
    found = verify(packed(files | harmed, tmp_path / "harmed.zip"))
    said = {one.where.partition(":")[0] for one in found.differences}
    assert said == {"study.html", "figures/readers.svg", "study.pdf", "README.txt"}
    assert sorted(found.changed) == [
        "data/regions.coco.json is missing",
        "extra.txt was added: no bundle of this report holds it",
        "figures/learning.svg is missing",
        "study-advice.csv is missing",
        "study.schema.json is missing",
    ]


def test_what_an_earlier_version_did_not_write_of_a_study_is_not_missed_and_all_else_is_held(
    made: tuple[StudyReport, Path], tmp_path: Path
) -> None:
    files = files_in(made[1])

    def without(name: str, key: str, file: str) -> dict[str, bytes]:
        document = json.loads(files[file])
        of = document["properties"] if name else document
        del of[key]
        if name:
            document["required"].remove(key)
        return {file: (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()}

    before = {
        **without("", "changed_in_words", "study.json"),
        **without("schema", "changed_in_words", "study.schema.json"),
        **without("", "set_back", "data/protocol.json"),
    }
    found = verify(packed(files | before, tmp_path / "before.zip"))
    assert found.earlier and found.holds, (found.differences[:3], found.changed)
    harmed = {"data/protocol.json": before["data/protocol.json"].replace(b'"notes"', b'"nothing"')}
    with pytest.raises(ReportError, match=r"protocol\.json"):
        verify(packed(files | before | harmed, tmp_path / "harmed.zip"))
