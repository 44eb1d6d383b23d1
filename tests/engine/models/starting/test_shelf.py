"""Promises of added weights: nothing is executed, what cannot be used is refused, what is kept is known."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file

from engine.errors import WeightsError
from engine.models.classifier import build_classifier
from engine.models.starting.fitting import load_weights, read_weights
from engine.models.starting.present import starting_weights_at_hand
from engine.models.starting.shelf import add_weights, added_weights, check_weights, find_file
from engine.workspace import Workspace
from gui.cli.main import main
from tests.tiny import TINY_RECIPE


@pytest.fixture
def vit(tmp_path: Path) -> Path:
    path = tmp_path / "Tiny ViT.safetensors"
    save_file(timm.create_model("test_vit", num_classes=0).state_dict(), path)
    return path


class Trap:
    """What a pickle runs when it is opened without care."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


def spring(path: Path, trap: Path) -> None:
    torch.save({"state_dict": {"a": torch.zeros(1)}, "hyper_parameters": Trap(trap)}, path)


def bare(path: Path, trap: Path) -> None:
    path.write_bytes(pickle.dumps(Trap(trap)))


def whole(path: Path, trap: Path) -> None:
    torch.save(timm.create_model("test_vit"), path)  # as torchxrayvision publishes its nets


@pytest.mark.parametrize("make", [spring, bare, whole])
@pytest.mark.parametrize("ending", ["pt", "pth", "bin", "ckpt"])
def test_nothing_in_a_file_is_executed(tmp_path: Path, make: Any, ending: str) -> None:
    path, trap = tmp_path / f"odd.{ending}", tmp_path / "executed"
    make(path, trap)
    with pytest.raises(WeightsError, match="holds more than tensors") as caught:
        read_weights(path)
    assert "state_dict()" in caught.value.remedy
    assert not trap.exists()


def cut(path: Path) -> None:
    torch.save({"a": torch.zeros(100)}, path)
    path.write_bytes(path.read_bytes()[:200])


@pytest.mark.parametrize(
    ("name", "make", "said"),
    [
        ("a.pt", cut, "cut short"),
        ("a.safetensors", lambda path: path.write_bytes(b"not that"), "cut short or not a safetensors"),
        ("a.pt", lambda path: path.write_bytes(b""), "cut short"),
        ("a.pt", lambda path: torch.save({"epoch": 3}, path), "no tensors by name"),
        ("a.pt", lambda path: torch.save([torch.zeros(2)], path), "no tensors by name"),
        ("a.h5", lambda path: path.write_bytes(b"x"), "no weights file that can be read"),
        ("a.pt", lambda path: path.mkdir(), "cannot be read"),
        ("a.pt", lambda path: None, "cannot be read"),
    ],
)
def test_what_is_no_weights_file_is_refused_in_a_sentence(
    tmp_path: Path, name: str, make: Any, said: str
) -> None:
    make(tmp_path / name)
    with pytest.raises(WeightsError, match=said):
        read_weights(tmp_path / name)


def test_a_file_is_copied_with_what_is_known_of_it_and_found_by_its_name(
    workspace: Workspace, vit: Path
) -> None:
    added = add_weights(
        workspace, vit, source="a paper", licence="CC BY 4.0", backbone="test_vit", mean=(0.5,), std=(0.25,)
    )
    assert (added.name, added.original, added.backbones) == (
        "tiny-vit",
        "Tiny ViT.safetensors",
        ("test_vit",),
    )
    vit_bytes = vit.read_bytes()
    vit.unlink()
    assert added_weights(workspace) == [added]
    path, known = find_file(workspace, "file:tiny-vit")
    assert path.read_bytes() == vit_bytes and known == added
    assert path.parent == workspace.root / "weights"

    path.write_bytes(vit_bytes[:-1])
    with pytest.raises(WeightsError, match="no longer the file that was added"):
        find_file(workspace, "file:tiny-vit")
    with pytest.raises(WeightsError, match=r"no weights “tiny” .* \(tiny-vit\)|nothing added"):
        find_file(workspace, "file:tiny")


def test_another_file_of_the_same_name_and_one_that_fits_nothing_are_refused(
    workspace: Workspace, vit: Path, tmp_path: Path
) -> None:
    add_weights(workspace, vit, name="mine", backbone="test_vit")
    other = tmp_path / "other.pth"
    torch.save(timm.create_model("test_vit", num_classes=0).state_dict(), other)
    with pytest.raises(WeightsError, match="other weights called “mine”"):
        add_weights(workspace, other, name="mine", backbone="test_vit")
    with pytest.raises(WeightsError, match="does not fit test_resnet: "):
        add_weights(workspace, other, backbone="test_resnet")
    torch.save({"a.weight": torch.zeros(3, 3)}, other)
    with pytest.raises(WeightsError, match="fits none of the networks"):
        add_weights(workspace, other)
    assert [one.name for one in added_weights(workspace)] == ["mine"]
    checked = check_weights(other)
    assert checked.fits == () and checked.title == (
        "of no layout that Overread knows; its first names are a.weight"
    )


