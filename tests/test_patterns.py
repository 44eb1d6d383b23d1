"""What somebody else wrote never keeps the program busy for ever: no pattern tries all ways to share a text out."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from dlint.redos import detect

ROOT = Path(__file__).parents[1]
ASKED = {"compile", "findall", "finditer", "fullmatch", "match", "search", "split", "sub", "subn"}


def patterns() -> Iterator[tuple[str, str]]:
    """Where a pattern stands, and the pattern; what is put into one is taken for a word."""
    for path in sorted(each for folder in ("engine", "gui") for each in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "re"
                and node.func.attr in ASKED
                and (pattern := _written(node.args[0])) is not None
            ):
                yield f"{path.relative_to(ROOT)}:{node.lineno}", pattern


def _written(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant):
        return node.value.decode("latin-1") if isinstance(node.value, bytes) else str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else "(?:word)" for part in node.values
        )
    return None


def test_no_pattern_takes_twice_as_long_for_each_letter_more() -> None:
    found = [*patterns()]
    assert len(found) > 100
    assert not [where for where, pattern in found if detect.catastrophic(pattern)]


@pytest.mark.parametrize("pattern", [r"\A(<\?xml.*?|<!--.*?-->\s*)*<svg", r"P[1-6]\s+(#[^\n]*\s+)*\d+"])
def test_what_is_asked_here_knows_such_a_pattern(pattern: str) -> None:
    assert detect.catastrophic(pattern)
