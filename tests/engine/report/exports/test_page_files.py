"""Promises of a page as files: what was asked for is written, together, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.errors import WorkspaceError
from engine.report.exports.page_files import write_page

DOCUMENT = {"name": "Größe", "numbers": {"a": 1}}


@pytest.mark.parametrize("schema", [None, {"type": "object", "title": "肺"}])
def test_a_page_is_written_with_its_numbers_and_what_describes_them(
    tmp_path: Path, schema: dict[str, str] | None
) -> None:
    folder = tmp_path / "made" / "here"
    lines = [{"a": 1, "b": "=1+1"}]
    written = write_page(
        folder, "page", page="<html>é</html>", lines=lines, document=DOCUMENT, schema=schema, paper=False
    )
    assert (
        written.html == folder / "page.html" and written.html.read_text(encoding="utf-8") == "<html>é</html>"
    )
    kinds = {"html", "csv", "json", *(("schema",) if schema else ())}
    assert set(written.files) == kinds and set(folder.iterdir()) == set(written.files.values())
    told = written.files["json"].read_text(encoding="utf-8")
    assert "Größe" in told and told.startswith('{\n "') and told.endswith("}\n")
    assert json.loads(told).items() >= DOCUMENT.items() and "schema_version" in json.loads(told)
    assert written.files["csv"].read_text(encoding="utf-8-sig").splitlines() == ["a,b", "1,'=1+1"]
    if schema:
        described = written.files["schema"].read_text(encoding="utf-8")
        assert json.loads(described) == schema and "肺" in described and described.endswith("}\n")
        assert written.files["schema"].name == "page.schema.json"


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(WorkspaceError):
        write_page(tmp_path / "file" / "in", "page", page="", lines=(), document={}, paper=False)
