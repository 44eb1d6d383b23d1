"""The glossary holds: no screen, sentence, file or help text uses a word that docs/glossary.md rules out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GLOSSARY = ROOT / "docs" / "glossary.md"

# Where a ruled-out word is right, and why: (file, word) → reason.
ALLOWED = {
    ("engine/recipes/published/pneumonia.py", "film"): "these published systems were trained on radiographs",
    ("engine/recipes/published/pneumonia.py", "films"): "these published systems were trained on radiographs",
    ("engine/recipes/published/covid.py", "films"): "these published systems were trained on radiographs",
    ("engine/recipes/builtin.py", "films"): "the demonstration's images are chest films",
    ("gui/cli/demo.py", "films"): "the demonstration's images are chest films",
    ("engine/data/names.py", "film"): "a name that folders of images have, to be recognised",
    ("engine/data/names.py", "films"): "a name that folders of images have, to be recognised",
    ("engine/data/names.py", "machine"): "a name that folders have, to be recognised",
    ("engine/data/names.py", "partition"): "a name that folders of parts have, to be recognised",
    ("engine/data/sources/columns.py", "film"): "a name that columns of images have, to be recognised",
    ("engine/data/sources/columns.py", "partition"): "a name that columns of parts have, to be recognised",
    ("engine/data/saved.py", "two sides"): "what version 1 wrote",
    ("engine/data/split_choices.py", "division"): "what version 1 wrote",
    ("engine/data/split_choices.py", "anew"): "what version 1 wrote",
    ("engine/images/cache.py", "films"): "a folder of the cache",
    ("engine/images/pictures.py", "films"): "a folder of the cache",
    ("engine/reading/beside/same_patient.py", "film"): "a name that columns of dates have, to be recognised",
    ("engine/images/formats/dicom.py", "film"): "DICOM's word: a film that was scanned",
    ("gui/pages/review/viewer/film/film.js", "film"): "a name in the markup",
    ("gui/pages/review/viewer/viewer.py", "film"): "a folder of scripts",
    ("engine/storage.py", "nets"): "a folder of the cache",
    ("engine/models/openvino.py", "nets"): "a folder of the cache",
    ("engine/models/starting/layouts.py", "net"): "what checkpoints are wrapped in",
    ("engine/models/trainable.py", "net"): "a module's name in checkpoints",
    ("engine/report/figures/decisions.py", "net"): "net benefit, the field's word",
    ("engine/uncertainty/dropout.py", "net"): "a module's name in checkpoints",
    ("gui/sharing/deidentified_copy.py", "films"): "a folder of the copy that no guest sees",
}


def test_no_visible_string_uses_a_word_that_is_ruled_out() -> None:
    used = [
        f"{file}:{line}: “{word}” in {text!r}"
        for file, line, text in visible_strings(ROOT)
        for word in forbidden_in(text, ruled_out(GLOSSARY.read_text(encoding="utf-8")))
        if (file, word) not in ALLOWED
    ]
    assert not used, "\n".join(used)


def test_every_exception_is_still_needed() -> None:
    words = ruled_out(GLOSSARY.read_text(encoding="utf-8"))
    met = {(file, word) for file, _, text in visible_strings(ROOT) for word in forbidden_in(text, words)}
    assert set(ALLOWED) <= met


def test_the_glossary_has_both_tables_and_each_term_a_meaning() -> None:
    rows = list(table_rows(GLOSSARY.read_text(encoding="utf-8")))
    assert len([row for row in rows if len(row) == 3]) >= 20
    assert len([row for row in rows if len(row) == 2]) >= 10
    assert all(cell for row in rows for cell in row[:-1])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("gui/a.py", 'raise DataError("The films cannot be read", "Try again")'),
        ("gui/a.py", 'gr.Button(f"Read {count} Films")'),
        ("engine/a.py", 'MESSAGE = ("first half, " "then the films")'),
        ("gui/a.js", "toast('No films were found');"),
        ("gui/a.js", "toast(`All ${count} films were found`);"),
        ("gui/a.html", "<p>All {{ count }} films</p>"),
        ("gui/a.html", '<img title="All films" src="x">'),
        ("docs/command-line.md", "Reads films."),
    ],
)
def test_a_word_that_is_ruled_out_is_found_wherever_a_person_would_see_it(
    tmp_path: Path, name: str, content: str
) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_text(content, encoding="utf-8")
    met = [word for _, _, text in visible_strings(tmp_path) for word in forbidden_in(text, {"film", "films"})]
    assert met == ["films"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("gui/a.py", '"""Films in a docstring are for programmers."""\n# films\nfilms = load()'),
        ("gui/a.js", "const films = 1;  // films"),
        ("gui/a.html", "<p>All {{ films }}</p><!-- films -->"),
        ("gui/a.py", 'say("The filmstrip")'),
    ],
)
def test_what_nobody_sees_and_longer_words_are_left_alone(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_text(content, encoding="utf-8")
    assert not [
        word for _, _, text in visible_strings(tmp_path) for word in forbidden_in(text, {"film", "films"})
    ]


# ------------------------------------------------------------------------------------------------ the glossary


def table_rows(page: str) -> Iterator[list[str]]:
    """Yield the cells of each row of the tables, without headings and rules."""
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and cells[-1] != "Not" and not set(cells[0]) <= {"-"}:
            yield cells


def ruled_out(page: str) -> set[str]:
    """Return the words of the last columns."""
    return {word.strip() for row in table_rows(page) for word in row[-1].split(",") if word.strip()}


def forbidden_in(text: str, words: set[str]) -> list[str]:
    """Return which of the words a text has, as whole words in any case."""
    return [word for word in sorted(words) if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.I)]


# ------------------------------------------------------------------------------------------- what a person sees


def visible_strings(root: Path) -> Iterator[tuple[str, int, str]]:
    """Yield (file, line, text) of all that may reach a person: strings, pages and the command line's help."""
    for path in sorted(path for folder in ("gui", "engine") for path in (root / folder).rglob("*")):
        file = path.relative_to(root).as_posix()
        if file.startswith(
            "gui/site/"
        ):  # the documentation as it was built: its pages are read where they are written
            continue
        if path.suffix == ".py":
            found = strings_in_python(path.read_text(encoding="utf-8"))
        elif path.suffix == ".js":
            found = strings_in_script(path.read_text(encoding="utf-8"))
        elif path.suffix == ".html":
            found = words_in_page(path.read_text(encoding="utf-8"))
        else:
            continue
        for line, text in found:
            yield file, line, text
    generated = root / "docs" / "command-line.md"  # the help of every command
    if generated.exists():
        for line, text in enumerate(generated.read_text(encoding="utf-8").splitlines(), start=1):
            yield "docs/command-line.md", line, text


