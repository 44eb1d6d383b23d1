"""Promises of a page in another language: what stayed English is marked, once, and nothing else is changed."""

from __future__ import annotations

import re

import pytest

from engine.language import speaking
from engine.report.exports.marked import english_marked
from engine.report.paper.directions import isolated


def marked(inner: str, language: str = "fa") -> str:
    with speaking(language):
        page = english_marked(f'<!DOCTYPE html><html lang="{language}"><body>{inner}</body></html>')
    return page.removeprefix(f'<!DOCTYPE html><html lang="{language}"><body>').removesuffix("</body></html>")


MARK = '<span lang="en" dir="ltr">{}</span>'


@pytest.mark.parametrize(
    ("inner", "shown"),
    [
        ("<p>A sentence.</p>", f"<p>{MARK.format('A sentence.')}</p>"),
        ("<p> · Seed: </p>", f"<p> · {MARK.format('Seed')}: </p>"),
        ("<p>a<br>b<img src=x>c</p>", f"<p>{MARK.format('a')}<br>{MARK.format('b')}<img src=x>{MARK.format('c')}</p>"),
        ("<p>کدورت</p>", "<p>کدورت</p>"), ("<p>12.5 (3–4)</p>", "<p>12.5 (3–4)</p>"),
        ("<p>&amp; 3</p>", "<p>&amp; 3</p>"),
        ("<p>کدورت in words</p>", "<p>کدورت in words</p>"),  # runs both ways: set apart where it was put in
        ("<p>\u2068کدورت\u2069 was seen</p>", "<p>" + MARK.format("\u2068کدورت\u2069 was seen") + "</p>"),
        ("<code>id</code><svg><text>a</text></svg>", "<code>id</code><svg><text>a</text></svg>"),
        ('<p lang="en">said <b>so</b></p>', '<p lang="en">said <b>so</b></p>'),
        ("<bdi>Ada</bdi> <i>x</i>", f"<bdi>Ada</bdi> <i>{MARK.format('x')}</i>"),
        ("<p>a<wbr/>b</p><p>c</p>", f"<p>{MARK.format('a')}<wbr/>{MARK.format('b')}</p><p>{MARK.format('c')}</p>"),
        ("<div><script>let a</script>b</div>", f"<div><script>let a</script>{MARK.format('b')}</div>"),
    ],
)  # fmt: skip
def test_english_on_a_page_that_runs_to_the_left_is_marked(inner: str, shown: str) -> None:
    assert marked(inner) == shown
    assert english_marked(inner) == inner, "a page in English stays as it is"
    assert re.sub(r'<span lang="en" dir="ltr">|</span>', "", marked(inner)) == inner


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("opacity 3", "opacity 3"), ("کدورت ۳", "کدورت ۳"), ("a study of کدورت", "\u2066a study of کدورت\u2069"),
        ("کدورت در ریه RUL", "کدورت در ریه RUL"),  # most of it runs as the page does
        ("the \u2068کدورت\u2069 here", "the \u2068کدورت\u2069 here"),  # a sentence of ours, whose name is apart
        ("a name \u2069\u2068کدورت", "\u2066a name کدورت\u2069"),  # which ends what it did not begin
        ("a name \u2068کدورت", "\u2066a name کدورت\u2069"), ("a \u202eb", "a b"),
    ],
)  # fmt: skip
def test_what_runs_both_ways_is_set_apart_on_a_page_that_runs_to_the_left(typed: str, shown: str) -> None:
    with speaking("fa"):
        assert isolated(typed) == shown
