"""Promises of starting weights: published layouts are known by their keys and give, in our net, what they gave.

No published file is here. States have the names and shapes of published code, and random values; where torchvision
wrote the layout, its own net says what must come out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import timm
import torch
import torchvision
from torch import Tensor, nn

from engine.errors import WeightsError
from engine.models.classifier import Classifier, build_classifier
from engine.models.starting.fitting import fit_of, fitting_backbones, kept_in, load_weights
from engine.models.starting.layouts import LAYOUTS, recognised, unwrapped
from tests.tiny import TINY_RECIPE

State = dict[str, Tensor]


def drawn(net: nn.Module) -> nn.Module:
    """Give a net statistics of batch norm that no other layer has, so that an exchange is seen."""
    torch.manual_seed(5)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.1, 0.1)  # type: ignore[arg-type]
            nn.init.uniform_(module.running_var, 0.8, 1.2)  # type: ignore[arg-type]
        if isinstance(module, nn.LayerNorm):
            nn.init.uniform_(module.weight, 0.8, 1.2)
            nn.init.uniform_(module.bias, -0.1, 0.1)
    return net.eval()


def classifier_of(backbone: str, *, size: int, channels: Any = 3) -> Classifier:
    torch.manual_seed(6)
    recipe = replace(TINY_RECIPE, backbone=backbone, image_size=size, channels=channels)
    return build_classifier(recipe, 2).eval()


def filled(backbone: str, state: State, *, size: int, channels: Any = 3) -> tuple[Classifier, str]:
    classifier = classifier_of(backbone, size=size, channels=channels)
    layout = load_weights(classifier, state, backbone=backbone, name="a.pt")
    return classifier, layout


def images(size: int, channels: int = 3) -> Tensor:
    return torch.rand(2, channels, size, size, generator=torch.Generator().manual_seed(7))


def as_imagenet(x: Tensor, net: Classifier) -> Tensor:
    return (x - net.mean) / net.std


def close(found: Tensor, expected: Tensor) -> None:
    assert found.shape == expected.shape
    assert float((found - expected).abs().max()) <= 1e-4 * max(1.0, float(expected.abs().max()))


TORCHVISION: dict[str, tuple[str, str, Callable[[Any, Tensor], Tensor]]] = {
    "resnet18": ("resnet18", "timm", lambda net, x: nn.Sequential(*list(net.children())[:-2])(x)),
    "densenet121": ("densenet121", "timm", lambda net, x: net.features(x).relu()),
    "efficientnet_b0": ("efficientnet_b0", "torchvision-features", lambda net, x: net.features(x)),
    "efficientnet_b2": ("efficientnet_b2", "torchvision-features", lambda net, x: net.features(x)),
    "convnext_tiny": ("convnext_tiny", "torchvision-features", lambda net, x: net.features(x)),
}


@pytest.mark.parametrize("name", TORCHVISION)
def test_a_net_of_torchvision_gives_what_it_gave_there(name: str) -> None:
    backbone, layout, features = TORCHVISION[name]
    published = drawn(getattr(torchvision.models, name)(weights=None))
    classifier, found = filled(backbone, published.state_dict(), size=64)
    assert found == layout
    x = images(64)
    with torch.no_grad():
        close(classifier.features(x), features(published, as_imagenet(x, classifier)))


def test_a_vision_transformer_of_torchvision_gives_what_it_gave_there() -> None:
    published = drawn(
        torchvision.models.VisionTransformer(
            image_size=224,
            patch_size=16,
            num_layers=12,
            num_heads=3,
            hidden_dim=192,
            mlp_dim=768,
            norm_layer=lambda width: nn.LayerNorm(width, eps=1e-6),
        )
    )
    nn.init.normal_(published.encoder.pos_embedding, std=0.5)  # type: ignore[union-attr, arg-type]
    classifier, layout = filled("vit_tiny_patch16_224", published.state_dict(), size=224)
    assert layout == "torchvision-vit"
    x = images(224)
    with torch.no_grad():
        tokens = published._process_input(as_imagenet(x, classifier))  # type: ignore[operator]
        tokens = torch.cat([published.class_token.expand(2, -1, -1), tokens], dim=1)  # type: ignore[operator]
        expected = published.encoder(tokens)[:, 1:].transpose(1, 2).reshape(2, 192, 14, 14)  # type: ignore[operator]
        close(classifier.features(x), expected)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_densenet_of_torchxrayvision_reads_grey_images_as_it_was_taught(channels: Any) -> None:
    # Its code is torchvision's DenseNet with in_channels=1, 18 classes, and op_threshs beside them.
    published = torchvision.models.densenet121(weights=None, num_classes=18)
    published.features.conv0 = nn.Conv2d(1, 64, 7, 2, 3, bias=False)
    drawn(published)
    state = {**published.state_dict(), "op_threshs": torch.zeros(18)}
    classifier, layout = filled("densenet121", state, size=64, channels=channels)
    assert layout == "torchxrayvision"
    grey = images(64, 1)
    with torch.no_grad():
        given = (2 * grey - 1) * 1024  # its datasets.normalize
        close(classifier.features(grey.expand(-1, channels, -1, -1)), published.features(given).relu())
    fit = fit_of(state, "densenet121")
    assert fit.fits and set(fit.left_over) == {"classifier.weight", "classifier.bias", "op_threshs"}


def test_a_resnet_of_torchxrayvision_stands_below_model() -> None:
    published = torchvision.models.resnet50(weights=None, num_classes=18)
    published.conv1 = nn.Conv2d(1, 64, 7, 2, 3, bias=False)
    state = {f"model.{name}": value for name, value in published.state_dict().items()}
    assert recognised(state)[0] == "torchxrayvision"
    assert [fit.backbone for fit in fitting_backbones(state)] == ["resnet50"]


def of_transformers(net: State) -> State:
    """Return a DINOv2 by the names that transformers' Dinov2Model has, as RAD-DINO is published."""
    renamed: State = {"embeddings.mask_token": torch.zeros(1, net["cls_token"].shape[-1])}
    top = {
        "cls_token": "embeddings.cls_token",
        "pos_embed": "embeddings.position_embeddings",
        "patch_embed.proj.weight": "embeddings.patch_embeddings.projection.weight",
        "patch_embed.proj.bias": "embeddings.patch_embeddings.projection.bias",
        "norm.weight": "layernorm.weight",
        "norm.bias": "layernorm.bias",
    }
    inner = {
        "attn.proj": "attention.output.dense",
        "ls1.gamma": "layer_scale1.lambda1",
        "ls2.gamma": "layer_scale2.lambda1",
    }
    for name, value in net.items():
        if name in top:
            renamed[top[name]] = value
            continue
        _, number, rest = name.split(".", 2)
        place = f"encoder.layer.{number}."
        if rest.startswith("attn.qkv."):
            for part, piece in zip(("query", "key", "value"), value.chunk(3), strict=True):
                renamed[f"{place}attention.attention.{part}.{rest.rpartition('.')[2]}"] = piece.clone()
            continue
        for old, new in inner.items():
            rest = rest.replace(old, new)
        renamed[place + rest] = value
    return renamed


