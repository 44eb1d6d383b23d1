"""Training really trains, can be stopped and resumed to the same curve, and the bank changes nothing but the time."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torch._dynamo
from PIL import Image

from engine.data import index_folder, patients_named, split_index
from engine.errors import DataError, RecipeError, SplitError, TrainingError, TrainingStopped, WeightsError
from engine.images.cache import ImageCache
from engine.models.classifier import Classifier, build_classifier
from engine.models.device import COMPILE_VARIABLE, compiled, half_precision, pick_device
from engine.models.openvino import in_unit
from engine.pipeline import read_run
from engine.reading import open_store
from engine.records import (
    Augmentation,
    Balance,
    Epoch,
    Head,
    Phase,
    Recipe,
    Run,
    Sample,
    Split,
    TrainingRequest,
)
from engine.runs import load_map_settings, load_shift, load_uncertainty
from engine.runs.folder import load_run, split_of
from engine.runs.history import load_history
from engine.storage import KEPT_BYTES
from engine.training import batches as batch_source, fit, loop as the_loop
from engine.training.checkpoint import Checkpoint, copy_state, load_checkpoint, save_checkpoint
from engine.training.fit import train
from engine.training.loop import TrainingLoop
from engine.training.processes import Processes
from engine.uncertainty import calibrated, shift_features, undecided
from engine.workspace import Workspace
from tests.tiny import TINY_RECIPE, draw_films


def loop(
    recipe: Recipe, split: Split, folder: Path, cache: Path, *, positive: str | None = None, **options: Any
) -> Iterator[Epoch]:
    request = TrainingRequest(recipe=recipe, dataset_id="d", device="cpu", positive=positive)
    return train(request, split, folder=folder, cache_dir=cache, dataset_name="films", **options)


def curve(epochs: list[Epoch]) -> list[tuple[float, ...]]:
    return [(e.train_loss, e.val_loss, e.val_accuracy, e.val_auc, e.learning_rate) for e in epochs]


LEARNING = replace(
    TINY_RECIPE,
    phases=(
        Phase(
            name="all", epochs=12, trainable="all", optimizer="adam", learning_rate=3e-3, monitor="val_auc"
        ),
    ),
    balance=Balance(method="class-weights"),
)


def test_a_net_learns_where_the_bright_square_is(tiny_split: Split, workspace: Workspace) -> None:
    epochs = list(loop(LEARNING, tiny_split, workspace.runs / "a", workspace.cache))
    assert epochs[-1].train_loss < 0.5 * epochs[0].train_loss
    assert max(e.val_auc for e in epochs) >= 0.9


def test_a_finished_run_is_a_folder_that_says_all_about_itself(trained: tuple[Workspace, Run]) -> None:
    _, run = trained
    assert run.recipe == TINY_RECIPE
    assert load_run(run.folder) == run
    assert split_of(run).test
    assert len(load_history(run.folder)) == 2
    assert {path.name for path in run.folder.iterdir()} >= {
        "recipe.json",
        "run.json",
        "split.csv",
        "history.csv",
        "model.safetensors",
        "environment.json",
        "heatmaps.npz",
    }
    surroundings = (run.folder / "environment.json").read_text(encoding="utf-8")
    assert surroundings == json.dumps(json.loads(surroundings), indent=2)  # people read it too
    assert run.weights_source == "random initialisation"
    assert 0 < run.trained_parameters <= run.parameters


def test_the_same_seed_gives_the_same_curve_and_another_seed_another(
    tiny_split: Split, workspace: Workspace
) -> None:
    drawn: list[int] = []  # from which dropout and dropped paths are drawn in an epoch

    def trained(recipe: Recipe, name: str) -> list[tuple[float, ...]]:
        epochs = []
        for epoch in loop(recipe, tiny_split, workspace.runs / name, workspace.cache):
            epochs.append(epoch)
            drawn.append(torch.initial_seed())
        return curve(epochs)

    first, again = trained(TINY_RECIPE, "a"), trained(TINY_RECIPE, "b")
    other = trained(replace(TINY_RECIPE, seed=1), "c")
    assert first == again and drawn[:2] == drawn[2:4]
    assert first != other and len({*drawn}) == 4


TWO_PHASES = replace(
    TINY_RECIPE,
    head=Head(hidden=(8,), dropout=(0.3,)),
    phases=(
        Phase(
            name="first",
            epochs=3,
            trainable="all",
            optimizer="momentum",
            momentum=0.9,
            learning_rate=1e-2,
            schedule="step",
            schedule_patience=1,
        ),
        Phase(
            name="second",
            epochs=4,
            trainable="last 3",
            optimizer="adamw",
            learning_rate=1e-3,
            schedule="cosine",
        ),
    ),
    augmentation=Augmentation(rotation=10, shift=0.1, horizontal_flip=True, brightness=0.2),
    balance=Balance(method="duplicate"),
)


EVERY_REMEDY = replace(
    TWO_PHASES,
    phases=(
        replace(TWO_PHASES.phases[0], ema_decay=0.8, mixup=0.4, cutmix=1.0),
        replace(TWO_PHASES.phases[1], ema_decay=0.9, warm_up=2, layer_decay=0.6, label_smoothing=0.1),
    ),
    augmentation=Augmentation(zoom=0.2, zoom_each_axis=True, crop=0.3, noise=0.1),
)


@pytest.mark.parametrize(
    ("recipe", "stop_after"),
    # 7: while the finished net is calibrated
    [*((TWO_PHASES, epochs) for epochs in (1, 3, 5, 7)), (EVERY_REMEDY, 2), (EVERY_REMEDY, 4)],
)
def test_a_run_that_was_stopped_and_resumed_has_the_curve_of_one_that_was_not(
    recipe: Recipe,
    stop_after: int,
    tiny_split: Split,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(the_loop, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    drawn, epochs = set(), []
    for epoch in loop(recipe, tiny_split, workspace.runs / "whole", workspace.cache):
        epochs.append(epoch)
        drawn.add(torch.initial_seed())
    whole = curve(epochs)
    assert len(drawn) == 7  # no epoch of any phase drops what another one drops
    folder = workspace.runs / "broken"
    seen: list[Epoch] = []
    with pytest.raises(TrainingStopped):
        for epoch in loop(
            recipe, tiny_split, folder, workspace.cache, should_stop=lambda: len(seen) >= stop_after
        ):
            seen.append(epoch)
    assert len(seen) == stop_after
    rest = list(loop(recipe, tiny_split, folder, workspace.cache, resume=True))
    assert curve(seen + rest) == whole
    assert curve(load_history(folder)) == whole
    assert [epoch.number for epoch in load_history(folder)] == list(range(1, 8))
    end, again = load_run(workspace.runs / "whole"), load_run(folder)
    assert end.threshold == again.threshold
    assert (end.folder / "model.safetensors").read_bytes() == (
        again.folder / "model.safetensors"
    ).read_bytes()
    assert not (folder / "checkpoint.safetensors").exists()


def test_the_scale_of_a_loss_in_float16_is_found_once_a_run_and_survives_a_stop(
    tiny_split: Split, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(the_loop, "half_precision", lambda device: torch.float16)
    monkeypatch.setattr(the_loop, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    folder = workspace.runs / "a"
    seen: list[dict[str, float]] = []
    with pytest.raises(TrainingStopped):
        for _ in loop(TWO_PHASES, tiny_split, folder, workspace.cache, should_stop=lambda: len(seen) == 5):
            checkpoint = load_checkpoint(folder)
            assert checkpoint is not None
            seen.append(checkpoint.progress["scaler"])
    steps = [scaler["_growth_tracker"] for scaler in seen]
    assert steps == sorted(set(steps)), "it starts anew with an epoch or phase"
    next(loop(TWO_PHASES, tiny_split, folder, workspace.cache, resume=True))
    resumed = load_checkpoint(folder)
    assert resumed is not None and resumed.progress["scaler"]["_growth_tracker"] > steps[-1]


def test_a_run_begun_where_the_loss_needs_no_scale_goes_on_where_it_does(
    tiny_split: Split, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(the_loop, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    folder, seen = workspace.runs / "a", []
    with pytest.raises(TrainingStopped):
        for epoch in loop(
            TWO_PHASES, tiny_split, folder, workspace.cache, should_stop=lambda: len(seen) == 2
        ):
            seen.append(epoch)
    monkeypatch.setattr(the_loop, "half_precision", lambda device: torch.float16)
    rest = list(loop(TWO_PHASES, tiny_split, folder, workspace.cache, resume=True))
    assert [epoch.number for epoch in rest] == [3, 4, 5, 6, 7]


def test_half_precision_is_one_that_the_gpu_computes_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation)
    assert half_precision("cuda") == torch.float16  # as on a T4 or V100: bfloat16 by emulation alone
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: True)
    assert half_precision("cuda") == torch.bfloat16
    assert half_precision("cpu") is None


def test_copies_that_must_be_changed_are_never_shown_as_they_are() -> None:
    views = {number: np.full((6, 1), number, dtype=np.float32) for number in (batch_source.PLAIN, 0, 1)}
    banked = batch_source.BatchSource(
        cache=None,
        device="cpu",
        augmenter=None,
        rest=None,
        copy_augmenter=None,
        views=views,
        copy_views={number: view for number, view in views.items() if number != batch_source.PLAIN},
    )  # type: ignore[arg-type]
    rows, copies = np.repeat(np.arange(6), 3), np.tile(np.arange(3), 6)
    shown = np.stack(
        [banked.inputs(rows, view=epoch, copies=copies, where=copies > 0).numpy()[:, 0] for epoch in range(6)]
    )
    assert set(shown[:, copies == 0].ravel()) == {batch_source.PLAIN, 0, 1}
    assert set(shown[:, copies > 0].ravel()) == {0, 1}


def test_calibrating_is_told_when_the_last_epoch_is_done(tiny_split: Split, workspace: Workspace) -> None:
    folder, told = workspace.root / "a place" / "of its own" / "a", []  # which is made with all above it
    for epoch in loop(
        TINY_RECIPE,
        tiny_split,
        folder,
        workspace.cache,
        on_trained=lambda: told.append(("calibrating", (folder / "run.json").exists())),
    ):
        told.append(("epoch", epoch.number))
    assert told == [("epoch", 1), ("epoch", 2), ("calibrating", False)]


def test_a_stop_while_calibrating_loses_no_epoch_even_of_a_short_training(
    tiny_split: Split, workspace: Workspace
) -> None:
    folder = workspace.runs / "a"
    seen: list[Epoch] = []
    with pytest.raises(TrainingStopped):
        for epoch in loop(
            TINY_RECIPE, tiny_split, folder, workspace.cache, should_stop=lambda: len(seen) == 2
        ):
            seen.append(epoch)
    assert list(loop(TINY_RECIPE, tiny_split, folder, workspace.cache, resume=True)) == []
    assert curve(load_history(folder)) == curve(seen)
    assert load_run(folder).classes == tiny_split.classes


def test_a_checkpoint_cut_short_is_said_in_a_sentence(tiny_split: Split, workspace: Workspace) -> None:
    folder = workspace.runs / "cut"
    folder.mkdir()
    (folder / "checkpoint.safetensors").write_bytes(b"\x10\x00\x00\x00\x00\x00\x00\x00{")
    with pytest.raises(TrainingError, match="cut short"):
        list(loop(TINY_RECIPE, tiny_split, folder, workspace.cache, resume=True))


@pytest.mark.usefixtures("tiny_weights")
def test_the_feature_bank_gives_what_the_net_gives(
    tiny_split: Split, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Equal curves: once on banked features, once through the net."""
    banked = replace(
        TINY_RECIPE,
        weights="imagenet",
        head=Head(hidden=(8,), dropout=(0.2,)),
        phases=(Phase(name="head", epochs=4, trainable="head", learning_rate=1e-2),),
    )
    with_bank = curve(list(loop(banked, tiny_split, workspace.runs / "bank", workspace.cache)))
    assert (workspace.cache / "features").is_dir()
    monkeypatch.setitem(KEPT_BYTES, "features", 0)  # a bank that has no room is not made
    other = workspace.root / "other"
    without = curve(list(loop(banked, tiny_split, workspace.runs / "net", other)))
    assert not (other / "features").exists()
    np.testing.assert_allclose(with_bank, without, rtol=2e-4, atol=2e-5)


