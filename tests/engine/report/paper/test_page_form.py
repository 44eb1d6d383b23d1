"""Promises of the page's form, in a real Chromium: on a telephone, on paper, in the dark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from playwright.sync_api import Page

from tests.engine.report.paper.test_pdf import a_page, squeezed

pytestmark = pytest.mark.browser

WIDE = (
    "<section><table><thead><tr><th>group</th>{}</tr></thead><tbody><tr><th scope='row'>everybody</th>{}</tr></tbody>"
    "</table></section>"
)


@pytest.fixture(scope="module")
def opened(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    tables = "".join(
        WIDE.format(
            "".join(f'<th class="n">sensitivity {at} (95% interval)</th>' for at in range(columns)),
            "".join(
                f'<td class="n">.{columns}{at:02d} (.901–.{columns}{at:02d})</td>' for at in range(columns)
            ),
        )
        for columns in (4, 6, 8, 12, 16)
    )
    beside = '<span class="why"><bdi>.783–.910; 120 images of 60 patients, worth 108</bdi></span>'
    cells = "".join(f'<td class="n"><bdi>.{at}</bdi><br>{beside}</td>' for at in range(801, 807))
    row = f"<tr><td>{'words ' * 40}</td>{cells}</tr>"
    tables += f'<div class="wide"><table class="printed"><tbody>{row}</tbody></table></div>'
    long = "Pneumonia_right_lower_lobe_with_air_bronchograms_and_small_effusion_seen_by_CT"
    for columns in (3, 8, 12):  # of a class that is called so
        titles = "".join(f'<th scope="col" class="n">{long}</th>' for at in range(columns))
        row = f'<th scope="row">{long}</th>' + '<td class="n"><bdi>12</bdi></td>' * columns
        tables += (
            f'<div class="wide"><table class="printed"><thead><tr><td></td>{titles}</tr></thead>'
            f"<tbody><tr>{row}</tr></tbody></table></div>"
        )
    tables += f'<div class="charts"><figure><figcaption>{long}</figcaption></figure></div>'
    page = a_page(comment="x" * 300).replace("</main>", f"{tables}</main>")
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(page, encoding="utf-8")
    window = browser.new_page()
    window.goto(file.as_uri())
    yield window
    window.close()


def test_at_390_pixels_only_tables_scroll_and_each_by_itself(opened: Page) -> None:
    opened.set_viewport_size({"width": 390, "height": 844})
    assert opened.evaluate("document.documentElement.scrollWidth") == 390
    cut = """() => [...document.querySelectorAll('main *')].filter(each => !each.closest('table, svg')
        && each.getBoundingClientRect().right > 390.5).map(each => each.outerHTML.slice(0, 90))"""
    assert opened.evaluate(cut) == []


def test_on_a4_no_column_is_cut(opened: Page, tmp_path: Path) -> None:
    opened.pdf(path=tmp_path / "print.pdf", prefer_css_page_size=True)
    document = pypdfium2.PdfDocument(tmp_path / "print.pdf")
    ends = [each.get_bounds()[2] for page in document for each in page.get_objects() if each.type == 1]
    text = squeezed("".join(page.get_textpage().get_text_bounded() for page in document))
    assert document[0].get_size()[0] == pytest.approx(595, abs=1) and len(ends) > 500
    assert max(ends) < 595 - 14 / 25.4 * 72 + 2
    whole = (4, 6, 8, 12)  # a number of sixteen columns goes on in the next line
    assert [columns for columns in whole if f".{columns}{columns - 1:02d}" not in text] == []
    document.close()
    opened.emulate_media(media="print")
    opened.set_viewport_size({"width": 688, "height": 900})  # A4 between its margins
    over = "() => [...document.querySelectorAll('.wide')].map(each => each.scrollWidth - each.clientWidth)"
    assert max(opened.evaluate(over)) <= 1  # where a table scrolls on a screen, paper would cut it
    opened.emulate_media(media="screen")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_word_stands_out_from_its_ground(opened: Page, scheme: str) -> None:
    opened.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    shown = opened.evaluate(
        """() => [...document.querySelectorAll('body *')].filter(each => !each.closest('svg, .pictures')
            && [...each.childNodes].some(node => node.nodeType === 3 && node.textContent.trim())).map(each => {
                let ground = each;
                while (getComputedStyle(ground).backgroundColor === 'rgba(0, 0, 0, 0)' && ground.parentElement)
                    ground = ground.parentElement;
                return [getComputedStyle(each).color, getComputedStyle(ground).backgroundColor, each.tagName];
            })"""
    )
    pairs = {(ink, ground): tag for ink, ground, tag in shown}
    assert len(pairs) >= 4
    for (ink, ground), tag in pairs.items():
        light, dark = sorted((_luminance(ink), _luminance(ground)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (scheme, tag, ink, ground)  # WCAG 2.2, 1.4.3
    is_dark = _luminance(opened.evaluate("getComputedStyle(document.body).backgroundColor")) < 0.05
    assert is_dark == (scheme == "dark")


def _luminance(colour: str) -> float:
    """Return the relative luminance of an sRGB colour (WCAG 2.2)."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
