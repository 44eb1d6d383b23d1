"""Promises of the PDF: what the page says, as letters, for everybody, and nothing that the page does not say."""

from __future__ import annotations

import base64
import html
import io
import re
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime

import docx
import pikepdf
import pypdfium2
import pytest
from PIL import Image

from engine.errors import ReportError
from engine.records import Verdict
from engine.report.exports.html import fill_template, render_html
from engine.report.paper.pdf import pdf_of
from engine.report.paper.reading import TALLEST
from engine.report.paper.word import word_of
from tests.engine.report.test_build import HEAT, a_run, build, review, some_cases

PLANTED = "Maryam Planted"
MARKUP = '#read("/etc/passwd") *bold* $x^2$ <script>alert(1)</script> @preview `raw` \\ [x] // no'
PERSIAN, HEBREW, CHINESE = "کدورت", "תקין", "肺炎"
ISOLATES = re.compile("[\u2066-\u2069\u200b]")


def words_of(pdf: bytes) -> str:
    """Return every letter of a PDF but spaces, as somebody else's program finds them."""
    document = pypdfium2.PdfDocument(pdf)
    text = "".join(page.get_textpage().get_text_bounded() for page in document)
    document.close()
    return squeezed(text)


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", ISOLATES.sub("", unicodedata.normalize("NFKC", text)))


def film(text: str = PLANTED) -> bytes:
    """Return a film with a name in its EXIF and in a comment, turned by its EXIF."""
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = text, 6
    stream = io.BytesIO()
    Image.new("L", (40, 30), 90).save(stream, "JPEG", exif=exif, comment=text.encode())
    return stream.getvalue()


def a_page(
    *, comment: str = MARKUP, classes: tuple[str, str] = ("normal", "opacity"), picture: bytes = b""
) -> str:
    run = replace(a_run(classes), dataset_name=MARKUP)
    cases = some_cases(a_run())
    names = dict(zip(a_run().classes, classes, strict=True))
    cases = [replace(one, label=names[one.label or ""], predicted=names[one.predicted]) for one in cases]
    said = [review(one, Verdict.AGREE, reader="A", comment=comment) for one in cases]
    report = replace(build(run, cases, reviews=said), made=datetime(2026, 3, 1, 9, 30, tzinfo=UTC))
    return render_html(report, picture=lambda _: picture or film(), heatmap=lambda _: HEAT)


@pytest.fixture(scope="module")
def page() -> str:
    return a_page()


@pytest.fixture(scope="module")
def pdf(page: str) -> bytes:
    return pdf_of(page)