@pytest.mark.usefixtures("tiny_weights")
def test_the_best_epoch_is_kept_and_a_phase_that_stops_improving_ends(
    tiny_split: Split, workspace: Workspace
) -> None:
    # A rate of 1e-9 moves no film across the line: the first epoch stays the best.
    idle = Phase(
        name="idle",
        epochs=10,
        trainable="head",
        learning_rate=1e-9,
        stop_patience=2,
        optimizer="sgd",
        monitor="val_accuracy",
    )
    epochs = list(
        loop(
            replace(TINY_RECIPE, weights="imagenet", phases=(idle,)),
            tiny_split,
            workspace.runs / "a",
            workspace.cache,
        )
    )
    assert [epoch.best for epoch in epochs] == [True, False, False]


def test_a_loss_that_is_no_number_ends_the_run_with_what_to_change(
    tiny_split: Split, workspace: Workspace
) -> None:
    wild = Phase(name="wild", epochs=5, trainable="all", optimizer="sgd", learning_rate=100.0)
    recipe = replace(TINY_RECIPE, phases=(wild,), head=Head(hidden=(64, 64), activation="identity"))
    done: list[Epoch] = []
    with pytest.raises(TrainingError, match="Start a new run with a lower learning rate") as caught:
        for epoch in loop(recipe, tiny_split, workspace.runs / "a", workspace.cache):
            done.append(epoch)
    assert f"in epoch {len(done) + 1} of phase wild" in str(caught.value)
    assert "now 100)" in caught.value.remedy


