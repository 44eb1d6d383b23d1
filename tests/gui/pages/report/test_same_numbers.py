"""One number is one number: whatever writes or shows a report prints the same under the same id."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import docx
import pypdfium2
import pytest
from typer.testing import CliRunner

from engine.records import Run
from engine.report.printed.page import numbers_on
from engine.report.standards.reference_standards import REFERENCE_STANDARDS
from engine.workspace import Workspace, open_workspace
from gui.cli.main import app
from gui.pages.report.asked import report_part
from gui.pages.report.parts import PARTS
from gui.web.session import open_session


def bare(text: str) -> str:
    """Letters and digits as they are, without what differs by format: spaces, brackets, breaks, marks of direction."""
    text = unicodedata.normalize("NFKC", text.removeprefix("'"))
    return re.sub(
        r"[()\s\u00ad\u2066-\u2069\u200b\u200e\u200f\ufffe]+", "", re.sub("[\u2010\u2212\x02]", "-", text)
    )


@pytest.fixture(scope="module")
def written(
    trained: tuple[Workspace, Run], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """A trained run's report by the command line: its files, what the terminal said, and what the pages show."""
    folder = tmp_path_factory.mktemp("same")
    shutil.copytree(trained[0].root, folder / "workspace")
    run = trained[1].run_id
    options = [option for kind in ("html", "pdf", "docx", "csv", "json") for option in ("--format", kind)]
    done = CliRunner().invoke(
        app, ["report", run, "--out", str(folder / "out"), "--workspace", str(folder / "workspace"), *options]
    )
    assert done.exit_code == 0, done.output
    session = open_session(open_workspace(folder / "workspace"), reader="Dr Test")
    asked = {"run": run, "part": "test", "standards": list(REFERENCE_STANDARDS)}
    shown = "".join(report_part(session, {**asked, "name": name})["html"] for name in PARTS)
    yield {"folder": folder / "out", "terminal": done.output, "page": shown}
    session.store.close()


@pytest.fixture(scope="module")
def numbers(written: Mapping[str, Any]) -> dict[str, str]:
    document = json.loads((written["folder"] / "report.json").read_text(encoding="utf-8"))
    return {name: entry["printed"] for name, entry in document["numbers"].items()}


def test_html_and_csv_print_every_number_as_the_json_does(
    written: Mapping[str, Any], numbers: dict[str, str]
) -> None:
    page = numbers_on((written["folder"] / "report.html").read_text(encoding="utf-8"))
    rows = csv.DictReader(io.StringIO((written["folder"] / "numbers.csv").read_text(encoding="utf-8-sig")))
    table = {row["id"]: row["printed"] for row in rows}
    assert page.keys() == table.keys() == numbers.keys()
    assert {name: bare(text) for name, text in table.items()} == {
        name: bare(text) for name, text in numbers.items()
    }
    for name, text in numbers.items():
        assert bare(page[name]).endswith(bare(text)), (name, page[name], text)


def test_the_report_page_shows_the_same_under_each_id_that_it_shows(
    written: Mapping[str, Any], numbers: dict[str, str]
) -> None:
    page = numbers_on(written["page"])
    assert len(page) > 60 and page.keys() <= numbers.keys()
    assert {name: bare(text) for name, text in page.items()} == {name: bare(numbers[name]) for name in page}


def test_the_terminal_says_the_sentences_of_the_report(
    written: Mapping[str, Any], numbers: dict[str, str]
) -> None:
    said = dict(re.findall(r"^(S3\.\d+) (.*?)(?=^S3|^/|\Z)", written["terminal"], re.DOTALL | re.MULTILINE))
    assert len(said) >= 4
    for name, text in said.items():
        assert bare(text).startswith(bare(numbers[name]))


@pytest.mark.parametrize("ending", ["pdf", "docx"])
def test_documents_print_every_number_in_the_order_of_the_page(
    written: Mapping[str, Any], numbers: dict[str, str], ending: str
) -> None:
    """Documents have no ids: a number is there where it stands in the order of the page, from one to the next."""
    path: Path = written["folder"] / f"report.{ending}"
    text = of_pdf(path) if ending == "pdf" else of_word(path)
    kinds = "TSFC" if ending == "pdf" else "TS"  # Word has no pictures
    missing = {name: said for name, said in numbers.items() if name[0] in kinds and bare(said) not in text}
    assert not missing


def of_pdf(path: Path) -> str:
    pages = [page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(path)]
    return bare("".join(re.sub(r"Made by Overread\..*", "", page, flags=re.DOTALL) for page in pages))


def of_word(path: Path) -> str:
    body = docx.Document(str(path)).element.body
    return bare("".join(body.itertext()))
