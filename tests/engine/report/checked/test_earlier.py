"""Promises of checking a bundle that an earlier version wrote: what it wrote is held as ever, and no more is asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.report import Verification, verify
from engine.report.build import export_report
from tests.engine.report.exports.bundle.test_bundle import REPORTS, Files, files_in, packed
from tests.engine.report.test_build import FILM, HEAT

SINCE = ("images_in_an_epoch", "notes")
DOCUMENT, SCHEMA = "report.json", "report.schema.json"


def written(document: Any) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """A bundle as the version before wrote it, which had neither the table's notes nor some counts in its JSON."""
    report = REPORTS["two classes"]()
    out = export_report(
        report,
        tmp_path_factory.mktemp("bundle"),
        picture=lambda _: FILM,
        heatmap=lambda _: HEAT,
        formats=("bundle",),
    )
    made = files_in(out["bundle"]["bundle"])
    document, schema = json.loads(made[DOCUMENT]), json.loads(made[SCHEMA])
    for name in SINCE:
        del document[name], schema["properties"][name]
        schema["required"].remove(name)
    document["numbers"] = {
        name: entry
        for name, entry in document["numbers"].items()
        if not any(at.startswith(tuple(f"/{each}" for each in SINCE)) for at in entry["at"])
    }
    kept = document["numbers"]
    page = made["report.html"].decode()
    for name in json.loads(made[DOCUMENT])["numbers"].keys() - kept.keys():
        page = page.replace(f'id="{name}" data-number', "")
    return {**made, DOCUMENT: written(document), SCHEMA: written(schema), "report.html": page.encode()}


@pytest.fixture
def checked(files: Files, tmp_path: Path) -> Callable[..., Verification]:
    def check(name: str = "", change: Callable[[Any], None] = lambda _: None) -> Verification:
        given = dict(files)
        if name:
            document = json.loads(given[name])
            change(document)
            given[name] = written(document)
        return verify(packed(given, tmp_path / "bundle.zip"))

    return check


def test_what_an_earlier_version_did_not_write_is_not_missed_and_it_is_said(
    checked: Callable[..., Verification],
) -> None:
    found = checked()
    assert found.holds, found.differences[:3]
    assert found.earlier and found.agree[DOCUMENT] > 100


def test_a_number_that_was_changed_in_such_a_bundle_is_named(checked: Callable[..., Verification]) -> None:
    def change(document: Any) -> None:
        document["against"][0]["estimates"]["AUROC"]["value"] = 0.999

    found = checked(DOCUMENT, change)
    assert any("estimates.AUROC.value" in one.where for one in found.differences)


@pytest.mark.parametrize(
    "change",
    [
        lambda schema: schema["properties"].update(positive={"type": "integer"}),
        lambda schema: schema["properties"].update(invented={"type": "string"}),
        lambda schema: schema["required"].append("invented"),
        lambda schema: schema.update(title="another"),
    ],
)
def test_a_schema_that_says_anything_other_than_ours_is_no_earlier_one(
    checked: Callable[..., Verification], change: Callable[[Any], None]
) -> None:
    found = checked(SCHEMA, change)
    assert not found.earlier and any(one.where.startswith(SCHEMA) for one in found.differences)
