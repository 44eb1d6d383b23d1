"""Promises of where a training begins: from a file or a finished run, said in run and report, leaks too."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from timm.models.vision_transformer import VisionTransformer

from engine.errors import RecipeError, RunError, WeightsError
from engine.handover.weights_file import weights_with_facts
from engine.models import Classifier
from engine.models.starting.shelf import add_weights
from engine.models.weights import file_digest
from engine.pipeline import read_run, report_run
from engine.reading.store import open_store
from engine.recipes.check import check_recipe
from engine.records import Balance, Head, Recipe, Run, Split, TrainingRequest, WeightsOrigin
from engine.report import card_markdown, card_of
from engine.runs.folder import load_classifier, load_run, save_run
from engine.runs.history import load_history
from engine.training import starting
from engine.training.fit import train
from engine.training.starting import starting_net
from engine.workspace import Workspace
from gui.pages.train.plan import weight_choices
from tests.tiny import TINY_RECIPE

Trained = Callable[..., Run]


@pytest.fixture
def trained_as(workspace: Workspace) -> Trained:
    """Train a recipe on a split, in a workspace of its own."""

    def run(recipe: Recipe, split: Split, name: str) -> Run:
        folder = workspace.runs / name
        request = TrainingRequest(recipe=recipe, dataset_id="d" * 12, device="cpu")
        for _ in train(request, split, folder=folder, cache_dir=workspace.cache, dataset_name="films"):
            pass
        return load_run(folder)

    return run


ONE_EPOCH = replace(TINY_RECIPE, phases=(replace(TINY_RECIPE.phases[0], epochs=1),))
HEAD = replace(TINY_RECIPE.phases[0], name="head", trainable="head", epochs=1)


def other_split(split: Split) -> Split:
    """Exchange test and training images: what was trained on is tested on."""
    labels = {name: [s for s in split.train if s.label == name][:2] for name in split.classes}
    moved = {s.image_id for each in labels.values() for s in each}
    return replace(
        split,
        train=tuple(s for s in (*split.train, *split.test) if s.image_id not in moved),
        test=tuple(s for s in split.train if s.image_id in moved),
    )


def test_added_weights_are_begun_with_and_told_of_in_run_report_and_card(
    workspace: Workspace, tiny_split: Split, trained_as: Trained, tmp_path: Path
) -> None:
    net = timm.create_model("test_vit", num_classes=0)
    save_file(net.state_dict(), tmp_path / "vit.safetensors")
    added = add_weights(
        workspace, tmp_path / "vit.safetensors", backbone="test_vit", source="a paper", licence="CC0",
        mean=(0.5,), std=(0.3,),
    )  # fmt: skip
    assert weight_choices(workspace) == ["file:vit"]
    recipe = replace(
        TINY_RECIPE, backbone="test_vit", image_size=160, weights="file:vit", phases=(HEAD,), views=1
    )
    run = trained_as(recipe, tiny_split, "20260101-000000-file")
    state = load_classifier(run).state_dict()
    for name, value in net.state_dict().items():  # frozen: as they came
        assert torch.equal(state[f"backbone.net.{name}"], value)
    assert state["mean"].flatten().tolist() == pytest.approx([0.5] * 3)
    assert state["std"].flatten().tolist() == pytest.approx([0.3] * 3)
    origin = run.weights_origin
    assert origin is not None and (origin.sha256, origin.layout) == (added.sha256, "timm")
    assert (origin.source, origin.licence) == ("a paper", "CC0")
    told = json.loads((run.folder / "run.json").read_text(encoding="utf-8"))["weights_origin"]
    assert told["sha256"] == file_digest(tmp_path / "vit.safetensors")

    with open_store(workspace.database) as store:
        read_run(workspace, store, run, device="cpu")
        report = report_run(workspace, store, run, part="test")
    facts = {fact.name: fact.value for fact in report.facts}
    assert added.sha256 in facts["Starting weights: file"]
    assert (facts["Starting weights: source"], facts["Starting weights: licence"]) == ("a paper", "CC0")
    card = card_markdown(card_of(report))
    assert added.sha256 in card and "CC0" in card and "a paper" in card


def test_a_file_by_its_path_begins_a_training_and_its_folder_is_not_handed_over(
    workspace: Workspace, tiny_split: Split, trained_as: Trained, tmp_path: Path
) -> None:
    secret = tmp_path / "jane-doe"
    secret.mkdir()
    torch.save({"state_dict": timm.create_model("test_efficientnet").state_dict()}, secret / "net.pth")
    run = trained_as(
        replace(ONE_EPOCH, weights=f"file:{secret / 'net.pth'}"), tiny_split, "20260101-000000-path"
    )
    assert run.weights_origin is not None and run.weights_origin.name == "net.pth"
    assert "jane-doe" not in run.weights_source
    assert b"jane-doe" not in weights_with_facts(run)
    with open_store(workspace.database) as store:
        read_run(workspace, store, run, device="cpu")
        report = report_run(workspace, store, run, part="test")
    assert {fact.value for fact in report.facts if fact.name == "Starting weights: licence"} == {"not stated"}
    assert not any("jane-doe" in fact.value for fact in report.facts)


def test_a_finished_run_begins_another_and_its_head_stays_where_the_classes_are_the_same(
    workspace: Workspace, tiny_split: Split, trained_as: Trained
) -> None:
    first = trained_as(ONE_EPOCH, tiny_split, "20260101-000000-one")
    earlier = load_classifier(first).state_dict()
    recipe = replace(ONE_EPOCH, weights=f"run:{first.run_id}", seed=9)
    folder = workspace.runs / "20260101-000001-two"
    begun, (said, origin) = starting_net(recipe, tiny_split, folder=folder, allow_downloads=False)
    assert all(torch.equal(value, earlier[name]) for name, value in begun.state_dict().items())
    assert "its head too" in said and origin.run_id == first.run_id and origin.remarks == ()
    assert origin.sha256 == file_digest(first.folder / "model.safetensors")

    names = {"normal": "a", "opacity": "b"}

    def renamed(part: tuple[object, ...]) -> tuple[object, ...]:
        return tuple(replace(s, label=names[str(s.label)]) for s in part)  # type: ignore[type-var, attr-defined]

    foreign = replace(
        tiny_split, classes=("a", "b"), train=renamed(tiny_split.train), val=renamed(tiny_split.val), test=()
    )  # type: ignore[arg-type]
    begun, (said, _) = starting_net(recipe, foreign, folder=folder, allow_downloads=False)
    state = begun.state_dict()
    assert "with a new head" in said
    deeper = replace(recipe, head=Head(hidden=(8,)))  # of the same classes
    _, (told, kept) = starting_net(deeper, tiny_split, folder=folder, allow_downloads=False)
    assert "with a new head" in told and first.dataset_name in told and first.title in told
    assert kept.source == f"trained on {first.dataset_name}, from {first.weights_source}"
    assert (kept.name, kept.licence) == (first.run_id, "")
    assert all(torch.equal(state[n], v) for n, v in earlier.items() if n.startswith("backbone."))
    assert not torch.equal(state["head.output.weight"], earlier["head.output.weight"])
    assert workspace.runs / "20260101-000000-one" == first.folder
    assert weight_choices(workspace) == [f"run:{first.run_id}"]


def test_images_that_the_earlier_run_was_trained_on_are_a_leak_and_said_in_the_report(
    workspace: Workspace, tiny_split: Split, trained_as: Trained
) -> None:
    first = trained_as(ONE_EPOCH, tiny_split, "20260101-000000-one")
    split = other_split(tiny_split)
    second = trained_as(replace(ONE_EPOCH, weights=f"run:{first.run_id}"), split, "20260101-000001-two")
    third = trained_as(replace(ONE_EPOCH, weights=f"run:{second.run_id}"), split, "20260101-000002-three")
    of = len(split.test)
    for run, count in ((second, 1), (third, 1)):  # the third learned of them through the second
        assert run.weights_origin is not None
        remarks = [r for r in run.weights_origin.remarks if first.run_id in r]
        assert len(remarks) == count
        assert f"trained or tuned on {of} of the {of} images that are now in the test part" in remarks[0]
    with open_store(workspace.database) as store:
        read_run(workspace, store, third, device="cpu")
        report = report_run(workspace, store, third, part="test")
    assert any(first.run_id in sentence and "too optimistic" in sentence for sentence in report.limitations)
    shutil.rmtree(first.folder)  # of a run that is gone nothing is known any more
    _, (_, origin) = starting_net(
        replace(ONE_EPOCH, weights=f"run:{third.run_id}"), split,
        folder=workspace.runs / "20260101-000003-four", allow_downloads=False,
    )  # fmt: skip
    assert not any(first.run_id in remark for remark in origin.remarks)


def test_another_film_of_a_patient_who_was_trained_on_is_a_leak_as_well(
    workspace: Workspace, tiny_split: Split, trained_as: Trained
) -> None:
    first = trained_as(ONE_EPOCH, tiny_split, "20260101-000000-one")
    known = tiny_split.train[0]
    moved = replace(tiny_split.test[0], patient_id=known.patient_id)
    split = replace(tiny_split, test=(moved, *tiny_split.test[1:]))
    _, (_, origin) = starting_net(
        replace(ONE_EPOCH, weights=f"run:{first.run_id}"), split,
        folder=workspace.runs / "20260101-000001-two", allow_downloads=False,
    )  # fmt: skip
    assert len(origin.remarks) == 1 and "other images of the patients of 1 more" in origin.remarks[0]


@pytest.mark.parametrize(
    ("weights", "error", "said"),
    [
        ("file:nothing", WeightsError, "no weights “nothing”"),
        ("run:20260101-000000-none", RunError, "no finished run"),
        ("run:../runs", RunError, "no finished run"),
        ("run:..", RunError, "no finished run"),
    ],
)
def test_what_is_not_there_is_said(
    workspace: Workspace, tiny_split: Split, weights: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        starting_net(
            replace(ONE_EPOCH, weights=weights),
            tiny_split,
            folder=workspace.runs / "x",
            allow_downloads=False,
        )


def test_a_run_of_another_net_is_refused_with_what_to_set(
    workspace: Workspace, tiny_split: Split, trained_as: Trained
) -> None:
    first = trained_as(ONE_EPOCH, tiny_split, "20260101-000000-one")
    with pytest.raises(RunError, match="is another one") as caught:
        starting_net(
            replace(ONE_EPOCH, backbone="test_resnet", weights=f"run:{first.run_id}"), tiny_split,
            folder=workspace.runs / "x", allow_downloads=False,
        )  # fmt: skip
    assert "Set backbone to test_efficientnet" in caught.value.remedy


def test_the_seed_draws_what_no_weights_fill_and_classes_that_cannot_be_balanced_are_refused(
    workspace: Workspace, tiny_split: Split
) -> None:
    def begun(seed: int) -> tuple[torch.Tensor, str, WeightsOrigin]:
        net, (said, origin) = starting_net(
            replace(ONE_EPOCH, seed=seed), tiny_split, folder=workspace.runs / "x", allow_downloads=False
        )
        return torch.cat([value.flatten() for value in net.parameters()]), said, origin

    first, said, origin = begun(5)
    assert torch.equal(begun(5)[0], first) and not torch.equal(begun(6)[0], first)
    assert said == "random initialisation" and origin == WeightsOrigin(name=said)
    wrong = replace(ONE_EPOCH, balance=Balance(method="duplicate", target=("cat",)))
    with pytest.raises(RecipeError, match="cat"):
        starting_net(wrong, tiny_split, folder=workspace.runs / "x", allow_downloads=False)


@pytest.mark.usefixtures("tiny_weights")
def test_where_weights_are_from_is_said_of_a_package_with_its_digest_and_of_a_net_of_our_own_in_words(
    workspace: Workspace, tiny_split: Split, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[bool] = []

    def origin(**changes: object) -> WeightsOrigin:
        recipe = replace(ONE_EPOCH, **{"weights": "imagenet", **changes})  # type: ignore[arg-type]
        _, (said, found) = starting_net(
            recipe, tiny_split, folder=workspace.runs / "x", allow_downloads=False
        )
        assert said == (found.source or found.name)
        return found

    local = origin()
    assert local.name == local.source and local.name.startswith("local file test_efficientnet.safetensors")
    assert local.sha256 == ""
    (tmp_path / "packaged").write_bytes(b"weights")
    monkeypatch.setitem(starting.PACKAGED, "test_efficientnet", ("a_package", "Its", ""))
    monkeypatch.setattr(
        starting, "packaged_file", lambda name: tmp_path / "packaged" if name == "test_efficientnet" else None
    )
    packaged = origin()
    assert packaged.name == "a_package" and packaged.source == local.source
    assert packaged.sha256 == hashlib.sha256(b"weights").hexdigest() and packaged.licence == local.licence
    really = starting.build_classifier

    def licensed(licence: str, recipe: Recipe, classes: int) -> Classifier:
        net = really(recipe, classes)
        net.backbone.licence = licence
        return net

    for licence, told in (("free", "free, as timm states for test_efficientnet"), ("", "")):
        with monkeypatch.context() as patched:
            patched.setattr(starting, "build_classifier", partial(licensed, licence))
            assert origin().licence == told

    def loaded(net: object, weights: str, *, allow_downloads: bool) -> str:
        asked.append(allow_downloads)
        return "as they were"

    monkeypatch.setattr(starting, "load_pretrained", loaded)
    starting_net(
        replace(ONE_EPOCH, weights="imagenet"), tiny_split, folder=workspace.runs / "x", allow_downloads=True
    )
    assert origin(backbone="scnnb-b", head=Head(pooling="flatten")) == WeightsOrigin(name="as they were")
    assert asked == [True, False]


@pytest.mark.parametrize("weights", ["imagenett", "file:", "run:", "file", "https://a/b", " random", ""])
def test_a_recipe_names_its_weights_in_one_of_four_ways(weights: str) -> None:
    with pytest.raises(RecipeError, match="imagenet, random, file:NAME, run:RUN_ID"):
        check_recipe(replace(TINY_RECIPE, weights=weights))
    for good in ("imagenet", "file:a", "run:a", "file:/a b/c.pt"):
        check_recipe(replace(TINY_RECIPE, weights=good))


def test_a_frozen_transformer_runs_once_an_image_through_the_bank_and_its_linear_head_learns(
    tiny_split: Split, trained_as: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    forward = VisionTransformer.forward_features

    def counted(net: VisionTransformer, x: torch.Tensor) -> torch.Tensor:
        if x.device.type != "meta":
            seen.append(len(x))
        return torch.as_tensor(forward(net, x))

    monkeypatch.setattr(VisionTransformer, "forward_features", counted)
    torch.manual_seed(0)
    recipe = replace(
        TINY_RECIPE, backbone="test_vit", image_size=160, weights="file:", views=1,
        phases=(replace(HEAD, epochs=15, learning_rate=0.03),),
    )  # fmt: skip
    path = tiny_split.train[0].path.parents[1].with_name("vit.safetensors")
    save_file(timm.create_model("test_vit", num_classes=0).state_dict(), path)
    run = trained_as(replace(recipe, weights=f"file:{path}"), tiny_split, "20260101-000000-vit")
    once = len(tiny_split.train) + len(tiny_split.val)
    again = len(tiny_split.val)  # calibration
    assert once + again <= sum(seen) <= once + again + 8, "and shapes are looked at"
    assert run.trained_parameters == 2 * (64 + 1)
    history = load_history(run.folder)
    assert len(history) == 15 and history[-1].train_loss < history[0].train_loss


def test_a_cross_validation_begins_with_a_file_and_cannot_be_begun_with(
    workspace: Workspace, tiny_split: Split, trained_as: Trained, tmp_path: Path
) -> None:
    path = tmp_path / "net.safetensors"
    save_file(timm.create_model("test_efficientnet", num_classes=0).state_dict(), path)
    add_weights(workspace, path, backbone="test_efficientnet")
    run = workspace.runs / "20260101-000000-fold"
    _, (said, _) = starting_net(
        replace(ONE_EPOCH, weights="file:net"), tiny_split, folder=run / "folds" / "1", allow_downloads=False
    )
    assert said.startswith("file net.safetensors (") and said.endswith(f"), sha256 {file_digest(path)[:12]}")
    one = trained_as(ONE_EPOCH, tiny_split, run.name)
    save_run(replace(one, folds=2))
    with pytest.raises(RunError, match="is a cross-validation of 2 models"):
        starting_net(
            replace(ONE_EPOCH, weights=f"run:{run.name}"), tiny_split,
            folder=workspace.runs / "x", allow_downloads=False,
        )  # fmt: skip
