"""A cross-validation: each image is tested once, by the one model that never saw it; all models speak of new images."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from safetensors import safe_open
from scipy.special import expit, logit, softmax
from sklearn.metrics import roc_auc_score

from engine.data.index import index_folder
from engine.data.saved import save_index
from engine.data.split import k_folds
from engine.data.split_choices import Choices, folds_as_chosen
from engine.errors import RunError, SplitError, TrainingStopped
from engine.images import load_image
from engine.pipeline import (
    export_model,
    export_run,
    read_run,
    read_samples,
    report_run,
    train_run,
    validate_run,
)
from engine.prediction.for_review import told_of
from engine.prediction.map_passport import FORGOTTEN_IMAGES
from engine.prediction.predictor import predict, predict_and_explain
from engine.prediction.settled import passport_anew
from engine.prediction.speakers import one_model_each
from engine.reading.store import open_store
from engine.records import Augmentation, Calibration, Epoch, Index, Run, Split, TrainingRequest, edge_of
from engine.report.standards.holding import WITHIN_FOLDS
from engine.runs.folder import list_runs, load_classifier, load_run, save_run, split_of
from engine.runs.folds import models_of
from engine.runs.heatmaps import load_map_settings
from engine.runs.passports import load_passport
from engine.runs.shift import load_known, save_distances, save_shift, with_distances
from engine.training import loop as the_loop
from engine.training.folds import _joined, train_folds
from engine.uncertainty import shift_unknown
from engine.workspace import Workspace, open_workspace
from tests.tiny import EPOCH, TINY_RECIPE, draw_films

K = 3


def request_of(index: Index, **changes: object) -> TrainingRequest:
    fields = {"recipe": TINY_RECIPE, "dataset_id": index.dataset_id, "device": "cpu", "folds": K, **changes}
    return TrainingRequest(**fields)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def crossed(tmp_path_factory: pytest.TempPathFactory, tiny_index: Index) -> tuple[Workspace, Run]:
    """A workspace with one cross-validation, predicted, explained and stored. Do not change it: copy it."""
    workspace = open_workspace(tmp_path_factory.mktemp("crossed") / "workspace")
    save_index(workspace, tiny_index)
    folder = workspace.runs / "20260101-000000-fold"
    for _ in train_run(workspace, folder, request_of(tiny_index)):
        pass
    run = load_run(folder)
    with open_store(workspace.database) as store:
        read_run(workspace, store, run, device="cpu")
    return workspace, run


def test_every_labelled_image_is_tested_once_by_a_model_that_never_saw_its_patient(
    crossed: tuple[Workspace, Run], tiny_index: Index
) -> None:
    _, run = crossed
    splits = [split_of(model) for model in models_of(run)]
    tested = [sample.image_id for split in splits for sample in split.test]
    assert sorted(tested) == sorted(sample.image_id for sample in tiny_index.samples)
    for split in splits:
        seen = {sample.patient_id for part in ("train", "val") for sample in split.part(part)}
        assert not seen & {sample.patient_id for sample in split.test}
        assert not {s.patient_id for s in split.train} & {s.patient_id for s in split.val}


def test_of_its_own_images_only_the_model_speaks_that_never_saw_them(crossed: tuple[Workspace, Run]) -> None:
    workspace, run = crossed
    everything = split_of(run).test
    together = {
        one.image_id: one for one in predict(run, everything, cache_dir=workspace.cache, device="cpu")
    }
    assert [*together] == [sample.image_id for sample in everything]
    for model in models_of(run):
        own = split_of(model).test
        alone = list(predict(model, own, cache_dir=workspace.cache, device="cpu"))
        for one in alone:
            whole = together[one.image_id]
            np.testing.assert_allclose(whole.probabilities, one.probabilities, atol=1e-6)
            assert whole.predicted == one.predicted
            edge = edge_of(whole, run.classes, run.positive)
            assert edge == pytest.approx(model.threshold, abs=1e-9)


def test_the_models_that_saw_an_image_are_not_even_asked(
    crossed: tuple[Workspace, Run], tmp_path: Path
) -> None:
    """The nets of the other folds are taken away: what a fold tests can still be predicted, and new images cannot."""
    workspace, run = crossed
    shutil.copytree(run.folder, tmp_path / "copy")
    copy = load_run(tmp_path / "copy")
    first, *others = models_of(copy)
    for other in others:
        (other.folder / "model.safetensors").unlink()
    assert list(predict(copy, split_of(first).test, cache_dir=workspace.cache, device="cpu"))
    new = index_folder(draw_films(tmp_path / "new", patients=4, seed=3)).samples
    with pytest.raises(RunError, match="checkpoint"):
        list(predict(copy, new, cache_dir=workspace.cache, device="cpu"))


def test_the_passport_asks_each_model_of_its_own_validation_images(
    crossed: tuple[Workspace, Run], tmp_path: Path
) -> None:
    """Its figures are the models' own together; a model whose net is taken away cannot be asked by another."""
    workspace, run = crossed
    passport = load_passport(run.folder)
    assert passport is not None and passport.settings == load_map_settings(run.folder)
    models = models_of(run)
    validated = [split_of(model).val for model in models]
    assert passport.of == passport.images == len({sample.image_id for own in validated for sample in own})
    asked = one_model_each(run, list(zip(models, validated, strict=True)))
    for own, share in zip(validated, asked, strict=True):
        assert {sample.image_id for sample in share} <= {sample.image_id for sample in own} and share
    head = next(one for one in passport.figures if one.name == "head")
    assert head.estimate.n == min(FORGOTTEN_IMAGES, passport.images)
    shutil.copytree(run.folder, tmp_path / "copy")
    copy = load_run(tmp_path / "copy")
    again = passport_anew(copy, cache_dir=workspace.cache, device="cpu")
    assert replace(again, seconds=0) == replace(passport, seconds=0)
    (models_of(copy)[1].folder / "model.safetensors").unlink()
    with pytest.raises(RunError, match="checkpoint"):
        passport_anew(copy, cache_dir=workspace.cache, device="cpu")


