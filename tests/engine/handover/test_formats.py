"""Promises of what is handed over: all files or none, in the formats of one dictionary, on the page as by command."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import gradio as gr
import pytest
from safetensors import safe_open

from engine.errors import ExportError, ReportError
from engine.handover.formats import MODEL_FORMATS, ModelFormat, RunAtHand
from engine.models.classifier import build_classifier
from engine.pipeline import export_model
from engine.reading.store import Store, open_store
from engine.recipes.recipe import recipe_from_json
from engine.records import Run
from engine.workspace import Workspace, open_workspace
from gui.cli.main import main
from gui.pages.report.page import build, hand_over
from gui.web.session import AppSession


def test_safetensors_hold_the_weights_and_all_that_builds_the_model_again(
    trained: tuple[Workspace, Run], tmp_path: Path
) -> None:
    workspace, run = trained
    with open_store(workspace.database) as store:
        ((path,),) = export_model(workspace, store, run, tmp_path, formats=["safetensors"]).values()
    with safe_open(path, framework="pt") as file:
        facts = file.metadata()
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  not a dict
    recipe = recipe_from_json(facts["recipe_json"])
    assert recipe == run.recipe and json.loads(facts["classes"]) == list(run.classes)
    build_classifier(recipe, len(run.classes)).load_state_dict(state)


def test_a_format_is_one_entry_and_reaches_command_and_page(
    trained: tuple[Workspace, Run],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def toy(at_hand: RunAtHand) -> dict[str, bytes | str]:
        return {"toy.txt": at_hand.run.run_id, "other.txt": f"{len(at_hand.report().cases)} cases"}

    monkeypatch.setitem(MODEL_FORMATS, "toy", ModelFormat("as a toy", toy))
    monkeypatch.setenv("OVERREAD_WORKSPACE", str(trained[0].root))
    assert main(["export", "latest", "--format", "toy", "--out", str(tmp_path / "out"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [Path(path).name for path in told["toy"]] == ["toy.txt", "other.txt"]
    assert Path(told["toy"][1]).read_text().endswith(" cases")
    assert main(["export", "latest", "--format", "tflite", "--out", str(tmp_path / "no")]) == 1
    assert "onnx, safetensors, card, toy" in capsys.readouterr().err
    assert not (tmp_path / "no").exists()

    session = AppSession(workspace=trained[0], store=open_store(trained[0].database), reader="anna")
    with zipfile.ZipFile(hand_over(session, "toy", trained[1].run_id, "val")) as packed:
        assert sorted(packed.namelist()) == ["other.txt", "toy.txt"]
    one = Path(hand_over(session, "safetensors", trained[1].run_id, "test"))
    assert one.name == f"overread-{trained[1].run_id}-safetensors.safetensors"
    with pytest.raises(ReportError, match="no finished run"):
        hand_over(session, "card", None, "test")
    with gr.Blocks() as page:
        build(session)
    shown = {block.value for block in page.blocks.values() if isinstance(block, gr.Button)}
    assert {f"Download {each.title}" for each in MODEL_FORMATS.values()} <= shown
    session.store.close()


def test_without_test_predictions_there_is_no_card_and_no_other_file(
    trained: tuple[Workspace, Run], tmp_path: Path
) -> None:
    empty = open_workspace(tmp_path / "empty")
    with open_store(empty.database) as store, pytest.raises(ReportError):
        export_model(empty, store, trained[1], tmp_path / "out", formats=["safetensors", "card"])
    assert not (tmp_path / "out").exists()


def test_all_formats_are_written_unless_some_are_named(
    trained: tuple[Workspace, Run], tmp_path: Path
) -> None:
    workspace, run = trained

    def written(store: Store, *formats: str) -> set[str]:
        folder = tmp_path / "-".join(("out", *formats))
        export_model(workspace, store, run, folder, formats=formats)
        return {path.name for path in folder.iterdir()}

    with open_store(workspace.database) as store:
        assert written(store) == {"model.onnx", "model.safetensors", "model-card.md", "model-card.json"}
        assert written(store, "onnx", "onnx") == {"model.onnx"}
        with pytest.raises(ExportError):
            written(store, "onnx", "nothing")
