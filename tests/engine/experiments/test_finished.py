"""Promises of comparing finished runs: case by case on what all predicted, whoever made the predictions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ReportError
from engine.experiments import compare_finished, write_comparison
from engine.labels import used
from engine.reading import Reader, Said, draft, open_store
from engine.records import Index, Run
from engine.runs import split_of
from engine.supplied import Claims, import_predictions
from engine.workspace import Workspace, open_workspace
from gui.cli.main import main


def vendor(workspace: Workspace, index: Index, folder: Path, *, right: bool = True) -> Run:
    """Import what a vendor says of every image: all right, or all wrong."""
    lines = [f"{one.image_id},{0.9 if (one.label == 'opacity') == right else 0.1}" for one in index.samples]
    table = folder / "vendor.csv"
    table.write_text("\n".join(["sha256,score", *lines]))
    with open_store(workspace.database) as store:
        return import_predictions(workspace, store, index, table, Claims(model="Vendor X")).run


@pytest.fixture
def walked(own_walk: tuple[Workspace, Run]) -> tuple[Workspace, Run]:
    return own_walk


def test_a_supplied_run_is_tested_against_one_of_ours_on_our_test_cases_alone(
    walked: tuple[Workspace, Run], tmp_path: Path
) -> None:
    from engine.data import load_index

    workspace, ours = walked
    theirs = vendor(workspace, load_index(workspace, ours.dataset_id), tmp_path)
    with open_store(workspace.database) as store:
        compared = compare_finished(store, [ours, theirs])
    tested = [one for one in split_of(ours).test if one.label is not None]
    assert compared.cases == len(tested)
    assert sum(compared.left_out.values()) == len(split_of(theirs).test) - len(tested)
    assert compared.rows[1].estimates["accuracy"].value == 1
    (contrast,) = compared.contrasts
    assert contrast.accuracy.difference.value == pytest.approx(
        1 - compared.rows[0].estimates["accuracy"].value
    )
    page = write_comparison(compared, tmp_path / "compared").html.read_text()
    assert "supplied" in page and "runs on the same images" in page
    assert "same training part" not in page


def test_runs_of_other_classes_or_without_a_common_case_are_refused(
    walked: tuple[Workspace, Run], tmp_path: Path
) -> None:
    from engine.data import load_index

    workspace, ours = walked
    index = load_index(workspace, ours.dataset_id)
    trained_on = {one.image_id for one in split_of(ours).train}
    only = replace(index, samples=tuple(one for one in index.samples if one.image_id in trained_on))
    theirs = vendor(workspace, only, tmp_path)
    with open_store(workspace.database) as store:
        with pytest.raises(ReportError, match="no labelled test case in common"):
            compare_finished(store, [ours, theirs])
        with pytest.raises(ReportError, match="One run alone"):
            compare_finished(store, [ours, ours])
        with pytest.raises(ReportError, match="different classes"):
            compare_finished(store, [replace(ours, run_id="other", classes=("a", "b"), positive="b"), theirs])


def test_the_command_compares_runs_and_the_list_of_runs_has_them(
    walked: tuple[Workspace, Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from engine.data import load_index

    workspace, ours = walked
    theirs = vendor(workspace, load_index(workspace, ours.dataset_id), tmp_path)
    root = str(workspace.root)
    assert main(["compare-runs", ours.run_id, theirs.run_id, "--out", str(tmp_path / "c"), "-w", root]) == 0
    assert (tmp_path / "c" / "comparison.html").exists()
    capsys.readouterr()
    assert main(["runs", "-w", root]) == 0
    assert "Predictions of Vendor X" in capsys.readouterr().out
    assert open_workspace(workspace.root).runs.exists()


def test_runs_on_different_labels_are_held_against_one_version_which_is_named(
    walked: tuple[Workspace, Run], tmp_path: Path
) -> None:
    from engine.data import load_index

    workspace, ours = walked
    index = load_index(workspace, ours.dataset_id)
    theirs = vendor(workspace, index, tmp_path)
    (wrong, *_), came = split_of(ours).test, {one.image_id: one.label for one in index.samples}
    other = "normal" if wrong.label == "opacity" else "opacity"
    with open_store(workspace.database) as store:
        store.add_reader(Reader(reader_id="", name="Ada"))
        read = [Said(image_id=wrong.image_id, reader="Ada", label=other, answer=1)]
        asked: dict[str, Any] = {"parent": 1, "source": "blinded consensus", "made_from": "a study"}
        version = store.labels.add(index.dataset_id, came, draft(came, read, **asked))
        later = replace(ours, labels=used(version))
        assert not compare_finished(
            store, [ours, theirs]
        ).reference  # both on those that came: nothing to choose
        compared = compare_finished(store, [later, theirs])
        assert "labels v2; 1 of these labels differs" in compared.reference and not compared.left_out.get(
            "labelled otherwise in another run's data"
        )
        cases = compared.cases
        assert compared.rows[1].estimates["accuracy"].value == pytest.approx(1 - 1 / cases)
        first = compare_finished(store, [later, theirs], labels=1)
        assert "labels v1; none of these labels differs" in first.reference
        assert first.rows[1].estimates["accuracy"].value == 1
        with pytest.raises(ReportError, match=r"labels of 2 data sets, .*v2 of .* are no one reference"):
            compare_finished(store, [later, replace(theirs, dataset_id="elsewhere")])
    assert "labels v2" in write_comparison(compared, tmp_path / "compared").html.read_text()