def test_new_images_get_the_mean_log_odds_and_the_mean_map_of_all_models(
    crossed: tuple[Workspace, Run], tmp_path: Path
) -> None:
    workspace, run = crossed
    new = index_folder(draw_films(tmp_path / "new", patients=8, seed=3)).samples
    predictions, maps = read_samples(workspace, run, new, device="cpu")
    method = next(iter(maps.values())).method
    each = [
        list(predict_and_explain(model, new, cache_dir=workspace.cache, device="cpu", method=method))
        for model in models_of(run)
    ]
    place = run.classes.index(run.positive)
    for number, one in enumerate(predictions):
        odds = [logit(told[number][0].probabilities[place]) for told in each]
        assert logit(one.probabilities[place]) == pytest.approx(np.mean(odds), abs=1e-5)
        heats = [told[number][1].heatmap for told in each]
        np.testing.assert_allclose(maps[one.image_id].heatmap, np.mean(heats, axis=0), atol=1e-6)
        assert maps[one.image_id].scale == each[0][number][1].scale is not None
        beyond = [odd - logit(model.threshold) for odd, model in zip(odds, models_of(run), strict=True)]
        assert (one.predicted == run.positive) == (np.mean(beyond) >= 0)
        explained = maps[one.image_id].heatmap.mean() + maps[one.image_id].rest
        assert explained == pytest.approx(np.mean(odds), abs=1e-3)
    edges = [model.threshold for model in models_of(run)]
    assert run.threshold == pytest.approx(expit(np.mean(logit(edges))))
    assert run.seconds == pytest.approx(sum(model.seconds for model in models_of(run)))


