"""Promises of engine.prediction.on_demand: any method and class for one image, kept; or a sentence why not."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from engine.errors import EngineError, ImageError, RecipeError, RunError
from engine.models.classifier import build_classifier
from engine.prediction.on_demand import Explainer, explain_case
from engine.prediction.predictor import predict_and_explain
from engine.reading.store import open_store
from engine.records import Head, Phase, Recipe, Run, Sample
from engine.runs import heatmaps
from engine.runs.folder import load_run, split_of
from engine.runs.heatmaps import load_explanations, load_map_settings
from engine.runs.kept_maps import KeptMaps
from engine.saliency.evidence import EVIDENCE
from engine.saliency.methods import SALIENCIES, explain
from engine.workspace import Workspace, open_workspace
from tests.tiny import SIDE, TINY_RECIPE, with_cells

Trained = tuple[Workspace, Run]


@pytest.fixture(scope="module")
def cells(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The trained run with larger images, so that its net's last map has more than one cell."""
    workspace = open_workspace(tmp_path_factory.mktemp("cells") / "workspace")
    return workspace, with_cells(workspace, trained[1])


@pytest.fixture
def own(cells: Trained, tmp_path: Path) -> tuple[Path, Run, Sample]:
    """A cache of one's own, a copy of the run that may be changed, and one of its test images."""
    folder = tmp_path / cells[1].folder.name
    shutil.copytree(cells[1].folder, folder)
    cache = tmp_path / "cache"
    cache.mkdir()
    return cache, load_run(folder), split_of(cells[1]).test[0]


@pytest.mark.parametrize("method", SALIENCIES)
def test_every_method_reaches_every_class_and_says_its_own_scale(method: str, cells: Trained) -> None:
    workspace, run = cells
    image = split_of(run).test[0]
    settings = load_map_settings(run.folder)
    assert settings is not None
    explainer = Explainer(workspace.cache, device="cpu")
    maps = {target: explainer.explain(run, image, method, target) for target in run.classes}
    for target, made in maps.items():
        assert (made.image_id, made.method, made.target) == (image.image_id, method, target)
        assert made.heatmap.dtype == np.float32 and np.isfinite(made.heatmap).all()
        if method in EVIDENCE:  # by either method: log-odds are log-odds
            assert made.scale == settings.scale and made.rest is not None
        else:
            assert made.scale is None and made.rest is None
            assert made.heatmap.min() >= 0 and made.heatmap.max() in (0.0, 1.0)
    first, second = (made.heatmap for made in maps.values())
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("method", SALIENCIES)
def test_one_image_is_explained_as_among_others(method: str, cells: Trained, tmp_path: Path) -> None:
    workspace, run = cells
    samples = split_of(run).test[:3]
    for target in run.classes:
        together = predict_and_explain(
            run, samples, cache_dir=workspace.cache, device="cpu", method=method, target=target
        )
        for sample, (_, among) in zip(samples, together, strict=True):
            alone = explain_case(run, sample, method, target, cache_dir=workspace.cache, device="cpu")
            assert among is not None and among.target == target
            near = max(1e-3, 2e-3 * float(np.abs(among.heatmap).max()))
            assert np.allclose(alone.heatmap, among.heatmap, atol=near)


@pytest.mark.parametrize("method", ["two-scale-cam", "layercam", "smoothgrad"])
def test_an_image_that_keeps_its_proportions_is_explained_as_among_others(
    method: str, cells: Trained, tmp_path: Path
) -> None:
    image = tmp_path / "wide.png"
    pixels = np.random.default_rng(3).integers(0, 255, (60, 120), dtype=np.uint8)
    Image.fromarray(pixels).save(image)
    wide = Sample(
        path=image,
        image_id=hashlib.sha256(image.read_bytes()).hexdigest(),
        label=None,
        patient_id="w",
        width=120,
        height=60,
    )
    recipe = replace(cells[1].recipe, fit="letterbox", test_time_flip=True)
    run = replace(cells[1], recipe=recipe)
    ((_, among),) = predict_and_explain(
        run, [wide], cache_dir=tmp_path, device="cpu", method=method, target="normal"
    )
    told: list[tuple[int, int]] = []
    alone = Explainer(tmp_path, device="cpu").explain(
        run, wide, method, "normal", progress=lambda *both: told.append(both)
    )
    assert among is not None and alone.heatmap.shape == among.heatmap.shape
    assert alone.heatmap.shape[1] == 2 * alone.heatmap.shape[0]
    assert np.allclose(
        alone.heatmap, among.heatmap, atol=max(1e-3, 2e-3 * float(np.abs(among.heatmap).max()))
    )
    assert alone.rest == pytest.approx(among.rest, abs=1e-3)
    assert all(done <= of for done, of in told)