def of_its_authors(net: State) -> State:
    """Return a DINOv2 as its authors save a large one: with a mask token, and blocks in chunks."""
    chunked = {
        re.sub(r"^blocks\.(\d+)\.", lambda m: f"blocks.{int(m[1]) // 4}.{m[1]}.", n): v
        for n, v in net.items()
    }
    return {"teacher": {f"backbone.{name}": value for name, value in chunked.items()}} | {  # type: ignore[dict-item]
        "teacher": {
            "backbone.mask_token": torch.zeros(1, 384),
            **{f"backbone.{name}": value for name, value in chunked.items()},
        }
    }


@pytest.mark.parametrize(
    "save", [of_transformers, of_its_authors, dict], ids=["transformers", "authors", "timm"]
)
@pytest.mark.parametrize("size", [518, 224])
def test_a_dino_gives_what_it_gave_however_it_was_saved_and_at_other_sizes(
    save: Callable[[State], State], size: int
) -> None:
    published = drawn(timm.create_model("vit_small_patch14_dinov2", num_classes=0))
    state = unwrapped(save(published.state_dict()))
    classifier, layout = filled("vit_small_patch14_dinov2", state, size=size)
    assert layout == ("dinov2-transformers" if save is of_transformers else "dinov2")
    if size == 518:
        with torch.no_grad():
            own = dict(classifier.backbone.net.named_parameters())  # type: ignore[union-attr, operator]
            for name, value in published.named_parameters():
                assert torch.equal(own[name], value), name
    else:  # position embeddings are interpolated, as the published net does
        x = images(224)
        with torch.no_grad():
            there = timm.create_model("vit_small_patch14_dinov2", num_classes=0, dynamic_img_size=True).eval()
            there.load_state_dict(published.state_dict())
            tokens = there.forward_features(as_imagenet(x, classifier))[:, 1:]
            close(classifier.features(x), tokens.transpose(1, 2).reshape(2, 384, 16, 16))


def test_registers_of_a_dino_are_taken_as_timm_takes_them() -> None:
    net = timm.create_model("vit_small_patch14_reg4_dinov2", num_classes=0)
    published = dict(net.state_dict())
    registers = published.pop("reg_token")
    place = torch.randn(1, 1, 384)
    state = {
        **published,
        "register_tokens": registers,
        "mask_token": torch.zeros(1, 384),
        "cls_token": published["cls_token"] - place,
        "pos_embed": torch.cat([place, published["pos_embed"]], dim=1),
    }
    classifier, _ = filled("vit_small_patch14_reg4_dinov2", state, size=518)
    for name, value in net.state_dict().items():
        close(classifier.backbone.net.state_dict()[name], value)  # type: ignore[union-attr, operator]
    assert [fit.backbone for fit in fitting_backbones(state)] == ["vit_small_patch14_reg4_dinov2"]


