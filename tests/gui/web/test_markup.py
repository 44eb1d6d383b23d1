"""Promises of the pieces of HTML: whatever a name says it stays text, and no page writes HTML of its own."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from engine.errors import DataError, RunError
from engine.language import languages, speaking
from gui.web import markup
from gui.web.curves import drawn
from gui.web.markup import Picture

GUI = Path(__file__).parents[3] / "gui"
HOSTILE = st.lists(
    st.sampled_from(["<script>", "</p>", '"', "'", "&", " onerror=", "{{x}}", "{%", "${x}", "a", "\n"]),
    max_size=8,
).map("".join)
PIECES: dict[str, Callable[[str], str]] = {
    "picture": lambda text: markup.pictures([Picture(source="/a", caption=f"a\n{text}", about="/b")]),
    "alternative": lambda text: markup.pictures([Picture(source="/a", caption=text, about="/b")]),
    "source": lambda text: markup.pictures([Picture(source=f"/{text}", caption="a", overlay=f"/{text}")]),
    "tone": lambda text: markup.pictures([Picture(source="/a", caption="a", tone=text)]),
    "about": lambda text: markup.pictures([Picture(source="", caption="a", about=f"/{text}")]),
    "bars": lambda text: markup.bars({text: {"train": 3, "val": 0}}),
    "figures": lambda text: markup.figures([(text, text)]),
    "note": lambda text: markup.note(text, tone=text, more=[text], inner=text),
    "progress": lambda text: markup.progress(0.5, text),
    "table": lambda text: markup.table(["a", text], [[text, "1"]]),
    "heading": lambda text: markup.heading(text, f"{text}."),
    "box": lambda text: markup.box("side", [text, markup.remark(text)]),
    "files": lambda text: markup.files(text, [text, "b", "c"], listed=2),
    "one file": lambda text: markup.files(text, [text], listed=2),
    "joined": lambda text: markup.joined([text, markup.remark(text)]),
    "beside a piece": lambda text: markup.remark("a") + text,
}


class Reader(HTMLParser):
    """Collects the tags with the names of their attributes, and the text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, ...]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, *(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def read(piece: str) -> Reader:
    reader = Reader()
    reader.feed(piece)
    reader.close()
    return reader


@pytest.mark.parametrize("name", PIECES)
@given(text=HOSTILE.filter(str.strip))
def test_no_text_ever_becomes_a_tag_or_an_attribute(name: str, text: str) -> None:
    make = PIECES[name]
    lines = len(text.splitlines())
    plain = make("\n".join(["a"] * lines))  # as many lines, with nothing in them that HTML knows
    assert read(make(text)).tags == read(plain).tags


def test_what_a_person_wrote_is_shown_as_written() -> None:
    name = """<b>"Müller" & 'Söhne'</b> {{ 7 * 7 }}"""
    for piece in (
        markup.note(name),
        markup.remark(name),
        markup.figures([(name, "")]),
        markup.table([], [[name]]),
    ):
        assert read(piece).text == name


SENTENCES: dict[str, Callable[[str], str]] = {
    "note": markup.note,
    "line of a note": lambda text: markup.note("", more=[text]),
    "remark": markup.remark,
    "cell": lambda text: markup.table([], [[text]]),
    "heading": markup.heading,
    "beside a heading": lambda text: markup.heading("", text),
    "caption": lambda text: markup.pictures([Picture(source="", caption=f"\n{text}")]),
    "folded": lambda text: markup.folded(text, ()),
    "files": lambda text: markup.files(text, (), listed=1),
}


@pytest.mark.parametrize("name", SENTENCES)
def test_a_name_from_right_to_left_turns_no_number_of_an_english_sentence(name: str) -> None:
    said = "Images by class: سالم 10, ذات‌الریه 5 (train)"
    assert ": \u2068سالم\u2069 10, \u2068ذات‌الریه\u2069 5 (train)" in read(SENTENCES[name](said)).text
    with speaking("fa"):
        assert said in read(SENTENCES[name](said)).text  # its sentences isolate their names themselves


def test_pieces_are_put_into_pieces_as_they_are() -> None:
    inner = markup.progress(0.25, "a quarter")
    assert inner in markup.note("Training.", inner=inner)
    assert markup.joined([inner, inner]) == inner + inner
    assert 'aria-valuenow="25"' in inner and "width:25.0%" in inner


def test_a_list_of_files_says_how_many_are_not_named() -> None:
    shown = read(markup.files("Left out.", [f"{number}.png" for number in range(1500)], listed=100)).text
    assert (
        "1,500 files" in shown and "99.png" in shown and "100.png" not in shown and "and 1,400 more" in shown
    )


def test_no_page_writes_html_around_a_value() -> None:
    """An f-string with a tag in it is where escaping gets forgotten; pieces come from markup.py."""
    found = []
    for path in sorted(GUI.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                written = "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
                if re.search(r"</?[a-zA-Z]", written):
                    found.append(f"{path.relative_to(GUI)}:{node.lineno}")
    assert not found


def test_the_axes_of_curves_have_the_digits_of_the_language() -> None:
    with speaking("fa"):
        told = drawn("loss", "epoch", {"training": [(1, 0.25), (12, 0.000025)]})
    ticks = [words for _place, words in told.x_ticks + told.y_ticks]
    assert {"۱۰", "۰٫۲"} <= {*ticks} and not re.search("[0-9]", "".join(ticks))


@pytest.mark.parametrize("classes", [3, 13])
def test_each_count_of_a_confusion_matrix_opens_its_cases_and_what_is_empty_opens_nothing(
    classes: int,
) -> None:
    confusion = [[0] * classes for _ in range(classes)]
    confusion[0][0], confusion[2][1] = 1, 5
    made = markup.cells("labels", "labels", [f"class {at}" for at in range(classes)], confusion)
    cells = re.findall(r'data-x="(\d+)" data-y="(\d+)" aria-label="([^"]+)"', made)
    assert cells == [
        ("0", "0", "Cases of class 0 predicted class 0: 1"),
        ("1", "2", "Cases of class 2 predicted class 1: 5"),
    ]
    assert made.count("<th scope") == (
        6 if classes == 3 else 2
    )  # a table as wide as a page, else a line for what is there


def test_what_is_wrong_with_some_of_several_things_is_said_in_the_language() -> None:
    damaged = RunError("The run a b has a recipe that cannot be used (x)", "Restore it from a backup")
    assert "Restore it from a backup" in markup.problems([damaged])
    lost = DataError("The model has no name", "Say whose predictions these are", option="--name")
    for code in languages()[1:]:
        with speaking(code):
            said = markup.problems([lost])
        assert not re.search("The model|Say|--name", said)


@pytest.mark.browser
@pytest.mark.parametrize("classes", [2, 12, 50])
@pytest.mark.parametrize("width", [390, 820, 1280])
def test_a_figure_of_many_classes_has_a_line_of_its_own(page: Any, classes: int, width: int) -> None:
    from engine.report.figures.confusion import confusion_matrix_svg

    names = [f"class {number}" for number in range(classes)]
    svg = confusion_matrix_svg(np.eye(classes, dtype=int), names)
    page.set_viewport_size({"width": width, "height": 720})
    page.set_content(
        f"{markup.STYLE}<body style='margin:0'>{markup.box('drawings', [markup.drawing(svg, 'x')] * 3)}"
    )
    boxes = [one.bounding_box() for one in page.locator("figure").all()]
    shown = page.locator("figure svg").first.bounding_box()
    assert all(box["x"] + box["width"] <= width for box in boxes)
    alone = len({box["x"] for box in boxes}) == 1
    assert alone if classes > 2 or width < 500 else not alone
    assert shown["width"] >= min(width - 12, 600 if classes > 2 else 200)