@pytest.mark.parametrize("method", ["evidence-cam", "layercam"])
def test_of_a_cross_validation_those_models_explain_that_predict(
    method: str, cells: Trained, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(cells[1].folder, folder)
    for number, factor in ((1, 1.0), (2, 1.3)):
        fold = folder / "folds" / str(number)
        shutil.copytree(cells[1].folder, fold)
        weights = load_file(fold / "model.safetensors")
        save_file({name: factor * value for name, value in weights.items()}, fold / "model.safetensors")
    (folder / "model.safetensors").unlink()
    run = replace(cells[1], folder=folder, folds=2)
    split = split_of(run)
    for sample in (split.test[0], split.train[0]):  # one model has tested the first; both speak of the second
        ((_, among),) = predict_and_explain(
            run, [sample], cache_dir=tmp_path, device="cpu", method=method, target="normal"
        )
        alone = Explainer(tmp_path, device="cpu").explain(run, sample, method, "normal")
        assert among is not None
        near = max(1e-3, 2e-3 * float(np.abs(among.heatmap).max()))
        assert np.allclose(alone.heatmap, among.heatmap, atol=near) and np.ptp(alone.heatmap) > 0


def test_a_kept_map_is_read_and_not_made_again(own: tuple[Path, Run, Sample]) -> None:
    cache, run, image = own
    first = explain_case(run, image, "smoothgrad", "normal", cache_dir=cache, device="cpu")
    (file,) = (cache / "maps").iterdir()
    (run.folder / "model.safetensors").touch()
    os.utime(run.folder / "model.safetensors", ns=(0, 0))
    explain_case(run, image, "smoothgrad", "normal", cache_dir=cache, device="cpu")
    assert len(list((cache / "maps").iterdir())) == 2  # other weights: another map
    before = file.stat().st_mtime_ns
    # Neither the net nor the image is needed for what was kept.
    gone = replace(image, path=cache / "gone.png")
    again = explain_case(run, gone, "smoothgrad", "normal", cache_dir=cache, device="cpu")
    assert np.array_equal(first.heatmap, again.heatmap) and file.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-40]),
        lambda path: path.write_bytes(b"PK" + bytes(600)),
        lambda path: (path.unlink(), path.mkdir()),
    ],
    ids=["emptied", "cut short", "another file", "a folder"],
)
def test_a_damaged_kept_file_is_made_again(
    own: tuple[Path, Run, Sample], spoil: Callable[[Path], object]
) -> None:
    cache, run, image = own
    first = explain_case(run, image, "grad-cam", "normal", cache_dir=cache, device="cpu")
    (file,) = (cache / "maps").iterdir()
    spoil(file)
    again = explain_case(run, image, "grad-cam", "normal", cache_dir=cache, device="cpu")
    assert np.array_equal(first.heatmap, again.heatmap)
    if file.is_file():
        assert KeptMaps(cache).find(run, image.image_id, "grad-cam", "normal") is not None


def test_a_map_of_another_case_in_the_place_of_one_is_not_taken_for_it(own: tuple[Path, Run, Sample]) -> None:
    cache, run, image = own
    explain_case(run, image, "grad-cam", "normal", cache_dir=cache, device="cpu")
    (file,) = (cache / "maps").iterdir()
    other = replace(
        KeptMaps(cache).find(run, image.image_id, "grad-cam", "normal"),  # type: ignore[type-var]
        image_id="0" * 64,
    )
    file.write_bytes(heatmaps.packed([other]))
    assert KeptMaps(cache).find(run, image.image_id, "grad-cam", "normal") is None


def test_where_nothing_can_be_written_a_map_is_made_and_not_kept(
    own: tuple[Path, Run, Sample], read_only: Callable[[Path], Path]
) -> None:
    cache, run, image = own
    made = explain_case(run, image, "layercam", "normal", cache_dir=read_only(cache), device="cpu")
    assert made.method == "layercam" and not (cache / "maps").exists()