def test_one_class_alone_is_refused_before_anything_is_read(tiny_split: Split, workspace: Workspace) -> None:
    alone = replace(tiny_split, classes=("normal",))
    with pytest.raises(SplitError, match="only one class"):
        list(loop(TINY_RECIPE, alone, workspace.runs / "a", workspace.cache))
    lacking = replace(tiny_split, val=tuple(s for s in tiny_split.val if s.label == "normal"))
    with pytest.raises(SplitError, match="No validation image"):
        list(loop(TINY_RECIPE, lacking, workspace.runs / "a", workspace.cache))
    fit._check_split(
        TINY_RECIPE, replace(tiny_split, test=()), "opacity"
    )  # what is not tested can be trained
    with pytest.raises(SplitError, match="no class “cat”"):
        list(loop(TINY_RECIPE, tiny_split, workspace.runs / "a", workspace.cache, positive="cat"))


def test_images_that_are_gone_are_said_and_no_net_is_made_without_them(
    tiny_split: Split, workspace: Workspace, tmp_path: Path
) -> None:
    def moved(samples: tuple[Sample, ...], *, label: str) -> tuple[Sample, ...]:
        return tuple(replace(s, path=tmp_path / s.path.name) if s.label == label else s for s in samples)

    everything = replace(
        tiny_split,
        train=moved(moved(tiny_split.train, label="normal"), label="opacity"),
        val=moved(moved(tiny_split.val, label="normal"), label="opacity"),
    )
    with pytest.raises(DataError, match="training image of class normal"):
        list(loop(TINY_RECIPE, everything, workspace.runs / "a", workspace.root / "other"))
    one_class = replace(tiny_split, val=moved(tiny_split.val, label="opacity"))
    with pytest.raises(DataError, match="validation image of class opacity"):
        list(loop(TINY_RECIPE, one_class, workspace.runs / "a", workspace.cache))
    assert not (workspace.runs / "a" / "run.json").exists()