def test_the_report_is_of_all_patients_with_the_area_pooled_and_within_folds(
    crossed: tuple[Workspace, Run], tmp_path: Path
) -> None:
    workspace, run = crossed
    with open_store(workspace.database) as store:
        report = report_run(workspace, store, run)
        predictions = store.predictions(run.run_id, part="test")
    assert len(report.cases) == 40 and report.patients.count == 20
    against = report.against[0]
    by_id = {one.image_id: one for one in predictions}
    place = run.classes.index(run.positive)
    areas = []
    for model in models_of(run):
        own = [by_id[sample.image_id] for sample in split_of(model).test]
        areas.append(
            roc_auc_score(
                [one.label == run.positive for one in own], [one.probabilities[place] for one in own]
            )
        )
    mean = against.estimates[WITHIN_FOLDS]
    assert mean.value == pytest.approx(np.mean(areas))
    assert mean.low < mean.value <= mean.high and mean.n == 40 and mean.patients == 20
    assert any("Fold by fold" in sentence for sentence in against.sentences)
    assert any(
        f"pool {K} models" in sentence and "trained again" in sentence for sentence in report.limitations
    )
    assert not any("results of one training" in sentence for sentence in report.limitations)
    written = export_run(workspace, report, run, predictions, tmp_path / "out", formats=("html", "json"))
    page = next(iter(written["html"].values())).read_text()
    assert "operating point of the model that tested the image" in page and "fold 1" in page
    numbers = json.loads(next(iter(written["json"].values())).read_text())
    assert [one["threshold"] for one in numbers["folds"]] == [model.threshold for model in models_of(run)]


def test_how_far_images_lie_is_kept_by_each_model_and_told_of_the_set(
    crossed: tuple[Workspace, Run], tmp_path: Path
) -> None:
    """The models of so few images do not speak: they are told from where an image differs."""
    workspace, run = crossed
    unknown = shift_unknown(load_known(run), run)
    assert unknown is not None and f"of each model, and one of the {K} has" in unknown
    shutil.copytree(run.folder, tmp_path / "copy")
    copy = load_run(tmp_path / "copy")
    for place, known in enumerate(load_known(copy), 1):
        assert known is not None
        far = np.linspace(0.1, 0.9, len(known.image_ids))
        save_shift(copy.folder / "folds" / str(place), replace(known, threshold=1e-3, distances=far))
    own = list(predict(copy, split_of(copy).test, cache_dir=workspace.cache, device="cpu"))
    for place, model in enumerate(models_of(copy)):
        tested = {sample.image_id for sample in split_of(model).test}
        asked = [tuple(at for at in range(K) if one.distances[at] is not None) for one in own]
        assert {one.image_id for one, by in zip(own, asked, strict=True) if by == (place,)} == tested
    new = index_folder(draw_films(tmp_path / "new", patients=8, seed=3)).samples
    told = list(predict(copy, new, cache_dir=workspace.cache, device="cpu"))
    for one in told:
        assert None not in one.distances and one.distance == pytest.approx(np.mean(one.distances))  # type: ignore[arg-type]
    save_distances(copy, own, anew=True)
    save_distances(copy, told)
    kept = with_distances(copy, [replace(one, distance=None, distances=()) for one in (*own, *told)])
    assert kept == [*own, *told]
    with open_store(workspace.database) as store:
        report = report_run(workspace, store, copy)
    assert report.shift is not None and report.shift.images == len(own) and report.shift.differs
    assert "As a set, these images differ" in report.limitations[-1]
    assert list(told_of(copy, new, told))[-1].startswith("As a set, these images differ")


def test_a_foreign_set_is_tested_by_all_models_beside_the_out_of_fold_figures(
    crossed: tuple[Workspace, Run], tmp_path: Path
) -> None:
    workspace, run = crossed
    foreign = index_folder(draw_films(tmp_path / "foreign", patients=8, seed=5))
    with open_store(workspace.database) as store:
        test = validate_run(workspace, store, run, foreign, device="cpu")
    assert (test.images, test.internal_images) == (16, 40)


