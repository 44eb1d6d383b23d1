"""What a page of every kind of element becomes for Typst and for Word: kept as text, look by look and cell by cell."""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from engine.language import speaking
from engine.report.paper.pdf import _Told
from engine.report.paper.reading import read_page
from engine.report.paper.word import word_of
from tests.snapshots import hold_against

FOLDER = Path(__file__).parent / "snapshots"
LONG = "0123456789abcdef" * 4


def _film() -> str:
    stream = io.BytesIO()
    Image.new("L", (8, 6), 90).save(stream, "PNG")
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()


BODY = f"""
<h1>A report of <b>everything</b></h1>
<nav><a href="#one">One</a></nav>
<p id="top" class="small">Made <b>strong</b>, <span class="soft">soft</span>, x<sup>2</sup> and H<sub>2</sub>O,
  <a href="#one">led on</a>, <a href="https://example.org/a">led out</a>, <a href="#nowhere">led nowhere</a>,
  <span lang="fa">کدورت</span>,<br>a <bdi>name תקין</bdi> and <span dir="ltr">left</span> and
  <span dir="rtl">ימין</span>.</p>
<p class="caution">Beware.</p> <p hidden>Unseen.</p> loose letters <em>between</em>
<h2 id="one">One</h2>
<div><h4>Three below one</h4><p class="written">typed
line by line</p></div>
<ul><li>first<ol><li>inner</li><li></li></ol></li><li><p>second</p><p>goes on</p></li></ul><ol></ol>
<dl><dt>Predicted</dt><dd>opacity</dd><dt>Said</dt><dd></dd><dd>twice</dd></dl>
<pre>
kept	as  it
 stands
</pre>
<details><summary>A summary</summary><p>and its text <img alt="a sign" src=""></p></details>
<div class="scale" aria-label="A scale"><i style="background: linear-gradient(rgb(0 0 0 / 1), rgb(255 0 0 / 0.5))"></i>
  <div class="ticks"><span>0</span><span>1</span></div> of what it is</div>
<h2>Tables</h2>
<table id="t1"><caption><strong>Table 2.1.</strong> Said <sub>low</sub> of it</caption>
  <thead><tr><th rowspan="2">group</th><th colspan="2">both</th></tr><tr><th>n</th><th class="n">share</th></tr></thead>
  <tbody><tr id="r1"><th scope="row">all</th><td class="n">1,234</td><td class="n">.912 (.901–.934)</td></tr>
  <tr><th scope="row" rowspan="2">some, and a longer name</th><td class="n">∞</td><td>a sentence {LONG}</td></tr>
  <tr><td colspan="2">over two</td></tr><tr></tr></tbody></table>
<table><caption>A table without a number</caption><tr><td>{"a long cell " * 40}</td><td>short</td></tr></table>
<table><caption><strong>Table 3.</strong> Wide</caption><thead><tr><th>group</th>
  {"".join(f"<th>sensitivity {at}</th>" for at in range(14))}</tr></thead><tbody><tr><td>all</td>
  {"".join(f'<td class="n">.{at:03d} (.901–.934)</td>' for at in range(14))}</tr></tbody></table>
<table><thead><tr><th>a</th></tr><tr><th>b</th></tr><tr><th>c</th></tr><tr><th>d</th></tr></thead>
  <tbody><tr><td>deep head</td></tr></tbody></table><table></table>
<table><tbody id="body"><tr><td>with <img alt="a film inside" src=""></td><td><svg aria-label="a curve inside"></svg>
  {"x" * 30}</td><td class="n">a number, of a sentence</td><td rowspan="0" colspan="">odd</td></tr></tbody></table>
{"".join(f"<table><tr>{'<td>sensitivity</td>' * columns}</tr></table>" for columns in (9, 10, 11, 12))}
<h2>Pictures</h2>
<figure><svg width="100pt" aria-label=" A  curve "><path stroke="var(--ink, red)" fill="var(--none, blue)"/></svg>
  <figcaption>Figure 1. A <b>curve</b>.</figcaption></figure>
<figure><svg viewBox="0 0 400 300"><title>By its title</title><text>a&nbsp;b</text></svg></figure>
<svg width="2in"><rect fill="var(--none)"/></svg><svg width="40px"></svg><svg width="50%"></svg>
<figure><img alt="a film" src="{_film()}"><p>beside</p></figure>
<ul class="gallery"><li><img alt="a film" src="{_film()}"><p>card</p></li><li></li></ul>
<div class="charts"><figure><svg width="10" aria-label="small"></svg></figure><section><p>in a grid</p></section></div>
<img alt="broken" src="data:image/png;base64,AAAA"><img alt="" src="{_film()}">
<h2>Nothing below</h2>
"""
PAGE = (
    '<!doctype html><html lang="en"{turned}><head><title> A \n title </title>'
    '<meta name="created" content="2026-03-01T09:30:00+00:00">'
    "<style>:root {{ --ink: #111; }} .dark {{ --ink: #eee; }}</style></head><body>{body}</body></html>"
)
PAGES = {
    "a page": PAGE.format(turned="", body=BODY),
    "a page from right to left": PAGE.replace('"en"', '"fa"').format(
        turned=' dir="rtl"',
        body="<h1>גּ report</h1><p>کدورت of <bdi>net v1.2</bdi> <b>سلام</b> \u20661.5\u2069</p>"
        "<table><caption><strong>جدول ۲.۱.</strong> Said</caption><tr><th>الف</th><td class='n'>.5</td></tr></table>"
        "<div class='scale'><div class='ticks'><span>0</span><span>1</span></div>x</div>",
    ),
}


