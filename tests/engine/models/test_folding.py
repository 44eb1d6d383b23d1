"""A folded net gives what the net gives, learns what it learns, and follows it."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from timm.layers import Conv2dSame
from torch import nn

from engine.models.classifier import build_classifier
from engine.models.depthwise import convolve
from engine.models.folding import folded
from engine.models.trainable import set_trainable
from tests.tiny import TINY_RECIPE


def _lived_in(net: nn.Module) -> nn.Module:
    """Give batch norms statistics of their own, as a trained net has them."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d) and module.running_mean is not None:
            nn.init.normal_(module.running_mean, 0, 0.1)
            nn.init.uniform_(module.running_var, 0.5, 2)  # type: ignore[arg-type]
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.1)
    return net


@pytest.mark.parametrize("backbone", ["test_efficientnet", "resnet18", "scnnb-b"])
def test_a_folded_net_gives_and_learns_what_the_net_does(backbone: str) -> None:
    torch.manual_seed(0)
    net = build_classifier(replace(TINY_RECIPE, backbone=backbone, image_size=32), 2)
    _lived_in(net)
    trained = set_trainable(net, "all", freeze_batch_norm=True)
    net.train()
    images = torch.rand(4, 3, 32, 32)
    spared = folded(net, probe=images)
    has_norms = any(isinstance(module, nn.BatchNorm2d) for module in net.modules())
    assert (spared is not net) is has_norms
    said = []
    for one in (net, spared):
        torch.manual_seed(1)  # of dropout
        logits = one(images)
        said.append([logits, *torch.autograd.grad(logits.square().sum(), trained)])
    for own, of_folded in zip(*said, strict=True):
        assert torch.allclose(own, of_folded, rtol=1e-3, atol=1e-4 * float(own.abs().max()) + 1e-7)
    with torch.no_grad():
        for parameter in trained:
            parameter.mul_(1.1)
        net.eval()
        after = net(images)
        assert torch.allclose(after, spared(images), atol=1e-4 * float(after.abs().max()))
        assert not torch.allclose(after, said[0][0], atol=1e-3 * float(after.abs().max()))


def test_batch_norms_that_learn_are_left_to_themselves() -> None:
    torch.manual_seed(0)
    net = _lived_in(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()))
    spared = folded(copy.deepcopy(net).train())
    images = torch.rand(8, 3, 9, 9)
    assert torch.equal(net.train()(images), spared(images))
    assert torch.equal(net[1].running_var, dict(spared.named_buffers())["0.norm.running_var"])


def test_a_net_that_calls_its_layers_in_another_order_is_left_as_it_is() -> None:
    class NormFirst(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            made: torch.Tensor = self.conv(self.norm(x))
            return made

    torch.manual_seed(0)
    net = _lived_in(NormFirst()).eval()
    assert folded(net, probe=torch.rand(2, 4, 5, 5)) is net


@pytest.mark.parametrize(
    "conv",
    [
        nn.Conv2d(32, 32, 5, padding=2, groups=32),
        nn.Conv2d(32, 32, (3, 7), padding=(1, 3), stride=(1, 2), groups=32),
        nn.Conv2d(32, 32, 4, groups=32),
        Conv2dSame(32, 32, 5, stride=2, groups=32),
        Conv2dSame(32, 32, 5, stride=1, groups=32),
    ],
    ids=str,
)
@pytest.mark.parametrize("side", [9, 14])
def test_a_wide_depthwise_convolution_learns_what_pytorch_says(conv: nn.Conv2d, side: int) -> None:
    torch.manual_seed(0)
    images = torch.rand(3, 32, side, side, requires_grad=True)
    asked = [images, conv.weight, conv.bias]
    said = []
    for made in (conv(images), convolve(conv, images, conv.weight, conv.bias)):
        slope = torch.rand(made.shape, generator=torch.Generator().manual_seed(1))
        said.append([made, *torch.autograd.grad((made * slope).sum(), asked)])
    for expected, found in zip(*said, strict=True):
        assert torch.allclose(found, expected, rtol=1e-4, atol=1e-5 * float(expected.abs().max()))
