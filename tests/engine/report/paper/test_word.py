"""Promises of the file for Word: every cell of every table, numbered, whole and turned as it is read; no picture."""

from __future__ import annotations

import io
import re
import time
import zipfile

import docx
import pytest
from docx.oxml.ns import qn

from engine.report.paper.columns import FIRST_ROWS, GAP, LONGEST_NUMBER
from engine.report.paper.glyphs import width
from engine.report.paper.reading import read_page
from engine.report.paper.word import SLACK, word_of
from tests.engine.report.paper.test_pdf import HEBREW, MARKUP, PERSIAN, a_page, squeezed, visible

NUMBER = r"<strong>Table [\d.]+</strong> "


@pytest.fixture(scope="module")
def page() -> str:
    return a_page(classes=("normal", PERSIAN))


@pytest.fixture(scope="module")
def data(page: str) -> bytes:
    return word_of(page)


def letters(element: object) -> str:
    return squeezed("".join(each.text or "" for each in element.iter(qn("w:t"))))  # type: ignore[attr-defined]


def test_every_cell_of_every_table_stands_in_it_under_its_caption(page: str, data: bytes) -> None:
    file = docx.Document(io.BytesIO(data))
    tables = re.findall(r"<table.*?</table>", page, flags=re.DOTALL)
    assert len(file.tables) == len(tables) > 5
    for html, table in zip(tables, file.tables, strict=True):
        shown = letters(table._tbl)
        pieces = visible("<body>" + re.sub(r"<caption>.*?</caption>", "", html, flags=re.DOTALL))
        assert pieces and not [piece for piece in pieces if piece not in shown]
        said = re.search(r"<caption>(.*?)</caption>", html, flags=re.DOTALL)
        assert not said or "".join(visible(f"<body>{said[1]}")) in letters(table._tbl.getprevious())


def test_tables_are_numbered_by_fields_where_the_page_gives_no_numbers(page: str) -> None:
    plain = re.sub(NUMBER, "", page)
    body = docx.Document(io.BytesIO(word_of(plain))).element.body
    fields = list(body.iter(qn("w:fldSimple")))
    assert all("SEQ Table " in field.get(qn("w:instr")) for field in fields)
    assert [letters(field) for field in fields] == [str(at + 1) for at in range(plain.count("<table"))]


def test_a_number_that_the_page_gives_a_table_is_kept(page: str) -> None:
    plain = re.sub(NUMBER, "", page)
    numbered = plain.replace("<caption>", "<caption><strong>Table 5.2.</strong> Said: ", 1)
    (field,) = docx.Document(io.BytesIO(word_of(numbered))).element.body.iter(qn("w:fldSimple"))
    assert letters(field.getparent()).startswith("Table5.2.Said:")
    assert "SEQ Table_5 " in field.get(qn("w:instr"))


def test_headers_are_repeated_and_rows_are_not_split(page: str, data: bytes) -> None:
    tables = docx.Document(io.BytesIO(data)).tables
    for html, table in zip(re.findall(r"<table.*?</table>", page, flags=re.DOTALL), tables, strict=True):
        rows = [row._tr for row in table.rows]
        assert all(row.find(f".//{qn('w:cantSplit')}") is not None for row in rows)
        heads = [row.find(f".//{qn('w:tblHeader')}") is not None for row in rows]
        wanted = html[: max(html.find("</thead>"), 0)].count("<tr")
        assert heads == [True] * wanted + [False] * (len(heads) - wanted)


def test_columns_are_as_wide_as_was_counted_and_short_tables_stay_on_one_page(data: bytes) -> None:
    tables = docx.Document(io.BytesIO(data)).tables
    for table in tables:
        gaps = table._tbl.tblPr.find(qn("w:tblCellMar"))
        # Word's own gaps are wider than those that the widths were made with, and would break numbers
        assert sum(int(side.get(qn("w:w"))) for side in gaps) == GAP * 20 and len(gaps) == 2
        for cell in table._cells:
            runs = [run for paragraph in cell.paragraphs for run in paragraph.runs]
            for number in re.findall(r"[.\d][.\d,–]+", "".join(run.text for run in runs)):
                needed = width(number) * runs[0].font.size.pt + GAP
                assert len(number) > LONGEST_NUMBER or cell.width.pt > needed + SLACK / 2, number
        rows = [row._tr for row in table.rows]
        kept = [row.find(f".//{qn('w:keepNext')}") is not None for row in rows]
        assert not kept[-1] and (all(kept[:-1]) or all(kept[: FIRST_ROWS - 1]))
    assert {len(table.rows) < 8 for table in tables} == {True, False}


def test_in_place_of_how_cards_are_looked_at_it_says_where_they_are(page: str) -> None:
    words = letters(docx.Document(io.BytesIO(word_of(page))).element.body)
    assert "theimagewithitsheatmap" in squeezed(page) and "theimagewithitsheatmap" not in words
    assert words.count("ThesecasesstandwiththeirimagesintheHTMLandthePDF.") == page.count(
        '<ul class="gallery"'
    )


def test_right_to_left_names_run_that_way_and_what_was_typed_is_no_markup(data: bytes) -> None:
    body = docx.Document(io.BytesIO(data)).element.body
    runs = [
        run
        for run in body.iter(qn("w:r"))
        if PERSIAN in "".join(each.text or "" for each in run.iter(qn("w:t")))
    ]
    assert runs and all(run.find(f".//{qn('w:rtl')}") is not None for run in runs)
    assert squeezed(MARKUP) in letters(body) and not re.search("[\u2066-\u2069]", body.xml)
    turned = docx.Document(
        io.BytesIO(word_of(a_page().replace('lang="en"', 'lang="he" dir="rtl"', 1)))
    ).element.body
    assert all(table.find(f".//{qn('w:bidiVisual')}") is not None for table in turned.iter(qn("w:tbl")))
    assert all(
        each.find(f".//{qn('w:bidi')}") is not None for each in turned.iter(qn("w:p")) if letters(each)
    )
    assert HEBREW not in letters(turned)


def test_it_says_what_it_is_holds_no_picture_and_is_the_same_twice(page: str, data: bytes) -> None:
    about = docx.Document(io.BytesIO(data)).core_properties
    assert about.title.startswith("Overread report") and about.author == "Overread" and about.comments == ""
    assert f"{about.created:%Y-%m-%d %H:%M}" == "2026-03-01 09:30" and about.language == "en"
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        assert not [name for name in packed.namelist() if name.endswith((".jpeg", ".jpg", ".png"))]
        assert {info.date_time[:3] for info in packed.infolist()} == {(2026, 3, 1)}
    assert word_of(page) == data


def test_a_thousand_rows_are_written_in_seconds(page: str) -> None:
    rows = "".join(f"<tr>{''.join(f'<td>{row} {at}</td>' for at in range(6))}</tr>" for row in range(1000))
    long = page.replace("</main>", f"<table><tbody>{rows}</tbody></table></main>")
    began = time.process_time()
    made = docx.Document(io.BytesIO(word_of(long)))
    assert time.process_time() - began < 20
    assert len(made.tables[-1]._tbl.tr_lst) == 1000 and len(read_page(long).blocks) > 20
