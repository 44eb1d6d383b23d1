"""One door to every backbone: shapes, sizes, freezing and counts are read off the model itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from engine.errors import RecipeError, WeightsError
from engine.models.backbone import BACKBONES, build_backbone
from engine.models.classifier import build_classifier, load_pretrained
from engine.models.trainable import count_parameters, rate_groups, set_trainable
from engine.models.weights import file_digest, packaged_file
from engine.records import Head, Phase, Recipe
from tests.tiny import TINY_RECIPE

# One small member of each family; the registry's own names are of the same classes.
FAMILIES = {
    "test_efficientnet": 64,
    "tf_efficientnet_lite0": 64,
    "resnet18": 64,
    "inception_v3": 96,
    "densenet121": 64,
    "mobilenetv3_small_050": 64,
    "convnext_atto": 64,
    "vit_tiny_patch16_224": 64,
    "swin_tiny_patch4_window7_224": 64,
}

HEAD_ONLY = (Phase(name="head", epochs=1),)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_gives_one_map_in_channels_first_order(name: str) -> None:
    classifier = build_classifier(replace(TINY_RECIPE, backbone=name, image_size=FAMILIES[name]), 3).eval()
    images = torch.rand(2, 3, FAMILIES[name], FAMILIES[name])
    with torch.no_grad():
        features = classifier.features(images)
        assert features.ndim == 4
        assert features.shape[1] == classifier.backbone.channels
        assert torch.allclose(classifier.head(features), classifier(images))
        assert classifier(images).shape == (2, 3)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_parameter_that_is_counted_can_learn(name: str) -> None:
    classifier = build_classifier(replace(TINY_RECIPE, backbone=name, image_size=FAMILIES[name]), 2)
    classifier(torch.rand(2, 3, FAMILIES[name], FAMILIES[name])).square().sum().backward()
    still = [of for of, parameter in classifier.named_parameters() if parameter.grad is None]
    assert not still, "timm's own classifier reads these, ours does not"


@pytest.mark.parametrize("name", FAMILIES)
def test_every_block_has_weights_and_no_norm_is_a_block_by_itself(name: str) -> None:
    classifier = build_classifier(replace(TINY_RECIPE, backbone=name, image_size=FAMILIES[name]), 2)
    blocks = classifier.backbone.blocks
    assert all(any(parameter.ndim > 1 for parameter in block) for block in blocks)
    listed = {id(parameter) for block in blocks for parameter in block}
    assert listed == {id(parameter) for parameter in classifier.backbone.parameters()}


@pytest.mark.parametrize("pooling", ["average", "flatten"])
def test_an_image_too_small_for_its_net_is_refused_before_anything_is_decoded(pooling: str) -> None:
    small = replace(TINY_RECIPE, backbone="inception_v3", image_size=64, head=Head(pooling=pooling))
    with pytest.raises(RecipeError, match=r"no map of images of 64 pixels.*larger image size"):
        count_parameters(small, 2)


@pytest.mark.parametrize(("name", "size"), [("maxvit_tiny_tf_224", 250), ("crossvit_tiny_240", 240)])
def test_a_net_that_makes_no_map_of_such_images_is_refused_in_a_sentence(name: str, size: int) -> None:
    with pytest.raises(RecipeError, match=rf"{name} .* images of {size} pixels"):
        count_parameters(replace(TINY_RECIPE, backbone=name, image_size=size), 2)


def test_a_net_that_was_stored_with_its_unread_layers_is_still_loaded() -> None:
    recipe = replace(TINY_RECIPE, backbone="mobilenetv3_small_050", image_size=64)
    classifier = build_classifier(recipe, 2)
    older = classifier.state_dict() | {"backbone.net.conv_head.weight": torch.zeros(3)}
    build_classifier(recipe, 2).load_state_dict(older)
    with pytest.raises(RuntimeError, match="another"):
        classifier.load_state_dict(older | {"backbone.net.another.weight": torch.zeros(3)})


def test_a_head_that_no_phase_trains_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"Add head\.\*"):
        count_parameters(
            replace(TINY_RECIPE, phases=(Phase(name="x", epochs=1, trainable="conv_stem.*"),)), 2
        )


def test_initialisation_is_of_every_layer_without_pretrained_weights() -> None:
    narrow = replace(TINY_RECIPE, weights="random", init="normal", head=Head(hidden=(64,)))
    fresh = build_classifier(narrow, 2)
    kept = build_classifier(replace(narrow, weights="imagenet"), 2)
    stem = [net.backbone.net.conv_stem.weight for net in (fresh, kept)]
    assert stem[0].std() < 0.015 < stem[1].std()
    assert kept.head.layers[0].weight.std() < 0.015


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "swin_tiny_patch4_window7_224"])
def test_token_grids_lie_the_way_the_image_lies(name: str) -> None:
    torch.manual_seed(0)
    classifier = build_classifier(replace(TINY_RECIPE, backbone=name, image_size=224), 2).eval()
    grey = torch.full((1, 3, 224, 224), 0.5)
    corner = grey.clone()
    corner[..., :32, -32:] = torch.rand(3, 32, 32)  # top right
    with torch.no_grad():
        change = (classifier.features(corner) - classifier.features(grey)).abs().mean(1)[0]
    h, w = change.shape
    row, column = divmod(int(change.argmax()), w)
    assert row < h / 3, "the change at the top shows elsewhere"
    assert column >= 2 * w / 3, "the change on the right shows elsewhere"


@pytest.mark.parametrize("name", BACKBONES)
def test_every_registered_backbone_is_built_without_a_network(name: str) -> None:
    backbone = build_backbone(name, channels=3, image_size=224)
    assert backbone.channels > 0
    assert len(backbone.mean) == len(backbone.std)
    assert len(backbone.blocks) > 1


def test_an_unknown_backbone_is_refused_with_names_like_it() -> None:
    with pytest.raises(RecipeError, match="efficientnet-lite0"):
        build_backbone("efficientnet-lite00", channels=3, image_size=224)


@pytest.mark.parametrize(
    ("backbone", "size", "hidden", "trained"),
    [
        ("inception-v3", 255, (10, 6), 20_990),
        ("resnet50", 255, (8, 5), 17_079),
        ("densenet121", 255, (8, 5), 8_887),
    ],
)
def test_published_per_position_heads_have_the_published_number_of_parameters(
    backbone: str, size: int, hidden: tuple[int, ...], trained: int
) -> None:
    recipe = replace(
        TINY_RECIPE,
        backbone=backbone,
        image_size=size,
        head=Head(pooling="per-position", hidden=hidden),
        phases=HEAD_ONLY,
    )
    assert count_parameters(recipe, 2)[1] == trained


def test_what_is_frozen_keeps_its_values_and_its_batch_statistics() -> None:
    torch.manual_seed(0)
    classifier = build_classifier(TINY_RECIPE, 2)
    parameters = set_trainable(classifier, "head")
    before = {name: value.clone() for name, value in classifier.backbone.state_dict().items()}
    optimizer = torch.optim.SGD(parameters, lr=0.1)
    classifier.train()
    classifier(torch.rand(4, 3, 32, 32)).square().sum().backward()
    optimizer.step()
    for name, value in classifier.backbone.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_frozen_batch_norm_stays_as_it_came_while_the_layers_around_it_learn() -> None:
    torch.manual_seed(0)
    images = torch.rand(8, 3, 32, 32)
    classifier = build_classifier(replace(TINY_RECIPE, head=Head(hidden=(4,), batch_norm=True)), 2)
    for _ in range(30):  # its statistics are measured, as a pretrained net's are
        classifier.train()(images)
    parameters = set_trainable(classifier, "all", freeze_batch_norm=True)
    norms = [m for m in classifier.backbone.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    before = {name: value.clone() for name, value in classifier.state_dict().items()}
    optimizer = torch.optim.SGD(parameters, lr=0.1)
    classifier.train()(images).square().sum().backward()
    optimizer.step()
    of_norms = {id(value) for norm in norms for value in (*norm.parameters(), *norm.buffers())}
    kept = {name for name, value in classifier.state_dict(keep_vars=True).items() if id(value) in of_norms}
    assert len(kept) == 5 * len(norms) > 0
    kept |= {"mean", "std"}  # how images are normalised, which nothing learns
    for name, value in classifier.state_dict().items():
        assert torch.equal(value, before[name]) == (name in kept), name  # the head's own batch norm learns
    set_trainable(classifier, "all")
    assert all(parameter.requires_grad for parameter in classifier.parameters())
    with pytest.raises(RecipeError, match="batch norm alone"):
        set_trainable(classifier, "bn1.*", freeze_batch_norm=True)


@pytest.mark.parametrize("trainable", ["all", "last 2", "head"])
def test_the_rate_falls_from_block_to_block_and_each_parameter_has_one(trainable: str) -> None:
    classifier = build_classifier(TINY_RECIPE, 2)
    parameters = set_trainable(classifier, trainable)
    groups = rate_groups(classifier, parameters, rate=0.1, decay=0.5)
    grouped = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(grouped) == sorted(map(id, parameters))
    assert [group["lr"] for group in groups] == pytest.approx(
        [0.1 * 0.5**depth for depth in range(len(groups))]
    )
    rate = {id(parameter): group["lr"] for group in groups for parameter in group["params"]}
    assert rate[id(classifier.head.output.weight)] == 0.1
    first = next(classifier.backbone.parameters())
    assert rate.get(id(first), 0.0) == (min(rate.values()) if trainable == "all" else 0.0)


def test_the_last_blocks_are_those_next_to_the_head() -> None:
    classifier = build_classifier(TINY_RECIPE, 2)
    set_trainable(classifier, "last 2")
    trained = {name for name, p in classifier.named_parameters() if p.requires_grad}
    assert any(name.startswith("head.") for name in trained)
    assert any("conv_head" in name for name in trained)
    assert not any("conv_stem" in name for name in trained)


def test_layers_can_be_chosen_by_pattern_and_a_pattern_that_matches_nothing_is_refused() -> None:
    classifier = build_classifier(TINY_RECIPE, 2)
    set_trainable(classifier, "conv_stem.*, head.*")
    trained = {name for name, p in classifier.named_parameters() if p.requires_grad}
    assert trained == {"backbone.net.conv_stem.weight", "head.output.weight", "head.output.bias"}
    with pytest.raises(RecipeError, match="No layer is named"):
        set_trainable(classifier, "conv_steam.*")
    with pytest.raises(RecipeError, match="blocks"):
        set_trainable(classifier, "last 99")


def test_a_sigmoid_head_says_the_same_as_a_softmax_over_nought_and_its_output() -> None:
    classifier = build_classifier(replace(TINY_RECIPE, head=Head(output="sigmoid")), 2).eval()
    images = torch.rand(3, 3, 32, 32)
    with torch.no_grad():
        logits = classifier(images)
        single = classifier.head.output(classifier.head.pool(classifier.features(images)))[:, 0]
    assert torch.allclose(logits.softmax(1)[:, 1], single.sigmoid(), atol=1e-6)
    with pytest.raises(RecipeError, match="two classes"):
        build_classifier(replace(TINY_RECIPE, head=Head(output="sigmoid")), 3)


def test_the_packaged_imagenet_weights_fit_timms_net_to_the_last_name() -> None:
    import timm

    from engine.models.weights import find_weights

    found = find_weights("tf_efficientnet_lite0")
    assert found is not None
    state, origin = found
    assert "registry package" in origin
    net = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    net.load_state_dict(state)  # strict: every name and shape fits, classifier included
    path = packaged_file("tf_efficientnet_lite0")
    assert path is not None
    assert file_digest(path).startswith("57934424")


def test_weights_that_are_not_on_this_machine_are_not_downloaded() -> None:
    recipe = replace(TINY_RECIPE, backbone="resnet18", image_size=32)
    with pytest.raises(WeightsError, match="--allow-downloads"):
        load_pretrained(build_classifier(recipe, 2), "imagenet")


def test_weights_are_read_from_a_local_file(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    import timm
    from safetensors.torch import save_file

    torch.manual_seed(5)
    source = timm.create_model("resnet18", pretrained=False)
    save_file(source.state_dict(), tmp_path / "resnet18.safetensors")
    monkeypatch.setenv("OVERREAD_WEIGHTS", str(tmp_path))
    classifier = build_classifier(replace(TINY_RECIPE, backbone="resnet18", image_size=64), 2).eval()
    assert "local file" in load_pretrained(classifier, "imagenet")
    assert torch.equal(classifier.backbone.net.conv1.weight, source.conv1.weight)

    (tmp_path / "resnet18.safetensors").write_bytes((tmp_path / "resnet18.safetensors").read_bytes()[:1000])
    with pytest.raises(WeightsError, match="cut short"):
        load_pretrained(classifier, "imagenet")
    monkeypatch.setenv("OVERREAD_WEIGHTS", str(tmp_path / "gone"))
    with pytest.raises(WeightsError, match=r"OVERREAD_WEIGHTS names .*gone, and there is no such folder"):
        load_pretrained(classifier, "imagenet")


def test_a_local_file_for_another_size_or_grey_images_is_adapted(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    import timm
    from safetensors.torch import save_file

    source = timm.create_model("test_vit", pretrained=False)
    save_file(source.state_dict(), tmp_path / "test_vit.safetensors")
    monkeypatch.setenv("OVERREAD_WEIGHTS", str(tmp_path))
    recipe: Recipe = replace(TINY_RECIPE, backbone="test_vit", image_size=96, channels=1)
    classifier = build_classifier(recipe, 2)
    load_pretrained(classifier, "imagenet")
    grey = source.patch_embed.proj.weight.sum(1, keepdim=True)
    assert torch.allclose(classifier.backbone.net.patch_embed.proj.weight, grey, atol=1e-5)