def test_what_is_kept_is_bounded_and_the_longest_unused_leaves_first(own: tuple[Path, Run, Sample]) -> None:
    cache, run, image = own
    made = explain_case(run, image, "layercam", "normal", cache_dir=cache, device="cpu")
    size = sum(file.stat().st_size for file in (cache / "maps").iterdir())
    kept = KeptMaps(cache, max_bytes=5 * size)
    for number in range(129):
        kept.keep(run, replace(made, image_id=f"{number:064d}"))
        for file in (cache / "maps").iterdir():
            os.utime(file, (number, number)) if file.stat().st_mtime > 1e9 else None
    assert len(list((cache / "maps").iterdir())) <= 5
    assert kept.find(run, f"{128:064d}", "layercam", "normal") is not None
    assert kept.find(run, f"{0:064d}", "layercam", "normal") is None


@pytest.mark.parametrize(
    ("break_it", "error", "said"),
    [
        (lambda run, image: image.path.unlink(), ImageError, "cannot be opened"),
        (lambda run, image: image.path.write_bytes(b"another"), ImageError, "has changed"),
        (lambda run, image: (run.folder / "model.safetensors").unlink(), RunError, "checkpoint"),
        (lambda run, image: (run.folder / "maps.json").write_text("{"), RunError, "maps.json"),
    ],
    ids=["image gone", "image changed", "no weights", "damaged settings"],
)
def test_what_cannot_be_explained_is_said_in_a_sentence(
    own: tuple[Path, Run, Sample],
    tmp_path: Path,
    break_it: Callable[[Run, Sample], object],
    error: type[EngineError],
    said: str,
) -> None:
    cache, run, image = own
    copied = replace(image, path=tmp_path / "image.png")
    shutil.copy(image.path, copied.path)
    break_it(run, copied)
    with pytest.raises(error, match=said):
        explain_case(run, copied, "grad-cam", "normal", cache_dir=cache, device="cpu")


def test_an_unknown_method_or_class_is_refused_with_the_choices(trained: Trained) -> None:
    workspace, run = trained
    image = split_of(run).test[0]
    with pytest.raises(RecipeError, match="layercam"):
        explain_case(run, image, "layer-cam", "normal", cache_dir=workspace.cache)
    with pytest.raises(RecipeError, match="normal, opacity"):
        explain_case(run, image, "layercam", "Opacity", cache_dir=workspace.cache)


def run_of(folder: Path, like: Run, recipe: Recipe) -> Run:
    """Return a run with a net of random weights, in its folder."""
    torch.manual_seed(5)
    folder.mkdir()
    save_file(build_classifier(recipe, len(like.classes)).state_dict(), folder / "model.safetensors")
    return replace(like, folder=folder, recipe=recipe, run_id=folder.name)


@pytest.mark.parametrize(
    "backbone", ["test_vit", "test_convnext", "test_resnet", "cifar-cnn", "vit-small", "swin-tiny"]
)
@pytest.mark.parametrize("output", ["softmax", "sigmoid"])
def test_any_kind_of_net_and_head_can_be_explained(
    backbone: str, output: str, trained: Trained, tmp_path: Path
) -> None:
    size = 96 if backbone == "swin-tiny" else 64
    head = Head(output=output, hidden=(5,))  # type: ignore[arg-type]
    recipe = replace(TINY_RECIPE, backbone=backbone, image_size=size, head=head)
    run = run_of(tmp_path / "run", trained[1], recipe)
    explainer = Explainer(tmp_path, device="cpu")
    for method in ("two-scale-cam", "hirescam", "smoothgrad"):
        maps = [
            explainer.explain(run, split_of(trained[1]).test[0], method, target).heatmap
            for target in run.classes
        ]
        assert all(np.isfinite(heat).all() for heat in maps), method
        if method != "hirescam":  # all of a random net may speak against both classes
            assert any(np.ptp(heat) > 0 for heat in maps), method