def visible(page: str) -> list[str]:
    """Return every piece of text of a page that a reader sees, its line of links left out."""
    body = page[page.index("<body>") :]
    body = re.sub(r"<(nav|svg|style)\b.*?</\1>", " ", body, flags=re.DOTALL)
    texts = re.split(r"<[^>]+>", body)
    unescaped = (
        re.sub("&#(?:39|34);|&quot;", lambda m: "'" if "39" in m[0] else '"', text) for text in texts
    )
    plain = (text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") for text in unescaped)
    return [squeezed(text) for text in plain if text.strip()]


def test_every_word_and_number_of_the_page_is_in_the_pdf(page: str, pdf: bytes) -> None:
    words, pieces = words_of(pdf), visible(page)
    assert len(pieces) > 400 and sum(any(sign.isdigit() for sign in piece) for piece in pieces) > 150
    # A long cell or sentence may go on over a line or a page, between which the foot stands: word by word there.
    assert [piece for piece in pieces if piece not in words and len(piece) < 40] == []


def test_it_is_tagged_titled_dated_and_has_a_contents_with_pages(page: str, pdf: bytes) -> None:
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        with opened.open_metadata() as about:
            assert (about["pdfaid:part"], about["pdfaid:conformance"], about["pdfuaid:part"]) == (
                "2",
                "A",
                "1",
            )
            assert about["dc:title"].startswith("Overread report") and about["xmp:CreateDate"].startswith(
                "2026-03-01"
            )
        assert opened.Root.MarkInfo.Marked and str(opened.Root.Lang) == "en"
        assert "/Encrypt" not in opened.trailer
        kinds = {
            str(each.S) for each in opened.objects if isinstance(each, pikepdf.Dictionary) and "/S" in each
        }
        assert {"/Table", "/TH", "/TD", "/Figure", "/Caption", "/H1", "/L", "/LI"} <= kinds
        figures = [
            each for each in opened.objects
            if isinstance(each, pikepdf.Dictionary) and each.get("/S") == "/Figure"
        ]  # fmt: skip
        assert figures and all(str(each.get("/Alt", "")) for each in figures)
    document = pypdfium2.PdfDocument(pdf)
    marks = [squeezed(bookmark.get_title()) for bookmark in document.get_toc(max_depth=6)]
    headings = re.findall(r"<h[2-6]\b.*?</h[2-6]>", page, flags=re.DOTALL)
    assert marks == ["".join(visible(f"<body>{heading}")) for heading in headings] and len(marks) > 12
    assert f"2/{len(document)}" in squeezed(document[1].get_textpage().get_text_bounded())
    document.close()


def test_no_name_in_a_films_exif_or_comment_travels(page: str, pdf: bytes) -> None:
    assert PLANTED.encode() in film()
    on_page = [base64.b64decode(one) for one in re.findall(r"data:image/jpeg;base64,([^\"]+)", page)]
    assert on_page and all(PLANTED.encode() not in one for one in on_page)
    assert PLANTED.encode() not in pdf
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        streams = [each for each in opened.objects if isinstance(each, pikepdf.Stream)]
        pictures = [each for each in streams if each.get("/Subtype") == "/Image"]
        assert pictures
        assert all(PLANTED.encode() not in (each.read_raw_bytes()) for each in streams)
        assert all((each.Width, each.Height) == (30, 40) for each in pictures), "turned as its EXIF says"


def test_what_is_typed_is_printed_and_never_run(pdf: bytes) -> None:
    assert words_of(pdf).count(squeezed(MARKUP)) >= 10


def test_equal_reports_give_equal_bytes(page: str, pdf: bytes) -> None:
    assert pdf_of(page) == pdf


def test_a_name_with_a_number_keeps_its_hyphen_where_figures_have_a_minus_sign() -> None:
    classes, comment = ("grade -1", "T ≤ -2.5"), "at -3 HU, level -0.5"
    page = a_page(classes=classes, comment=comment)
    drawn = "".join(re.findall(r"<text[^>]*>[^<]*", page))
    assert "grade -1" in drawn and html.escape(classes[1]) in html.escape(html.unescape(drawn))
    read = [page, words_of(pdf_of(page)), word_letters(word_of(page))]
    for said in map(squeezed, (*classes, comment)):
        holding = (
            read if said != squeezed(comment) else read[:2]
        )  # Word shows no images, and no comments to them
        assert all(said in squeezed(html.unescape(one)) for one in holding)
    assert not [one for one in read if re.search(r"\u2212(?:[13]|2\.5|0\.5)(?![\d.])", one)]


def word_letters(file: bytes) -> str:
    return "".join(docx.Document(io.BytesIO(file)).element.body.itertext())


def test_right_to_left_names_are_set_and_letters_without_a_glyph_are_said() -> None:
    made = pdf_of(a_page(classes=(HEBREW, PERSIAN), comment=f"{PERSIAN} 0.90–0.98"))
    assert squeezed(PERSIAN) in words_of(made) and squeezed(HEBREW) in words_of(made)
    made = pdf_of(a_page(classes=("normal", CHINESE), comment="🫁 \u202e \x07 fine"))
    assert "[U+80BA][U+708E]" in words_of(made) and "[U+1FAC1]" in words_of(made)
    assert squeezed("characters are not in the font of this file") in words_of(made)


def test_a_picture_that_cannot_be_read_is_said_and_the_rest_is_set() -> None:
    words = words_of(pdf_of(a_page(picture=film()[:-200])))
    assert squeezed("The image is not available.") in words and "notamedicaldevice" in words


def test_a_table_of_any_width_and_height_loses_no_cell() -> None:
    page = a_page()
    columns = "".join(f'<th class="n" scope="col">class {n}</th>' for n in range(60))
    rows = "".join(
        f'<tr><th scope="row">row {row}</th>'
        + "".join(f'<td class="n">{row}.{n:02d}!</td>' for n in range(60)) + "</tr>"
        for row in range(70)
    )  # fmt: skip
    table = f"<table><thead><tr><td></td>{columns}</tr></thead><tbody>{rows}</tbody></table>"
    long = f"<table><tbody><tr><th>{'w' * 500}</th><td>{'comment ' * 2000}</td></tr></tbody></table>"
    drawn = (
        f'<svg viewBox="0 0 9 9" aria-label="{"כ" * 40_000}"></svg>'  # longer than a string in a PDF may be
    )
    made = pdf_of(page.replace("</main>", f"{table}{long}{drawn}</main>"))
    words = words_of(made)
    assert all(f"{row}.{n:02d}!" in words for row in range(70) for n in range(60))
    assert words.count("comment") >= 2000 and words.count("w") >= 500
    document = pypdfium2.PdfDocument(made)
    for at in range(len(document)):
        objects = [each.get_bounds() for each in document[at].get_objects() if each.type == 1]
        assert all(left > 40 and right < 595 - 40 for left, _, right, _ in objects), f"page {at + 1}"
    document.close()


def test_a_drawing_is_no_higher_than_a_page_and_a_wide_one_does_not_stand_beside_others(page: str) -> None:
    def drawn(name: str, width: int, height: int) -> str:
        shape = f'<rect width="{width}" height="{height}"/>'
        size = f'width="{width}pt" height="{height}pt" viewBox="0 0 {width} {height}"'
        svg = f'<svg {size} aria-label="{name}">{shape}</svg>'
        return f"<figure>{svg}<figcaption>{name}</figcaption></figure>"

    charts = drawn("small", 200, 100) + drawn("wide", 500, 250) + drawn("tall", 250, 3000)
    start, end = page.index("<main>") + len("<main>"), page.index("</main>")
    document = pypdfium2.PdfDocument(pdf_of(f'{page[:start]}<div class="charts">{charts}</div>{page[end:]}'))
    boxes = [each.get_bounds() for sheet in document for each in sheet.get_objects() if each.type == 2]
    sizes = sorted((right - left, top - bottom) for left, bottom, right, top in boxes)
    document.close()
    assert [round(width / height, 2) for width, height in sizes] == [0.08, 2.0, 2.0]
    assert TALLEST - 1 < sizes[0][1] < TALLEST + 1 and sizes[1][0] < 300 < sizes[2][0]


def test_what_is_no_page_of_ours_and_what_typst_warns_of_is_an_error() -> None:
    with pytest.raises(ReportError, match="no report of Overread"):
        pdf_of("<html><body><h1>x</h1></body></html>")
    page = fill_template("frame.html", made=datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(ReportError, match="cannot be set as PDF"):
        pdf_of(page)  # without a title


def test_a_short_table_stays_whole_and_no_page_ends_with_a_head_or_with_the_heading_of_rows(
    page: str,
) -> None:
    def table(name: str, rows: int) -> str:
        each = [f"<tr><th scope='row'>row-{name}-{row}</th><td>x</td></tr>" for row in range(rows)]
        groups = (
            f"<tbody><tr><th colspan='2'>group-{name}-{at}</th></tr>{''.join(each[at : at + 5])}</tbody>"
            for at in range(0, rows, 5)
        )
        head = f"<thead><tr><th>head-{name}</th><th>b</th></tr></thead>"
        return f"<h2>over {name}</h2><table><caption>of {name}</caption>{head}{''.join(groups)}</table>"

    tables = [(f"{at}s", 8) if at % 3 else (f"{at}l", 95) for at in range(15)]
    told = "".join(f"{'<p>filler</p>' * (3 + 5 * at % 17)}{table(*one)}" for at, one in enumerate(tables))
    start, end = page.index("<main>"), page.index("</main>")
    document = pypdfium2.PdfDocument(pdf_of(page[: start + len("<main>")] + told + page[end:]))
    lines = [sheet.get_textpage().get_text_bounded().split("\r\n") for sheet in document]
    document.close()
    shown = [[line for line in each if line.strip()] for each in lines]
    for name, rows in tables:
        on = [sum(f"row-{name}-" in line for line in each) for each in shown]
        filled = [count for count in on if count]
        assert sum(filled) == rows
        assert len(filled) == 1 if rows < 20 else filled[0] >= 2
        over = next(at for at, each in enumerate(shown) if f"over {name}" in each)
        assert on[over], "its heading stands on the page where it begins"
    ends = [each[-2] for each in shown]  # the last line is the foot
    assert len(ends) > 10 and not [line for line in ends if re.match("group-|head-|over |of ", line)]
