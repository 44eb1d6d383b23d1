"""What stands in a bundle beside its numbers is made again from them: whoever changes it with its digest is found."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import pytest

from engine.errors import ReportError
from engine.report import pdf_of, verify, word_of
from engine.report.exports.bundle.apart import DEFINED, SEARCHED, SEARCHES, STANDARDS
from tests.engine.report.exports.bundle.test_bundle import Files, files_in, packed

ROC = "figures/labels-that-came-with-the-data-roc"


def better(page: bytes) -> str:
    """The page with another number in its first table of figures."""
    said = page.decode()
    changed = re.sub(r"(sensitivity</th>\s*<td[^>]*><bdi[^>]*>)[\d.]+", r"\1.999", said, count=1)
    assert changed != said
    return changed


def test_files_that_are_missing_or_too_many_are_one_sentence_each_though_the_digests_fit(
    bundle: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(bundle) as whole:  # of one day, that the same files may make the same bundle
        assert {one.date_time for one in whole.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    files = files_in(bundle)
    gone = (
        "report.schema.json", "report.html", "report.pdf", "README.txt", "model-card.md", "model-card.json",
        "estimates.csv", "cases.parquet", "data/regions.coco.json", "data/dictionary.csv", f"{ROC}.svg", f"{ROC}.png"
    )  # fmt: skip
    for name in gone:
        del files[name]
    files |= {"extra.txt": b"1", "elsewhere.csv": b"source\r\n"}
    found = verify(packed(files, tmp_path / "changed.zip"))
    added = [
        f"{name} was added: no bundle of this report holds it" for name in ("extra.txt", "elsewhere.csv")
    ]
    assert sorted(found.changed) == sorted([*(f"{name} is missing" for name in gone), *added])
    assert {one.where.partition(":")[0] for one in found.differences} <= {
        "dictionary.csv"
    }  # which names columns


def test_paper_and_pictures_that_say_something_else_than_page_and_numbers_are_named(
    bundle: Path, tmp_path: Path
) -> None:
    files = files_in(bundle)
    other = better(files["report.html"])
    harmed: Files = {
        "report.pdf": pdf_of(other),
        "report.docx": word_of(other),
        f"{ROC}.png": files[f"{ROC.replace('roc', 'scores')}.png"],
        "README.txt": files["README.txt"].replace(b"every figure", b"no figure"),
    }
    assert all(files[name] != data for name, data in harmed.items())
    found = verify(packed(files | harmed, tmp_path / "changed.zip"))
    assert not found.changed
    assert {one.where.partition(":")[0] for one in found.differences} == set(harmed)
    told = " ".join(str(one.printed) for one in found.differences)
    assert ".999" in told  # of the Word file


def test_each_file_is_named_by_the_readme(bundle: Path) -> None:
    files = files_in(bundle)
    said = files["README.txt"].decode()
    for name in {*files, STANDARDS, DEFINED, SEARCHES, SEARCHED} - {"README.txt"}:
        whole, kind = name.rsplit(".", 1) if "." in name else (name, "")
        table = "/" not in name and kind in ("csv", "parquet")
        folder = f"\n{name.rpartition('/')[0]}/ "
        by_line = any(line.startswith(f"{whole}.") and f".{kind}" in line for line in said.splitlines())
        assert name in said or by_line or table or folder in said or whole + ".csv" in said, name


def test_a_page_that_nests_too_deep_to_be_set_is_named(bundle: Path, tmp_path: Path) -> None:
    files = files_in(bundle)
    deep = files["report.html"].replace(b"</h1>", b"</h1>" + 5_000 * b"<div>", 1)
    found = verify(packed(files | {"report.html": deep}, tmp_path / "deep.zip"))
    assert any(one.where == "report.html: on paper" for one in found.differences)


def test_a_figure_that_was_changed_in_its_file_and_on_the_page_is_named_and_so_is_a_sentence(
    bundle: Path, tmp_path: Path
) -> None:
    files = files_in(bundle)
    document = json.loads(files["report.json"])
    sentence = next(one for one in document["limitations"] if len(one) > 40).rstrip(".").encode()
    page, svg = files["report.html"], files[f"{ROC}.svg"]
    curve = re.search(rb'd="M [^"]*L [^"]*L [^"]*"', svg)
    assert curve and curve[0] in page
    moved = re.sub(rb"L (\d)", rb"L 1\1", curve[0], count=1)
    assert moved != curve[0] and sentence in page
    harmed = {
        f"{ROC}.svg": svg.replace(curve[0], moved),
        "report.html": page.replace(curve[0], moved).replace(sentence, b"There is none"),
    }
    found = verify(packed(files | harmed, tmp_path / "changed.zip"))
    named = {one.where for one in found.differences}
    assert f"{ROC}.svg: the figure" in named and "report.html: limitations" in named


@pytest.mark.parametrize("name", ["run/run.json", "run/recipe.json"])
def test_settings_of_a_newer_version_are_named_by_their_file_in_the_bundle(
    bundle: Path, tmp_path: Path, name: str
) -> None:
    files = files_in(bundle)
    newer = json.dumps({**json.loads(files[name]), "schema_version": 99}).encode()
    with pytest.raises(ReportError, match=rf"{name}.* newer version of Overread") as raised:
        verify(packed(files | {name: newer}, tmp_path / "newer.zip"))
    assert "tmp" not in str(raised.value) and raised.value.remedy == "Update Overread"


@pytest.mark.parametrize("program", ["Overread", "matplotlib", "python-docx"])
def test_what_another_version_drew_and_set_is_said_to_be_held_by_its_digest_alone(
    bundle: Path, tmp_path: Path, program: str
) -> None:
    files = files_in(bundle)
    files["README.txt"] = re.sub(
        rf"{program} \d\S*".encode(), f"{program} 0.0.1".encode(), files["README.txt"]
    )
    files["report.pdf"] = b"%PDF-1.7"
    found = verify(packed(files, tmp_path / "other.zip"))
    assert found.holds and any("PDF" in one and "another version" in one for one in found.by_digest)