def test_an_image_that_is_gone_is_left_out_and_named_in_the_log(
    tiny_split: Split, workspace: Workspace, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = replace(tiny_split.train[0], path=tmp_path / "gone.png")
    split = replace(tiny_split, train=(first, *tiny_split.train[1:]))
    assert list(loop(TINY_RECIPE, split, workspace.runs / "a", workspace.cache))
    assert "gone.png" in caplog.text


@pytest.mark.parametrize(
    "wrong",
    [
        replace(
            TINY_RECIPE, phases=(*TINY_RECIPE.phases, replace(TINY_RECIPE.phases[0], trainable="last 99"))
        ),
        replace(TINY_RECIPE, balance=Balance(method="duplicate", target=("cat",))),
    ],
)
def test_what_a_later_phase_cannot_do_is_refused_before_the_first(
    wrong: Recipe, tiny_split: Split, workspace: Workspace
) -> None:
    with pytest.raises(RecipeError):
        list(loop(wrong, tiny_split, workspace.runs / "a", workspace.cache))
    assert not any(workspace.cache.iterdir())


def test_what_contradicts_itself_or_cannot_be_shared_is_refused_before_anything_is_written(
    tiny_split: Split, workspace: Workspace
) -> None:
    mixing = replace(TINY_RECIPE, phases=(replace(TINY_RECIPE.phases[0], mixup=0.5),))
    with pytest.raises(RecipeError, match="blends the images"):
        list(loop(mixing, tiny_split, workspace.runs / "a", workspace.cache, processes=Processes(0, 2)))
    idle = replace(TINY_RECIPE, phases=(replace(TINY_RECIPE.phases[0], epochs=2, warm_up=2),))
    with pytest.raises(RecipeError, match="warms up for 2 of 2"):
        list(loop(idle, tiny_split, workspace.runs / "a", workspace.cache))
    sides = {"normal": "left", "opacity": "right"}
    sided = replace(
        tiny_split,
        classes=("left", "right"),
        train=tuple(replace(one, label=sides[one.label or ""]) for one in tiny_split.train),
        val=tuple(replace(one, label=sides[one.label or ""]) for one in tiny_split.val),
    )
    mirrored = replace(TINY_RECIPE, augmentation=Augmentation(horizontal_flip=True))
    with pytest.raises(RecipeError, match="mirrors training images"):
        list(loop(mirrored, sided, workspace.runs / "a", workspace.cache))
    assert not (workspace.runs / "a").exists()


def test_missing_weights_are_said_before_images_are_decoded(tiny_split: Split, workspace: Workspace) -> None:
    with pytest.raises(WeightsError):
        list(
            loop(replace(TINY_RECIPE, weights="imagenet"), tiny_split, workspace.runs / "a", workspace.cache)
        )
    assert not any(workspace.cache.iterdir())


def test_decoded_images_that_no_run_uses_any_more_make_room(
    tiny_split: Split, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    list(loop(TINY_RECIPE, tiny_split, workspace.runs / "a", workspace.cache))
    (before,) = (workspace.cache / "images").glob("*/pixels.bin")
    monkeypatch.setitem(KEPT_BYTES, "images", before.stat().st_size // 2)
    list(loop(replace(TINY_RECIPE, image_size=64), tiny_split, workspace.runs / "b", workspace.cache))
    (after,) = (workspace.cache / "images").glob("*/pixels.bin")
    assert after != before


@pytest.mark.parametrize("flip", [False, True])
def test_validation_images_are_run_as_they_are_predicted_and_what_the_head_reads_of_a_sample_is_kept(
    flip: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (300, 32, 32, 3), dtype=np.uint8)
    rows, sample = rng.permutation(300)[:290], np.sort(rng.choice(290, 270, replace=False))
    told: list[dict[str, Any]] = []
    asked: list[int] = []

    def features(net: Classifier, **settings: Any) -> Any:
        assert not net.training
        told.append(settings)
        return lambda images: net.features(in_unit(images))

    monkeypatch.setattr(fit, "fast_last_map", features)
    torch.manual_seed(0)
    recipe = replace(TINY_RECIPE, test_time_flip=flip)
    net = build_classifier(recipe, 2)
    course = TrainingLoop(
        recipe=recipe,
        folder=tmp_path,
        cache_dir=tmp_path / "cache",
        classifier=net,
        cache=ImageCache(images=pixels, row={}, failed=(), folder=tmp_path),
        data=SimpleNamespace(val_rows=rows, classes=("a", "b")),  # type: ignore[arg-type]
        device="cpu",
        positive=1,
        should_stop=lambda: bool(asked.append(0)),  # type: ignore[func-returns-value]
        on_batch=lambda done, total: None,
        began=0.0,
    )
    logits, pooled, seen = fit._validated(course, sample)
    assert told == [{"device": "cpu", "images": 290, "size": 32, "cache_dir": tmp_path / "cache"}]
    assert len(asked) == 5  # batches of 64
    images = torch.from_numpy(pixels[rows]).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        reads = [net.head.pool(net.features(way)) for way in ([images, images.flip(3)] if flip else [images])]
        expected = torch.stack([net.head.from_pooled(read) for read in reads]).mean(0)
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)
    assert [len(piece) for piece in pooled] == [256, 14]
    kept = torch.stack(reads).mean(0)[sample]
    torch.testing.assert_close(torch.cat(pooled), kept, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(seen, shift_features(kept), rtol=1e-4, atol=1e-5)


def test_what_is_fitted_after_training_is_told_of_each_image_whose_it_is(
    tiny_split: Split, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {}

    def spy(name: str, instead: Any = None) -> None:
        really = instead or getattr(fit, name)

        def recorded(*arguments: Any, **more: Any) -> Any:
            told[name] = arguments, more
            return really(*arguments, **more)

        monkeypatch.setattr(fit, name, recorded)

    sample = np.array([1, 2, 5])
    monkeypatch.setattr(fit, "cases_for_passes", lambda count, seed: sample)
    for name in ("fit_uncertainty", "fit_shift"):  # of too few nothing is known
        spy(name, lambda *_, **__: None)
    for name in ("calibrate", "choose_threshold", "operating_figures"):
        spy(name)
    folder, val = workspace.runs / "a", tiny_split.val
    patients = [*(f"patient {number // 2}" for number in range(len(val)))]
    split = replace(
        tiny_split,
        val=tuple(replace(one, patient_id=patient) for one, patient in zip(val, patients, strict=True)),
    )
    recipe = replace(
        TINY_RECIPE, seed=3, phases=(replace(TINY_RECIPE.phases[0], epochs=1),), operating_point="youden"
    )
    list(loop(recipe, split, folder, workspace.cache, positive="normal"))
    run = load_run(folder)
    assert load_uncertainty(folder) is None and load_shift(folder) is None
    labels = np.array([split.classes.index(one.label or "") for one in val])
    given, more = told["fit_uncertainty"]
    logits = given[1]
    assert logits.shape == (len(val), 2) and given[2].tolist() == labels.tolist()
    assert sum(map(len, given[3])) == 3 and given[4].tolist() == labels[sample].tolist()
    assert given[5] == run.calibration and [*more.pop("patients")] == patients
    assert more.pop("each_pass").__name__ == "unless_stopped" and more == {"seed": 3}
    given, more = told["fit_shift"]
    assert len(given[0]) == 3 and given[1] == [val[at].image_id for at in sample]
    assert given[2] == [patients[at] for at in sample] and more == {"seed": 3}
    given, _ = told["calibrate"]
    assert given[2].tolist() == labels.tolist() and len(given[3]) == len(split.train)
    given, more = told["choose_threshold"]
    assert given[0] == "youden" and given[1].tolist() == (labels == 0).tolist()
    np.testing.assert_allclose(given[2], calibrated(logits, run.calibration)[:, 0])
    assert [*more.pop("groups")] == patients and more == {"undecided": undecided(run.calibration, 0)}
    given, more = told["operating_figures"]
    assert [*given[3]] == patients and more == {"named": patients_named(split.val).all}
    assert run.threshold == given[0].value


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler on a CPU")
@pytest.mark.filterwarnings("ignore")
def test_a_compiled_net_learns_what_the_plain_one_learns(
    tiny_split: Split, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    shallow = replace(
        TINY_RECIPE,
        backbone="scnnb-b",
        head=Head(pooling="flatten", hidden=(8,)),
        phases=(Phase(name="all", epochs=1, trainable="all", optimizer="sgd", learning_rate=1e-2),),
    )
    plain = list(loop(shallow, tiny_split, workspace.runs / "plain", workspace.cache))
    monkeypatch.setenv(COMPILE_VARIABLE, "1")
    before = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    fast = list(loop(shallow, tiny_split, workspace.runs / "compiled", workspace.cache))
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] > before
    np.testing.assert_allclose(curve(fast), curve(plain), rtol=1e-3)
    monkeypatch.setenv(COMPILE_VARIABLE, "yes")
    with pytest.raises(TrainingError, match="OVERREAD_COMPILE is “yes”"):
        compiled(torch.nn.Identity())


def test_a_device_that_is_not_there_is_said() -> None:
    assert pick_device("auto") in {"cpu", "cuda", "mps"}
    with pytest.raises(TrainingError, match="no device"):
        pick_device("tpu")


def test_a_checkpoint_holds_an_optimizers_state_to_the_bit(tmp_path: Path) -> None:
    net = build_classifier(TINY_RECIPE, 2)
    optimizer = torch.optim.AdamW(net.head.parameters(), lr=0.01)
    net(torch.rand(2, 3, 32, 32)).sum().backward()
    optimizer.step()
    state = optimizer.state_dict()
    save_checkpoint(
        tmp_path,
        Checkpoint(
            phase=1,
            epochs=2,
            model=copy_state(net),
            best=None,
            average=None,
            progress={"x": math.inf},
            optimizer=state,
            seconds=1.0,
        ),
    )
    back = load_checkpoint(tmp_path)
    assert back is not None
    assert back.best is None
    assert back.progress["x"] == math.inf
    assert back.optimizer is not None
    for number, values in state["state"].items():
        for name, value in values.items():
            assert torch.equal(back.optimizer["state"][number][name], value)
    fresh = torch.optim.AdamW(net.head.parameters(), lr=1.0)
    fresh.load_state_dict(dict(back.optimizer))
    assert fresh.param_groups[0]["lr"] == 0.01


def test_letterbox_mirror_and_another_figure_to_stop_by_go_through_the_whole_line(
    tmp_path: Path, workspace: Workspace
) -> None:
    folder = tmp_path / "wide"
    for path in sorted(draw_films(tmp_path / "films").rglob("*.png")):
        target = folder / path.relative_to(tmp_path / "films")
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.open(path).resize((96, 48)).save(target)
    split = split_index(index_folder(folder, near_duplicates=False))
    recipe = replace(
        TINY_RECIPE,
        fit="letterbox",
        test_time_flip=True,
        augmentation=Augmentation(horizontal_flip=True),
        phases=(replace(TINY_RECIPE.phases[0], epochs=6, monitor="val_f1", stop_patience=2),),
    )
    epochs = list(loop(recipe, split, workspace.runs / "a", workspace.cache))
    assert len(epochs) == 6 or not any(epoch.best for epoch in epochs[-2:])
    assert {epoch.monitor for epoch in epochs} == {"val_f1"}
    assert load_history(workspace.runs / "a") == epochs
    run = load_run(workspace.runs / "a")
    with open_store(workspace.database) as store:
        predictions, explanations = read_run(workspace, store, run, device="cpu")
    settings = load_map_settings(run.folder)
    assert settings is not None
    assert {each.heatmap.shape for each in explanations.values()} == {(28, 56)}
    for prediction in predictions:
        explanation = explanations[prediction.image_id]
        p = prediction.probabilities[run.classes.index(explanation.target)]
        assert explanation.rest is not None
        inside = float(explanation.heatmap.astype(np.float64).mean())
        assert inside + explanation.rest == pytest.approx(math.log(p / (1 - p)), abs=1e-3)
