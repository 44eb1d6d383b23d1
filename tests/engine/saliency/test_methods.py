"""Promises of engine.saliency.methods: Grad-CAM equals captum's, one forward pass, maps that stay in place."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from captum.attr import (
    GradientShap,
    InputXGradient,
    IntegratedGradients,
    LayerGradCam,
    NoiseTunnel,
    Occlusion,
)
from torch import nn

from engine.errors import RecipeError
from engine.language import in_print
from engine.models.backbone import build_backbone
from engine.models.classifier import Classifier, ClassifierHead
from engine.records import Head
from engine.saliency.attribution import AT_ONCE, CELL, scores
from engine.saliency.heatmap import upsample
from engine.saliency.method_record import HARDLY_CHANGED, Method
from engine.saliency.methods import (
    SALIENCIES,
    SAMPLES,
    STEPS,
    explain,
    grad_cam,
    hires_cam,
    normalise,
)


class TinyBackbone(nn.Module):
    channels, mean, std, default_size = 6, (0.5, 0.4, 0.3), (0.2, 0.3, 0.4), 32

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(3, 5, 3, 2, 1), nn.BatchNorm2d(5), nn.ReLU(), nn.Conv2d(5, 6, 3, 2, 1), nn.ReLU()
        )
        self.passes = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.passes += 1
        return self.net(x)


def tiny(head: Head | None = None, classes: int = 3) -> Classifier:
    torch.manual_seed(3)
    made = ClassifierHead(head or Head(hidden=(7,)), map_shape=(6, 8, 8), n_classes=classes)
    return Classifier(TinyBackbone(), made, channels=3).eval()


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(5, 3, 32, 32, generator=torch.Generator().manual_seed(1))


TARGETS = torch.tensor([0, 1, 2, 1, 0])
HEADS = [
    Head(),
    Head(hidden=(7,), dropout=(0.3,)),
    Head(pooling="flatten", hidden=(9, 4), activation="tanh"),
    Head(pooling="per-position", hidden=(5,)),
]


@pytest.mark.parametrize("head", HEADS, ids=lambda head: f"{head.pooling}-{head.hidden}")
def test_grad_cam_equals_captum_under_every_kind_of_head(head, images):
    classifier = tiny(head)
    ours = grad_cam(classifier, images, TARGETS)
    theirs = LayerGradCam(classifier, classifier.backbone).attribute(
        images, target=TARGETS, relu_attributions=True
    )[:, 0]
    assert ours.abs().max() > 0
    assert torch.allclose(ours, theirs.detach(), rtol=0, atol=1e-5 * float(theirs.detach().abs().max()))


def test_grad_cam_equals_captum_on_the_default_backbone():
    torch.manual_seed(0)
    backbone = build_backbone("efficientnet-lite0", channels=3, image_size=64)
    classifier = Classifier(
        backbone, ClassifierHead(Head(), map_shape=(1280, 2, 2), n_classes=2), channels=3
    ).eval()
    images = torch.rand(3, 3, 64, 64)
    targets = torch.tensor([1, 0, 1])
    ours = grad_cam(classifier, images, targets)
    theirs = LayerGradCam(classifier, classifier.backbone).attribute(
        images, target=targets, relu_attributions=True
    )[:, 0]
    assert torch.allclose(ours, theirs.detach(), rtol=1e-5, atol=1e-5 * float(theirs.detach().abs().max()))


def test_the_family_agrees_where_the_head_is_a_plain_average(images):
    # Under average pooling and one linear layer the gradient is the same everywhere.
    classifier = tiny(Head())
    assert torch.allclose(
        grad_cam(classifier, images, TARGETS), hires_cam(classifier, images, TARGETS), rtol=1e-4, atol=1e-7
    )


def test_grad_cam_is_one_forward_pass_and_none_where_the_map_is_known(images):
    classifier = tiny()
    before = classifier.backbone.passes
    first = grad_cam(classifier, images, TARGETS)
    assert classifier.backbone.passes == before + 1
    with torch.inference_mode():
        features = classifier.features(images)
        again = grad_cam(classifier, images, TARGETS, features)
    assert classifier.backbone.passes == before + 2
    assert torch.allclose(first, again)


def test_explaining_leaves_the_classifier_as_it_was(images):
    classifier = tiny().train()
    before = {name: value.clone() for name, value in classifier.state_dict().items()}
    for method in SALIENCIES:
        explain(classifier, images[:1], TARGETS[:1], method)
    assert classifier.training
    assert all(parameter.grad is None for parameter in classifier.parameters())
    assert all(torch.equal(before[name], value) for name, value in classifier.state_dict().items())


@pytest.mark.parametrize("method", SALIENCIES)
def test_every_method_gives_maps_in_range_and_the_same_ones_again_alone_or_in_a_batch(method, images):
    classifier = tiny()
    first = explain(classifier, images, TARGETS, method)
    torch.manual_seed(99)
    again = explain(classifier, images, TARGETS, method)
    assert first.dtype == np.float32 and first.ndim == 3 and len(first) == 5
    assert first.min() >= 0 and first.max() <= 1
    assert all(heat.max() in (0.0, 1.0) for heat in first)
    assert first.max() == 1
    assert np.array_equal(first, again)
    with torch.inference_mode():
        assert np.allclose(explain(classifier, images.clone(), TARGETS, method), first, atol=1e-5)
    small = explain(classifier, images, TARGETS, method, batch_size=2)
    assert np.allclose(first, small, atol=1e-4)


class Corner(nn.Module):
    """A backbone whose one channel is the image's brightness in cells of 4 pixels."""

    channels, mean, std, default_size = 1, (0.0,), (1.0,), 32

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.avg_pool2d(x, 4)