def test_a_net_whose_last_layer_has_one_cell_says_which_methods_can_be_used(
    trained: Trained, tmp_path: Path
) -> None:
    one_cell = replace(
        TINY_RECIPE, backbone="test_resnet", image_size=16, phases=(Phase(name="x", epochs=1),)
    )
    run = run_of(tmp_path / "run", trained[1], one_cell)
    image = split_of(trained[1]).test[0]
    for method in ("grad-cam", "layercam", "hirescam", "evidence-cam"):
        with pytest.raises(RecipeError, match=r"single cell.*integrated-gradients, gradient-shap"):
            explain_case(run, image, method, "normal", cache_dir=tmp_path, device="cpu")
    assert explain_case(run, image, "integrated-gradients", "normal", cache_dir=tmp_path).heatmap.max() == 1


def test_progress_is_told_and_may_stop_the_work(cells: Trained, tmp_path: Path) -> None:
    _, run = cells
    image = split_of(run).test[0]
    told: list[tuple[int, int]] = []
    explainer = Explainer(tmp_path, device="cpu")
    whole = explainer.explain(run, image, "occlusion", "normal", progress=lambda *both: told.append(both))
    of = told[0][1]
    assert told[0][0] == 0 and all(one[1] == of for one in told) and of > 50
    assert [done for done, _ in told] == sorted(done for done, _ in told) and 0.9 * of < told[-1][0] <= of

    class Stopped(Exception):
        pass

    def stop(done: int, of: int) -> None:
        if done > 10:
            raise Stopped

    with pytest.raises(Stopped):
        explainer.explain(run, image, "occlusion", "opacity", progress=stop)
    assert len(list((tmp_path / "maps").iterdir())) == 1  # nothing half made is kept
    again = explainer.explain(run, image, "occlusion", "opacity")  # and the net is as it was
    assert again.heatmap.shape == whole.heatmap.shape


def test_few_nets_stay_loaded(trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.prediction import on_demand

    image = split_of(trained[1]).test[0]
    loaded: list[str] = []

    def counted(run: Run, device: str) -> object:
        loaded.append(run.run_id)
        return real(run, device)

    real = on_demand.load_classifier
    monkeypatch.setattr(on_demand, "load_classifier", counted)
    recipe = replace(TINY_RECIPE, image_size=SIDE)
    runs = [run_of(tmp_path / name, trained[1], recipe) for name in "abc"]
    explainer = Explainer(tmp_path, device="cpu", warm=2)
    for run, method in ((runs[0], "grad-cam"), (runs[0], "hirescam"), (runs[1], "grad-cam")):
        explainer.explain(run, image, method, "normal")
    assert loaded == ["a", "b"]
    explainer.explain(runs[2], image, "grad-cam", "normal")  # "a" leaves
    explainer.explain(runs[1], image, "hirescam", "normal")
    assert loaded == ["a", "b", "c"]
    explainer.explain(runs[0], image, "layercam", "normal")
    assert loaded == ["a", "b", "c", "a"]


def test_a_map_on_demand_equals_the_method_called_directly(own: tuple[Path, Run, Sample]) -> None:
    from engine.images.tensors import load_image
    from engine.runs.folder import load_classifier

    cache, run, image = own
    (run.folder / "maps.json").unlink()  # so that the cells lie where the net's structure has them, both ways
    net = load_classifier(run)
    x = torch.from_numpy(load_image(image.path, size=SIDE)).permute(2, 0, 1)[None].float() / 255
    for method in SALIENCIES:
        if method in EVIDENCE:
            continue  # calibrated by the run
        direct = explain(net, x, torch.tensor([1]), method)[0]
        asked = explain_case(run, image, method, run.classes[1], cache_dir=cache, device="cpu")
        assert np.allclose(direct, asked.heatmap, atol=2e-3), method


def test_a_read_only_workspace_keeps_maps_in_its_scratch_alone(
    cells: Trained, tmp_path: Path, read_only: Callable[[Path], Path]
) -> None:
    root = tmp_path / "workspace"
    shutil.copytree(cells[0].root, root, ignore=shutil.ignore_patterns("cache"))
    open_store(root / "overread.db").close()
    run = load_run(root / "runs" / cells[1].run_id)
    workspace = open_workspace(read_only(root))
    assert workspace.read_only
    explain_case(run, split_of(run).test[0], "grad-cam", "normal", cache_dir=workspace.cache, device="cpu")
    assert list((workspace.cache / "maps").iterdir()) and not list(root.rglob("maps"))
    assert load_explanations(run.folder).keys() == load_explanations(cells[1].folder).keys()
