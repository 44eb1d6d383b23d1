"""Promises of records: what is passed on is not changed on the way, and its fields are given by name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ENGINE = Path(__file__).parents[2] / "engine"
# They are put together piece by piece, or are what works, and stay where they were made; so is what begins with _.
WORKING = {"TrainingLoop", "BatchSource", "Survey", "Reading", "Notes", "Walk", "Progress", "Loaded"}
MOST_BY_PLACE = 7  # fields that may be given without their names


def records() -> Iterator[tuple[str, ast.ClassDef, dict[str, bool]]]:
    """Yield where each dataclass of the engine stands, the class and the options of its decorator."""
    for path in sorted(ENGINE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for decorator in node.decorator_list if isinstance(node, ast.ClassDef) else ():
                call = decorator if isinstance(decorator, ast.Call) else ast.Call(decorator, [], [])
                if isinstance(call.func, ast.Name) and call.func.id == "dataclass":
                    options = {k.arg: ast.literal_eval(k.value) for k in call.keywords}
                    yield f"{path.relative_to(ENGINE)}:{node.name}", node, options  # type: ignore[misc]


RECORDS = {name: (node, options) for name, node, options in records()}


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_is_frozen_and_one_of_many_fields_is_given_them_by_name(name: str) -> None:
    node, options = RECORDS[name]
    if node.name in WORKING or node.name.startswith("_"):
        return
    fields = [each for each in node.body if isinstance(each, ast.AnnAssign)]
    assert options.get("frozen", False)
    assert options.get("kw_only", False) or len(fields) <= MOST_BY_PLACE
