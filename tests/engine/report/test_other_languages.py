"""Promises of a report in Persian and in Hebrew: the same numbers, no English but names, files that run right."""

from __future__ import annotations

import io
import re
import zipfile
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pikepdf
import pytest
from selectolax.lexbor import LexborHTMLParser, LexborNode

from engine.language import CATALOGUES, ENGLISH, right_to_left, speaking
from engine.report import verify, with_checklists
from engine.report.build import export_report
from engine.report.printed.page import numbers_on
from engine.report.records import Report
from tests.engine.report.exports.bundle.test_bundle import films, of_two
from tests.engine.report.test_build import HEAT
from tests.engine.report.test_snapshots import situations

CODES = sorted(path.stem for path in CATALOGUES.glob("*.po"))
MACHINES = ("json", "csv")
PEOPLE = ("html", "pdf", "docx")
LATIN = re.compile(r"[A-Za-z]{2,}")
NAMES = re.compile(
    r"\b(?:Overread|UTC|doi:\S+|arXiv:\S+|ROC|AUROC|PPV|NPV|LR|AP|MCC|HTML|PDF|Word|JSON|CSV|F1|sha256|Wilson|Matthews|Wald|Hotelling|Holm|DeLong|Newcombe|Obuchowski|Begg|Greenes|Otsu|Krippendorff|Brier|precision|recall|"
    r"CLAIM|STARD|TRIPOD|DECIDE|AI|for Abstracts|Aperivue/medsci-skills|commit [0-9a-f]+|PMC\d+|cascading "
    r"randomisation|deletion|insertion|pointing game|dropout|doi|Roe|Metz|Hillis|Berbaum|"
    r"Healthy|effusion|overread \w+|RUN|Rockette|ln|c[0-9a-f]{8})\b"
)
"""What the languages write in Latin letters too."""
OURS = re.compile(r"\b(?:is|was|are|were|of|every|no|not|interval)\b")
"""Words that a sentence of ours has, and a name rarely: standing apart as a name does not excuse it."""
ASCII = str.maketrans("۰۱۲۳۴۵۶۷۸۹٫", "0123456789.", "٬,")


@cache
def report() -> Report:
    return with_checklists(of_two())


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Folders of files, by language."""
    folders = {code: tmp_path_factory.mktemp(code) for code in (ENGLISH, *CODES)}
    for code, folder in folders.items():
        told = None
        if code != ENGLISH:
            with speaking(code):
                told = code, of_two()
        formats = ("html", *MACHINES) if code == ENGLISH else (*PEOPLE, *MACHINES, "bundle")
        export_report(
            report(), folder, picture=lambda _: films(), heatmap=lambda _: HEAT, formats=formats, told=told
        )
    return folders


def page(written: Mapping[str, Path], code: str) -> str:
    return (written[code] / "report.html").read_text(encoding="utf-8")


def visible(node: LexborNode) -> list[str]:
    """Texts of a page, marked as English or not, but for names of the data and what people wrote."""
    found = []
    for child in node.iter(include_text=True):
        tag = child.tag or ""
        if tag == "-text":
            found.append(child.text_content or "")
        elif (
            tag not in ("style", "script", "code", "bdi", "-comment")
            and child.attributes.get("class") != "written"
        ):
            found += [value for name in ("alt", "aria-label") if (value := child.attributes.get(name))]
            found += visible(child)
    return found


def english(text: str, names: tuple[str, ...]) -> str:
    """Return what of a text is English, and neither isolated as a name nor one of the data."""
    for name in names:
        text = text.replace(name, "")
    bare = re.sub(
        "[\u2066-\u2068]([^\u2066-\u2069]*)\u2069", lambda one: one[1] if OURS.search(one[1]) else "", text
    )
    return " ".join(LATIN.findall(NAMES.sub("", bare)))


def numerals(text: str) -> list[float]:
    plain = re.sub("[\u200e\u200f\u2066-\u2069]", "", text).translate(ASCII)
    return [float(one) for one in re.findall(r"\d*\.?\d+", plain)]


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("name", [None, "heatmaps that pass", "tested elsewhere"])
def test_no_sentence_of_ours_is_in_english(written: Mapping[str, Path], code: str, name: str | None) -> None:
    from engine.report.exports.html import render_html

    text = page(written, code)
    if name is not None:
        with speaking(code):
            found = with_checklists(situations()[name]())
            text = render_html(found, picture=lambda _: None, heatmap=lambda _: None)
    tree = LexborHTMLParser(text)
    root, body = tree.root, tree.body
    assert root is not None and body is not None
    assert root.attributes["lang"] == code
    assert (root.attributes.get("dir") == "rtl") == right_to_left(code)
    recipe = report().run.recipe
    assert recipe is not None
    # names, the recipe's source as it is cited, and a reason of the passport that no engine gives
    names = ("normal", "opacity", "north", "south", "site", "films", "elsewhere", report().run.run_id)
    names += (recipe.source, "no body stands out")
    left = [said for said in visible(body) if english(said, names)]
    assert not left


@pytest.mark.parametrize("code", CODES)
def test_the_numbers_are_those_of_the_english_page_under_the_same_ids(
    written: Mapping[str, Path], code: str
) -> None:
    ours, theirs = numbers_on(page(written, code)), numbers_on(page(written, ENGLISH))
    assert ours.keys() == theirs.keys() and len(ours) > 300
    for name, said in theirs.items():
        # a form for one thing may say its count in a word
        lost = Counter(numerals(said)) - Counter(numerals(ours[name]))
        assert lost.keys() <= {1.0}, (name, said, ours[name])
        assert not Counter(numerals(ours[name])) - Counter(numerals(said)), (name, said, ours[name])


@pytest.mark.parametrize("code", CODES)
def test_what_machines_read_and_the_bundle_stay_in_english(written: Mapping[str, Path], code: str) -> None:
    ours, theirs = (
        {path.name: path.read_bytes() for path in written[one].iterdir() if path.suffix in (".json", ".csv")}
        for one in (code, ENGLISH)
    )
    assert ours == theirs and len(ours) > 5
    checked = verify(written[code] / "bundle.zip")
    assert not checked.differences and not checked.changed and checked.agree


@pytest.mark.parametrize("code", CODES)
def test_pdf_and_word_are_in_the_language_and_run_its_way(written: Mapping[str, Path], code: str) -> None:
    with pikepdf.open(written[code] / "report.pdf") as pdf:
        assert str(pdf.Root.Lang).startswith(code) and pdf.Root.MarkInfo.Marked
        rtl = pdf.Root.ViewerPreferences.get("/Direction") == "/R2L"
    assert rtl == right_to_left(code)
    with zipfile.ZipFile(io.BytesIO((written[code] / "report.docx").read_bytes())) as word:
        body = word.read("word/document.xml").decode()
    tables, turned = body.count("<w:tbl>"), body.count("<w:bidiVisual/>")
    assert tables and turned == (tables if right_to_left(code) else 0)
    paragraphs = re.findall(r"<w:p>.*?</w:p>", body, flags=re.DOTALL)
    with_text = [one for one in paragraphs if "<w:t" in one]
    assert all("<w:bidi/>" in one for one in with_text) == right_to_left(code)