def test_the_image_tower_of_biomedclip_is_taken_and_its_text_tower_left() -> None:
    tower = timm.create_model(
        "vit_tiny_patch16_224", num_classes=0
    )  # published as vit_base; the names are the same
    state = {
        **{f"visual.trunk.{name}": value for name, value in tower.state_dict().items()},
        "visual.head.proj.weight": torch.zeros(512, 192),
        "text.transformer.embeddings.word_embeddings.weight": torch.zeros(10, 8),
        "logit_scale": torch.zeros(()),
    }
    classifier, layout = filled("vit_tiny_patch16_224", state, size=224)
    assert layout == "open-clip"
    assert classifier.mean.flatten().tolist() == pytest.approx(LAYOUTS["open-clip"].mean)
    x = images(224)
    with torch.no_grad():
        expected = tower.eval().forward_features(as_imagenet(x, classifier))[:, 1:]
        close(classifier.features(x), expected.transpose(1, 2).reshape(2, 192, 14, 14))


@pytest.mark.parametrize(
    "around", ["", "module.", "model.", "module.model.", "backbone.", "_orig_mod.", "_orig_mod.module."]
)
def test_what_training_programs_put_around_names_is_no_hindrance(around: str) -> None:
    net = timm.create_model("test_vit", num_classes=5)
    state = {f"{around}{name}": value for name, value in net.state_dict().items()}
    content = {"epoch": 3, "best": torch.tensor(0.7), "optimizer": {}, "state_dict": state}
    assert unwrapped({"epoch": 3, "of a name of theirs": state}) == state
    classifier, _ = filled("test_vit", unwrapped(content), size=160)
    own = classifier.backbone.net.state_dict()  # type: ignore[union-attr, operator]
    assert all(torch.equal(own[name], net.state_dict()[name]) for name in own)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_in_another_precision_are_taken_and_used_in_single(dtype: torch.dtype) -> None:
    net = timm.create_model("test_vit", num_classes=0)
    state = {name: value.to(dtype) for name, value in net.state_dict().items()}
    classifier, _ = filled("test_vit", state, size=160, channels=1)  # grey: three channels are added up
    own = classifier.backbone.net.state_dict()  # type: ignore[union-attr, operator]
    for name, value in net.state_dict().items():
        expected = value.to(dtype).float()
        assert own[name].dtype == torch.float32
        assert torch.equal(own[name], expected.sum(1, keepdim=True) if value.ndim == 4 else expected)
    assert str(dtype).removeprefix("torch.") in kept_in(state) and kept_in(net.state_dict()) == ""


def test_a_model_of_ours_is_taken_with_what_its_images_were_normalised_by() -> None:
    for backbone in ("test_efficientnet", "cifar-cnn"):
        earlier = classifier_of(backbone, size=32)
        earlier.set_normalisation((0.4,), (0.3,))
        classifier, layout = filled(backbone, dict(earlier.state_dict()), size=32)
        assert layout == "overread"
        x = images(32)
        with torch.no_grad():
            close(classifier.features(x), earlier.features(x))


@pytest.mark.parametrize(
    ("of", "backbone"),
    [
        ("test_vit", "test_resnet"),
        ("resnet18", "resnet50"),
        ("resnet34", "resnet18"),  # which has its first blocks by the same names and shapes
        ("vit_tiny_patch16_224", "test_vit"),
    ],
)
def test_weights_of_another_net_are_refused_in_a_sentence_and_change_nothing(of: str, backbone: str) -> None:
    state = timm.create_model(of, num_classes=0).state_dict()
    classifier = classifier_of(backbone, size=160)
    before = {name: value.clone() for name, value in classifier.state_dict().items()}
    with pytest.raises(WeightsError, match=rf"^odd.pt \(.*\) does not fit {backbone}: \d+ (of|in|have)"):
        load_weights(classifier, state, backbone=backbone, name="odd.pt")
    assert all(torch.equal(value, before[name]) for name, value in classifier.state_dict().items())


def test_checkpoints_from_before_normalisation_was_kept_load_as_they_did() -> None:
    classifier = classifier_of("test_vit", size=160)
    state = {name: value for name, value in classifier.state_dict().items() if name not in ("mean", "std")}
    again = classifier_of("test_vit", size=160)
    again.load_state_dict(state)
    assert torch.equal(again.mean, classifier.mean) and torch.equal(again.std, classifier.std)
