"""Adding a thing is done in one place, and reaches the person at the screen from there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import gradio as gr
import pytest
from torch import Tensor

from engine.models.classifier import Classifier
from engine.reading.store import open_store
from engine.records import Review, Run, Verdict
from engine.report.exports.files import EXPORTS, Export, Shown
from engine.saliency.method_record import Method
from engine.saliency.methods import SALIENCIES
from engine.workspace import Workspace
from gui.cli.main import main
from gui.pages.report.page import build
from gui.pages.report.taking import export
from gui.web.session import AppSession
from tests.gui.conftest import Room

ROOT = Path(__file__).parents[2]

# -------------------------------------------------------------------------------------------- a saliency method


def test_a_saliency_method_is_one_entry_and_reaches_the_command_line(
    trained: tuple[Workspace, Run],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = []

    def toy(classifier: Classifier, images: Tensor, targets: Tensor, features: Tensor | None) -> Tensor:
        asked.append(len(images))
        return images.mean(dim=1)

    monkeypatch.setitem(SALIENCIES, "toy-map", Method(maps=toy))
    monkeypatch.setenv("OVERREAD_WORKSPACE", str(trained[0].root))
    assert main(["explain", "--help"]) == 0
    assert "toy-map" in capsys.readouterr().out
    assert main(["explain", "latest", "--out", str(tmp_path), "--method", "toy-map"]) == 0
    assert sum(asked) == len(list(tmp_path.glob("*.png"))) > 0
    assert main(["explain", "latest", "--out", str(tmp_path), "--method", "toymap"]) == 2
    assert "toy-map" in capsys.readouterr().err


# ---------------------------------------------------------------------------------------------- an export format


def test_a_format_of_the_report_is_one_entry_and_reaches_command_and_page(
    trained: tuple[Workspace, Run],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def toy(shown: Shown) -> dict[str, bytes | str]:
        return {"toy.txt": f"{len(shown.report.cases)} cases", "other.txt": "as well"}

    monkeypatch.setitem(EXPORTS, "toy", Export("as a toy", toy))
    monkeypatch.setenv("OVERREAD_WORKSPACE", str(trained[0].root))
    assert main(["report", "latest", "--out", str(tmp_path / "only"), "--format", "toy", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {"schema_version", "run_id", "toy"} and set(told["toy"]) == {"toy", "other"}
    assert Path(told["toy"]["toy"]).read_text().endswith(" cases")
    assert {path.name for path in (tmp_path / "only").iterdir()} == {"toy.txt", "other.txt"}
    assert main(["report", "latest", "--out", str(tmp_path / "all")]) == 0  # without --format: every one
    assert {"report.html", "report.json", "cases.csv", "toy.txt"} <= {
        path.name for path in (tmp_path / "all").iterdir()
    }
    assert main(["report", "latest", "--out", str(tmp_path), "--format", "odt"]) == 1
    assert f"{', '.join(EXPORTS)}." in capsys.readouterr().err

    session = AppSession(workspace=trained[0], store=open_store(trained[0].database), reader="anna")
    with zipfile.ZipFile(export(session, "toy", trained[1].run_id, "test")) as packed:
        assert sorted(packed.namelist()) == ["other.txt", "toy.txt"]
    with gr.Blocks() as page:
        build(session)
    assert "Download as a toy" in {
        block.value for block in page.blocks.values() if isinstance(block, gr.Button)
    }
    session.store.close()


# ------------------------------------------------------------------------------------------ a column of a reading

# file: (what stands there, what stands there afterwards)
A_COLUMN = {
    "engine/records/readings.py": (
        "    review_id: int | None = None\n",
        "    review_id: int | None = None\n"
        '    sure_of_it: int | None = field(default=None, metadata={"least": 1, "most": 5})\n',
    ),
    "engine/reading/migrations/schema.py": (
        '    Column("drawn", String, nullable=False),\n',
        '    Column("drawn", String, nullable=False),\n    Column("sure_of_it", Integer),\n',
    ),
    "engine/reading/migrations/__init__.py": (
        "\nNEWEST =",
        """
def toy(connection):
    connection.execute(text("ALTER TABLE answers ADD COLUMN sure_of_it INTEGER"))
MIGRATIONS[max(MIGRATIONS) + 1] = toy
NEWEST =""",
    ),
    "gui/pages/review/viewer/verdict.html": (
        "<textarea",
        '<input type="number" data-field="sure_of_it" aria-label="Sure of it"><textarea',
    ),
}

A_SITTING = """
import json, sys
from pathlib import Path
from engine.report.build import build_report
from engine.report.exports.numbers import render_json
from engine.report.exports.tables import tables_of
from engine.workspace import open_workspace
from gui.pages.review import decide, open_reading
from gui.pages.review.reading_session import Desk
from gui.pages.review.viewer.viewer import verdict_markup
from gui.web.error_messages import answered
from gui.web.session import open_session
from tests.gui.conftest import make_run

session = open_session(open_workspace(Path(sys.argv[1])))
desk = Desk(session)
told = open_reading(desk, {"reader": "ben", "queue": "all"})
said = {"reading": told["reading"], "shown": told["case"]["id"], "verdict": "unsure"}
refused = answered(decide)(desk, said | {"sure_of_it": "6"})
decide(desk, said | {"sure_of_it": "4"})
again = open_reading(desk, {"reader": "ben", "queue": "all", "case": said["shown"]})
run = make_run(session.workspace)
reviews = session.store.reviews(run.run_id)
report = build_report(run, session.store.predictions(run.run_id), history=(), reviews=reviews)
cases = json.loads(render_json(report))["cases"]
print(json.dumps({
    "stored": {review.reader: review.sure_of_it for review in reviews},
    "on the screen again": again["case"]["before"]["answers"]["sure_of_it"],
    "refused": refused["problem"],
    "control": verdict_markup(),
    "tampered with": len(session.store.audit().found),
    "tables": {row["reader"]: row["sure of it"] for row in tables_of(report)["cases"] if row["reader"]},
    "JSON": {review["reader"]: review["sure_of_it"] for case in cases for review in case["reviews"]},
}))
"""


def test_a_column_of_a_reading_is_a_field_a_migration_and_a_control(room: Room, tmp_path: Path) -> None:
    assert len(A_COLUMN) <= 5
    case = room.predictions[0]
    written_before = Review(
        run_id=room.run.run_id, image_id=case.image_id, reader="anna", verdict=Verdict.UNSURE, label=None
    )
    room.session.store.add_review(written_before)  # by the program as it is, into a workspace as it is
    program = tmp_path / "program"
    for package in ("engine", "gui", "tests"):
        shutil.copytree(ROOT / package, program / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file, (before, after) in A_COLUMN.items():
        text = (program / file).read_text(encoding="utf-8")
        assert text.count(before) == 1
        (program / file).write_text(text.replace(before, after), encoding="utf-8")

    sitting = subprocess.run(
        [sys.executable, "-c", A_SITTING, str(room.session.workspace.root)],
        cwd=program,
        env={**os.environ, "PYTHONPATH": str(program)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert sitting.returncode == 0, sitting.stderr
    told = json.loads(sitting.stdout)
    assert told["stored"] == told["JSON"] == {"anna": None, "ben": 4}
    assert told["tables"] == {"anna": None, "ben": 4}
    assert told["on the screen again"] == 4 and told["tampered with"] == 0
    assert told["refused"] == "The sure of it cannot be 6. Answer from 1 to 5."
    assert 'data-field="sure_of_it" min="1" max="5"' in told["control"]
    assert 'data-field="comment" maxlength="10000"' in told["control"]