def _told(what: Any, depth: int = 0) -> Iterator[str]:
    """Give data as lines: what holds nothing is left out, lists of spans, rows and blocks follow."""
    names = what.items() if isinstance(what, dict) else enumerate(what, 1)
    held = {name: value for name, value in names if value not in ("", [], (), {}) and value is not False}
    large = {name: value for name, value in held.items() if _is_large(value)}
    flat = json.dumps({name: value for name, value in held.items() if name not in large}, ensure_ascii=False)
    if flat != "{}":
        flat = re.sub("[\u200b-\u200f\u2066-\u2069]", lambda found: f"\\u{ord(found[0]):04x}", flat)
        yield " " * depth + flat
    for name, value in large.items():
        yield f"{' ' * depth}{name}"
        yield from _told(value, depth + 1)


def _is_large(value: Any) -> bool:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return isinstance(value, dict) or any(isinstance(each, dict | list | tuple) for each in inside)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_told_to_typst_as_it_was(name: str, tmp_path: Path) -> None:
    document = read_page(PAGES[name])
    with speaking(document.language):
        told = _Told(document, tmp_path).all()
    pictures = {path.name: Image.open(path).size for path in sorted(tmp_path.iterdir())}
    hold_against(FOLDER / f"{name} for Typst.txt", _told(told | {"pictures": pictures}))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_written_for_word_as_it_was(name: str) -> None:
    with zipfile.ZipFile(io.BytesIO(word_of(PAGES[name]))) as packed:
        body, about, styles = (
            re.sub(r' xmlns:\w+="[^"]*"', "", packed.read(part).decode())
            for part in ("word/document.xml", "docProps/core.xml", "word/styles.xml")
        )
        assert not [part for part in packed.namelist() if "thumbnail" in part]
    normal = re.search(r'<w:style [^>]*w:styleId="Normal">.*?</w:style>', styles, flags=re.DOTALL)
    assert normal is not None
    text = "\n".join((about, re.sub(r"\s+", " ", normal[0]), body))
    hold_against(
        FOLDER / f"{name} for Word.txt",
        re.sub(r"(?<=>)(?=<w:(p|r|tr|tc|tbl|sectPr)[ >])", "\n", text).splitlines(),
    )