@pytest.mark.parametrize("method", SALIENCIES)
def test_every_method_points_at_the_one_bright_square_that_the_score_is_made_of(method):
    head = ClassifierHead(Head(), map_shape=(1, 8, 8), n_classes=2)
    with torch.no_grad():
        head.output.weight.copy_(torch.tensor([[-1.0], [1.0]]))
        head.output.bias.zero_()
    classifier = Classifier(Corner(), head, channels=1).eval()
    image = torch.zeros(1, 1, 32, 32)
    image[0, 0, 4:8, 20:24] = 1  # row 1, column 5 of the 8 x 8 cells: neither symmetric nor in the middle
    heat = upsample(explain(classifier, image, torch.tensor([1]), method)[0], 32, 32)
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    assert (row // 4, column // 4) == (1, 5)


def test_a_sigmoid_head_can_be_explained_for_either_class(images):
    classifier = tiny(Head(output="sigmoid", hidden=(7,)), classes=2)
    with torch.no_grad():
        classifier.head.output.bias.zero_()
    maps = explain(classifier, images, torch.zeros(5, dtype=torch.int64))
    others = explain(classifier, images, torch.ones(5, dtype=torch.int64))
    assert maps.max() == 1 and others.max() == 1
    assert not np.allclose(maps, others)


def test_maps_that_say_nothing_become_zero():
    maps = torch.stack(
        [torch.zeros(3, 3), torch.full((3, 3), 0.7), torch.eye(3) * 4, torch.full((3, 3), torch.nan)]
    )
    scaled = normalise(maps)
    assert torch.equal(scaled[0], torch.zeros(3, 3))
    assert torch.equal(scaled[1], torch.zeros(3, 3))
    assert torch.equal(scaled[2], torch.eye(3))
    assert torch.equal(scaled[3], torch.zeros(3, 3))


def test_an_unknown_method_is_refused_with_the_choices(images):
    with pytest.raises(RecipeError, match="grad-cam, grad-cam"):
        explain(tiny(), images, TARGETS, "gradcam")


# ------------------------------------------------------------------------------------------- captum, called directly


def captums(
    method: str, score: Callable[..., torch.Tensor], x: torch.Tensor, wanted: torch.Tensor
) -> torch.Tensor:
    """Attribute one image as the paper's method stands in captum, without any bound of ours."""
    said = {"additional_forward_args": (wanted,)}
    if method == "integrated-gradients":
        return IntegratedGradients(score).attribute(x, n_steps=STEPS, **said)
    if method == "smoothgrad":
        return NoiseTunnel(InputXGradient(score)).attribute(
            x, nt_type="smoothgrad", nt_samples=SAMPLES, stdevs=0.08, **said
        )
    if method == "gradient-shap":
        black_and_grey = torch.stack([torch.zeros_like(x[0]), torch.full_like(x[0], 0.5)])
        explainer = GradientShap(score)
        made = [
            explainer.attribute(x, black_and_grey, n_samples=AT_ONCE, stdevs=0.05, **said)
            for _ in range(SAMPLES // AT_ONCE)
        ]
        return torch.stack(made).mean(dim=0)
    side = x.shape[2] // 5
    return Occlusion(score).attribute(
        x,
        sliding_window_shapes=(3, side, side),
        strides=(3, 2 * side // 3, 2 * side // 3),
        baselines=x.mean().expand_as(x),
        **said,
    )


@pytest.mark.parametrize("head", [HEADS[1], Head(output="sigmoid", hidden=(7,))], ids=["softmax", "sigmoid"])
@pytest.mark.parametrize("method", [name for name, one in SALIENCIES.items() if one.copies])
def test_what_captum_makes_is_not_changed_by_the_bound_on_memory(method, head, images):
    classifier = tiny(head, classes=2)
    wanted = torch.tensor([1, 0, 1, 1, 0])
    ours = SALIENCIES[method].maps(classifier, images, wanted, None)
    for number in range(len(images)):
        torch.manual_seed(0)
        np.random.seed(0)
        x = images[number : number + 1].clone()
        theirs = captums(
            method, lambda x, y: scores(classifier, classifier(x), y), x, wanted[number : number + 1]
        )
        evidence = theirs.detach().sum(dim=1).clamp_min(0)
        cells = evidence.reshape(1, 32 // CELL, CELL, 32 // CELL, CELL).mean(dim=(2, 4))[0]
        assert cells.max() > 0
        assert torch.allclose(ours[number], cells.float(), atol=1e-4 * float(cells.max()))


# -------------------------------------------------------------------------------------------------------- memory


class Held:
    """A tensor that autograd keeps for the backward pass, counted while it does."""

    now = most = 0

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor, self.size = tensor, tensor.numel() * tensor.element_size()
        Held.now += self.size
        Held.most = max(Held.most, Held.now)

    def __del__(self) -> None:
        Held.now -= self.size


@contextmanager
def counted() -> Iterator[type[Held]]:
    Held.now = Held.most = 0
    with torch.autograd.graph.saved_tensors_hooks(Held, lambda held: held.tensor):
        yield Held


NETS = ("test_efficientnet", "test_resnet", "test_convnext", "test_vit", "scnnb", "swin-tiny")


@pytest.mark.parametrize("backbone", NETS)
@pytest.mark.parametrize("method", [name for name, one in SALIENCIES.items() if one.copies])
def test_neither_images_nor_steps_need_more_memory_than_a_few_copies_of_one_image(method, backbone):
    torch.manual_seed(0)
    size = 96 if backbone == "swin-tiny" else 32
    if backbone == "swin-tiny" and method == "occlusion":
        return  # holds nothing for a backward pass, and takes long
    net = build_backbone(backbone, channels=3, image_size=size)
    net.eval()
    shape = net(torch.zeros(1, 3, size, size)).shape
    head = ClassifierHead(Head(), map_shape=tuple(shape[1:]), n_classes=2)
    classifier = Classifier(net, head, channels=3).eval()
    for parameter in classifier.parameters():
        parameter.requires_grad_(False)
    together: list[int] = []
    classifier.register_forward_pre_hook(lambda module, given: together.append(len(given[0])))
    images = torch.rand(2 if backbone == "swin-tiny" else 9, 3, size, size)
    with counted() as held:
        x = images[:AT_ONCE].repeat(AT_ONCE, 1, 1, 1)[:AT_ONCE].requires_grad_(True)
        classifier(x).sum().backward()
        a_few = held.most
    with counted() as held:
        SALIENCIES[method].maps(classifier, images, torch.ones(len(images), dtype=torch.int64), None)
    assert max(together) <= AT_ONCE
    assert held.most <= 1.1 * a_few + AT_ONCE * 3 * images[0].numel() * 4
    expected = SALIENCIES[method].copies(size, size)
    assert sum(together[1:]) == len(images) * expected  # what progress is told of


# --------------------------------------------------------------------------------------------------- the registry


def test_the_methods_can_be_listed_without_torch():
    seen = (
        "import sys; from engine.saliency import SALIENCIES; print(len(SALIENCIES), 'torch' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=True)
    assert told.stdout.split() == [str(len(SALIENCIES)), "False"]


def test_a_method_whose_maps_outlive_the_head_is_marked_with_the_figure_and_no_other_is():
    marked = {name for name, one in SALIENCIES.items() if one.caution()}
    assert marked == {name for name, one in SALIENCIES.items() if (one.kept or 0) >= HARDLY_CHANGED}
    assert {"layercam", "grad-cam++"} <= marked and "two-scale-cam" not in marked
    for name in marked:
        assert (
            f"(rank correlation {in_print(SALIENCIES[name].kept, '.2f')} on the demonstration"
            in SALIENCIES[name].caution()
        )
    # what was measured on the run at hand counts, either way
    assert SALIENCIES["layercam"].caution(0.4) == ""
    assert ".95 on this run" in SALIENCIES["two-scale-cam"].caution(0.95)
    assert Method(maps=grad_cam).caution() == ""  # nobody measured it: nothing is said