def strings_in_python(source: str) -> Iterator[tuple[int, str]]:
    """Yield string literals, joined where they are written in pieces; not docstrings."""
    tree = ast.parse(source)
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            skipped.add(id(node.value))  # a docstring
        if isinstance(node, ast.JoinedStr):
            skipped.update(id(part) for part in node.values)
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
        elif isinstance(node, ast.JoinedStr):
            parts = (str(p.value) if isinstance(p, ast.Constant) else " … " for p in node.values)
            yield node.lineno, "".join(parts)


def strings_in_script(source: str) -> Iterator[tuple[int, str]]:
    """Yield string literals; not comments."""
    code = re.sub(r"(?m)(^|\s)//.*$", "", source)
    for found in re.finditer(r"'((?:[^'\\\n]|\\.)*)'|\"((?:[^\"\\\n]|\\.)*)\"|`((?:[^`\\]|\\.)*)`", code):
        text = re.sub(r"\$\{[^}]*\}", " … ", next(group for group in found.groups() if group is not None))
        yield code.count("\n", 0, found.start()) + 1, text


def words_in_page(source: str) -> Iterator[tuple[int, str]]:
    """Yield text and the attributes that are shown or read aloud; not code, comments or template expressions."""
    page = re.sub(r"<!--.*?-->|<style.*?</style>|\{\{.*?\}\}|\{%.*?%\}", " … ", source, flags=re.S)
    for number, line in enumerate(page.splitlines(), start=1):
        shown = re.findall(r"\b(?:title|aria-label|alt|placeholder)=\"([^\"]*)\"", line)
        yield number, " · ".join([*shown, re.sub(r"<[^>]*>", " ", line)])
