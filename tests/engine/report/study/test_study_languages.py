"""Promises of a study's report in Persian and in Hebrew: the same numbers, no English but names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pikepdf
import pytest
from selectolax.lexbor import LexborHTMLParser

from engine.language import ENGLISH, right_to_left
from engine.reading import open_store
from engine.report import export_study
from engine.report.printed.page import numbers_on
from engine.workspace import open_workspace
from tests.engine.report.study.test_study_report import reported
from tests.engine.report.test_other_languages import CODES, english, numerals, visible


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Folders of files, by language."""
    workspace = open_workspace(tmp_path_factory.mktemp("study") / "workspace")
    folders = {}
    with open_store(workspace.database) as store:
        report = reported(workspace, store, wrong_advice=0.1)
    for code in (ENGLISH, *CODES):
        formats = ("html", "json") if code == ENGLISH else ("html", "json", "pdf", "docx")
        folders[code] = tmp_path_factory.mktemp(code)
        export_study(report, folders[code], formats=formats, told=code)
    return folders


def page(written: Mapping[str, Path], code: str) -> str:
    return (written[code] / "study.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", CODES)
def test_no_sentence_of_ours_is_in_english(written: Mapping[str, Path], code: str) -> None:
    tree = LexborHTMLParser(page(written, code))
    root, body = tree.root, tree.body
    assert root is not None and body is not None
    assert root.attributes["lang"] == code
    assert (root.attributes.get("dir") == "rtl") == right_to_left(code)
    names = ("normal", "opacity", "UTC", "Hillis", "Rockette", "AUC", "Cov")
    left = [said for said in visible(body) if english(said, names)]
    assert not left


@pytest.mark.parametrize("code", CODES)
def test_the_numbers_are_those_of_the_english_page_under_the_same_ids(
    written: Mapping[str, Path], code: str
) -> None:
    ours, theirs = numbers_on(page(written, code)), numbers_on(page(written, ENGLISH))
    assert ours.keys() == theirs.keys() and len(ours) > 150
    for name, said in theirs.items():
        assert Counter(numerals(ours[name])) == Counter(numerals(said)), (name, said, ours[name])


@pytest.mark.parametrize("code", CODES)
def test_the_pdf_is_in_the_language_and_json_is_not(written: Mapping[str, Path], code: str) -> None:
    with pikepdf.open(written[code] / "study.pdf") as pdf:
        assert str(pdf.Root.Lang).startswith(code)
    assert (written[code] / "study.docx").read_bytes().startswith(b"PK")
    assert (written[code] / "study.json").read_bytes() == (written[ENGLISH] / "study.json").read_bytes()