def test_a_stop_keeps_finished_folds_and_resuming_goes_on_in_the_one_that_was_running(
    workspace: Workspace, tiny_index: Index, crossed: tuple[Workspace, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(the_loop, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    save_index(workspace, tiny_index)
    folder = workspace.runs / "broken"
    begun: list[int] = []
    epochs: list[Epoch] = []
    with pytest.raises(TrainingStopped):
        for epoch in train_run(
            workspace,
            folder,
            request_of(tiny_index),
            should_stop=lambda: len(epochs) == 3,
            on_fold=lambda number, of: begun.append(number),
        ):
            epochs.append(epoch)
    assert begun == [1, 2]
    assert (folder / "folds" / "1" / "run.json").exists() and not (folder / "run.json").exists()
    assert list_runs(workspace) == []
    first = (folder / "folds" / "1" / "model.safetensors").stat().st_mtime_ns
    rest = list(
        train_run(
            workspace,
            folder,
            request_of(tiny_index),
            resume=True,
            on_fold=lambda number, of: begun.append(number),
        )
    )
    assert begun == [1, 2, 2, 3]
    assert [epoch.number for epoch in rest] == [2, 1, 2]  # the second epoch of fold 2, and the third fold
    assert (folder / "folds" / "1" / "model.safetensors").stat().st_mtime_ns == first
    whole, again = models_of(crossed[1]), models_of(load_run(folder))
    for one, other in zip(whole, again, strict=True):
        assert (one.folder / "model.safetensors").read_bytes() == (
            other.folder / "model.safetensors"
        ).read_bytes()


def test_models_that_call_everything_or_nothing_leave_an_operating_point_between_them(
    crossed: tuple[Workspace, Run], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(crossed[1].folder, folder, ignore=shutil.ignore_patterns("*.safetensors", "*.npz"))
    for points, joined in (((1.0, 0.5, 0.0), 0.5), ((0.2, 0.9, 0.6), None), ((1.0, 1.0, 1.0), 1.0)):
        for number, point in enumerate(points, 1):
            save_run(replace(load_run(folder / "folds" / str(number)), threshold=point))
        found = _joined(folder, K)
        expected = expit(np.mean(logit(points))) if joined is None else joined
        assert found.threshold == pytest.approx(expected, abs=1e-3) and (found.folds, found.folder) == (
            K,
            folder,
        )
    assert found.threshold < 1  # or nothing would ever reach it


def test_the_run_of_all_folds_takes_over_what_holds_for_all_and_sums_the_rest(
    crossed: tuple[Workspace, Run], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(crossed[1].folder, folder, ignore=shutil.ignore_patterns("*.safetensors", "*.npz"))
    origin = load_run(folder / "folds" / "1").weights_origin
    assert origin is not None
    fitted = [(0.5, (0.25, -0.25)), (1.25, ()), (2.0, (0.5, 0.25))]
    seen = [("one", "two"), (), ("two", "three")]
    for number, ((temperature, bias), remarks) in enumerate(zip(fitted, seen, strict=True), 1):
        model = load_run(folder / "folds" / str(number))
        assert model.validated is not None
        calibration = replace(model.calibration, temperature=temperature, bias=bias)
        said = replace(origin, remarks=remarks)
        save_run(replace(model, seconds=10.0**number, calibration=calibration, weights_origin=said))
    began = datetime.now(UTC)
    run = _joined(folder, K)
    assert (run.run_id, run.folder, run.folds, run.seconds) == ("run", folder, K, 1110.0)
    assert run.validated is None and began <= run.created <= datetime.now(UTC)
    assert run.weights_origin == replace(origin, remarks=("one", "two", "three"))
    assert run.calibration.bias == pytest.approx((0.25, 0.0)) and run.calibration.temperature == 1
    assert f"Each of the {K} models by its own temperature (0.5, 1.25, 2), fitted on" in run.calibration.note
    assert "are the mean over the models" in run.calibration.note
    for number in range(1, K + 1):
        model = load_run(folder / "folds" / str(number))
        save_run(replace(model, calibration=Calibration(note="not fitted")))
    plain = _joined(folder, K)
    assert plain.calibration == Calibration(note="not fitted")


@pytest.mark.parametrize(
    ("temperature", "bias", "fitted"),
    [(1.0, (), False), (0.5, (), True), (2.0, (), True), (1.0, (0.5, 0.0), True)],
)
def test_a_model_that_was_fitted_in_any_way_is_said_to_be(
    temperature: float, bias: tuple[float, ...], fitted: bool, crossed: tuple[Workspace, Run], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(crossed[1].folder, folder, ignore=shutil.ignore_patterns("*.safetensors", "*.npz"))
    for number in range(1, K + 1):
        calibration = Calibration(temperature=temperature, bias=bias if number == 2 else (), note="its own")
        model = load_run(folder / "folds" / str(number))
        save_run(replace(model, calibration=calibration, weights_origin=None))
    found = _joined(folder, K)
    assert found.calibration.note.startswith("Each of the 3 models" if fitted else "its own")
    assert found.calibration.bias == pytest.approx(tuple(value / K for value in bias))
    assert found.weights_origin is None


def test_each_fold_is_trained_as_was_asked_for_on_what_was_dealt_out_first(
    crossed: tuple[Workspace, Run], tiny_index: Index, tmp_path: Path
) -> None:
    _, whole = crossed
    splits = [split_of(model) for model in models_of(whole)]
    told: list[tuple[object, ...]] = []
    begun: list[tuple[int, int]] = []

    def trains(request: TrainingRequest, split: Split, *, folder: Path, **more: object) -> Iterator[Epoch]:
        told.append((request, split, folder, more))
        for name in ("run.json", "recipe.json"):
            shutil.copy(whole.folder / "folds" / folder.name / name, folder)
        yield EPOCH

    given: dict[str, Any] = {
        "cache_dir": tmp_path / "cache",
        "dataset_name": "films",
        "should_stop": lambda: False,
        "on_batch": lambda done, total: None,
        "on_trained": lambda: None,
    }
    folder, request = tmp_path / "run", request_of(tiny_index)

    def trained(dealt: list[Split], **more: Any) -> list[Epoch]:
        told.clear()
        begun.clear()
        return list(
            train_folds(
                request, dealt, split_of(whole), folder=folder, trains=trains,
                on_fold=lambda number, of: begun.append((number, of)), **given, **more,
            )
        )  # fmt: skip

    inside = [folder / "folds" / str(number) for number in range(1, K + 1)]
    assert trained(splits) == [EPOCH] * K and begun == [(1, K), (2, K), (3, K)]
    assert told == [
        (request, split, here, {**given, "resume": False}) for split, here in zip(splits, inside, strict=True)
    ]
    assert split_of(run := load_run(folder)) == split_of(whole)
    assert (run.run_id, run.folds, run.recipe) == ("run", K, TINY_RECIPE)
    turned = splits[::-1]
    (inside[1] / "run.json").unlink()
    (inside[2] / "run.json").unlink()
    (inside[2] / "split.csv").unlink()  # stopped before its turn: it takes what is dealt out now
    trained(turned, resume=True)
    assert begun == [(2, K), (3, K)]
    assert told == [
        (request, split, here, {**given, "resume": True})
        for split, here in ((splits[1], inside[1]), (splits[0], inside[2]))
    ]
    (inside[0] / "run.json").unlink()
    trained(turned)
    assert told == [(request, turned[0], inside[0], {**given, "resume": False})]


def test_one_file_gives_what_all_models_give_together_and_each_has_its_weights(
    crossed: tuple[Workspace, Run], tmp_path: Path
) -> None:
    workspace, run = crossed
    with open_store(workspace.database) as store:
        written = export_model(workspace, store, run, tmp_path / "out", formats=("onnx", "safetensors"))
    names = [f"model-fold-{number}.safetensors" for number in range(1, K + 1)]
    assert [path.name for path in written["safetensors"]] == names
    for path, model in zip(written["safetensors"], models_of(run), strict=True):
        with safe_open(path, framework="np") as file:
            facts = file.metadata()
        assert (float(facts["temperature"]), float(facts["threshold"])) == (
            model.calibration.temperature,
            model.threshold,
        )
        assert facts["run_id"].startswith(f"{run.run_id}, fold {model.run_id} of {K}")
    (path,) = written["onnx"]
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    new = index_folder(draw_films(tmp_path / "new", patients=8, seed=3)).samples
    images = np.stack([load_image(sample.path, size=TINY_RECIPE.image_size) for sample in new])
    logits, probabilities, predicted = session.run(
        ["logits", "probabilities", "predicted"], {"images": images}
    )
    told = list(predict(run, new, cache_dir=workspace.cache, device="cpu"))
    np.testing.assert_allclose(probabilities, [one.probabilities for one in told], atol=1e-4)
    assert [run.classes[number] for number in predicted] == [one.predicted for one in told]
    facts = session.get_modelmeta().custom_metadata_map
    assert (facts["models"], float(facts["threshold"]), float(facts["temperature"])) == (
        str(K),
        run.threshold,
        1,
    )
    assert "each model's logits / its own temperature" in facts["logits"]
    np.testing.assert_allclose(softmax(logits + json.loads(facts["bias"]), axis=1), probabilities, atol=1e-5)


def test_what_needs_one_net_says_that_there_are_several(crossed: tuple[Workspace, Run]) -> None:
    with pytest.raises(RunError, match=f"cross-validation of {K} models"):
        load_classifier(crossed[1])


def test_data_that_are_to_keep_their_parts_are_not_dealt_out_anew(tiny_index: Index) -> None:
    with pytest.raises(SplitError, match="keep the parts it came with"):
        folds_as_chosen(tiny_index, Choices(mode="given"), K)
    with pytest.raises(SplitError, match="asked for: 2"):
        folds_as_chosen(tiny_index, Choices(), 2)
    assert folds_as_chosen(tiny_index, Choices(seed=4), K) == tuple(k_folds(tiny_index, k=K, seed=4))


def test_three_classes_are_predicted_by_several_models_with_one_map_each(
    workspace: Workspace, tmp_path: Path
) -> None:
    """With more than two classes a map argues for the class that all models predict together."""
    films = draw_films(tmp_path / "films", patients=16)
    third = draw_films(tmp_path / "more", patients=12, seed=11)
    shutil.move(third / "opacity", films / "effusion")
    index = index_folder(films)
    save_index(workspace, index)
    folder = workspace.runs / "three"
    recipe = replace(TINY_RECIPE, augmentation=Augmentation(), operating_point="as-trained")
    for _ in train_run(workspace, folder, request_of(index, recipe=recipe)):
        pass
    run = load_run(folder)
    assert len(run.classes) == 3
    with open_store(workspace.database) as store:
        read_run(workspace, store, run, device="cpu")
        report = report_run(workspace, store, run)
    assert WITHIN_FOLDS in report.against[0].estimates
    new = index_folder(draw_films(tmp_path / "new", patients=4, seed=3)).samples
    predictions, maps = read_samples(workspace, run, new, device="cpu")
    assert all(maps[one.image_id].target == one.predicted for one in predictions)
    assert all(sum(one.probabilities) == pytest.approx(1) for one in predictions)


def test_the_table_of_predictions_has_each_image_once(crossed: tuple[Workspace, Run], tmp_path: Path) -> None:
    workspace, run = crossed
    with open_store(workspace.database) as store:
        report = report_run(workspace, store, run)
        predictions = store.predictions(run.run_id)
        written = export_run(workspace, report, run, predictions, tmp_path, formats=("csv",))
    table = next(path for name, path in written["csv"].items() if "cases" in name)
    with table.open() as stream:
        assert len(list(csv.DictReader(stream))) == 40