def test_values_that_no_net_can_begin_with_are_said_where_a_net_would_take_them(
    workspace: Workspace, vit: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = read_weights(vit)
    spoilt = {**good, "head.bias": torch.tensor([float("nan")])}  # which nothing takes: no matter
    save_file(spoilt, tmp_path / "head.safetensors")
    assert check_weights(tmp_path / "head.safetensors", backbone="test_vit").fits[0].fits
    name = next(name for name, value in good.items() if value.ndim == 2)
    for value, why, remedy in (
        (
            torch.full_like(good[name], float("inf")),
            r"1 of its parameters hold values that are no numbers .*" + name,
            "epoch",
        ),
        (
            torch.zeros_like(good[name], dtype=torch.int8),
            r"1 of its parameters are quantised.*" + name,
            "before",
        ),
        (good[name].to(torch.float8_e4m3fn), r"1 of its parameters are quantised.*" + name, "before"),
    ):
        path = tmp_path / "odd.safetensors"
        save_file({**good, name: value}, path)
        fit = check_weights(path, backbone="test_vit").fits[0]
        assert fit.is_of_this_net and not fit.fits
        with pytest.raises(WeightsError, match=why) as caught:
            add_weights(workspace, path, backbone="test_vit")
        assert remedy in caught.value.remedy
        recipe = replace(TINY_RECIPE, backbone="test_vit", image_size=160, weights=f"file:{path}")
        with pytest.raises(WeightsError, match=why):  # before a run is made for it
            starting_weights_at_hand(workspace, recipe)
        with pytest.raises(WeightsError, match=why):
            load_weights(
                build_classifier(recipe, 2),
                read_weights(path),
                backbone="test_vit",
                name=path.name,
            )
    assert main(["weights", "check", str(path), "--backbone", "test_vit"]) == 0
    assert "Does not fit test_vit: 1 of its parameters are quantised" in capsys.readouterr().out


def test_a_file_of_ones_own_that_was_cut_short_is_to_be_copied_again(vit: Path) -> None:
    vit.write_bytes(vit.read_bytes()[:-100])
    with pytest.raises(WeightsError, match="cut short") as caught:
        check_weights(vit)
    assert caught.value.remedy == "Copy the file again, or name another"


def test_a_damaged_record_is_said_and_hides_no_other(workspace: Workspace, vit: Path) -> None:
    add_weights(workspace, vit, name="good", backbone="test_vit")
    (workspace.root / "weights" / "bad.json").write_text("{")
    said: list[WeightsError] = []
    assert [one.name for one in added_weights(workspace, on_damaged=said.append)] == ["good"]
    assert len(said) == 1 and "bad.json" in str(said[0])


def test_the_commands_say_what_a_file_is_and_what_was_added(
    workspace: Workspace, vit: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = ["-w", str(workspace.root)]
    assert main(["weights", "check", str(vit), "--backbone", "test_resnet"]) == 0
    out = capsys.readouterr().out
    assert (
        "timm" in out
        and "Does not fit test_resnet" in out
        and "missing in the file (conv1" in out
        and "Not used" in out
    )
    assert main(["weights", "check", str(vit), "--backbone", "test_vit"]) == 0
    out = capsys.readouterr().out
    assert "Fits test_vit" in out and "Kept in" not in out
    half = vit.with_name("half.pt")
    torch.save({"model": {f"_orig_mod.{n}": value.half() for n, value in read_weights(vit).items()}}, half)
    assert main(["weights", "check", str(half), "--backbone", "test_vit"]) == 0
    out = capsys.readouterr().out
    assert "Fits test_vit" in out and "Kept in half precision (float16); used in single" in out
    assert main(["weights", "add", str(vit), "--backbone", "test_vit", "--source", "here", *at]) == 0
    told = capsys.readouterr()
    assert "file:tiny-vit" in told.out and "licence was not said" in told.err
    assert main(["weights", "list", *at]) == 0
    out = capsys.readouterr().out
    assert "tf_efficientnet_lite0" in out and "file:tiny-vit" in out and "here" in out
    assert main(["weights", "check", str(vit), "--backbone", "no-such-net"]) == 1
    assert "no backbone named" in capsys.readouterr().err
    assert main(["weights", "add", str(vit), "--mean", "a,b", *at]) == 2
