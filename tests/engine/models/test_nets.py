"""The published nets: shapes and parameter totals to the last digit.

A note on counting. Keras counts the moving mean and variance of batch normalisation as (non-trainable)
parameters; in PyTorch they are buffers, and so is `num_batches_tracked`, one number a layer, which Keras
does not have. A total printed by Keras is therefore parameters() plus running_mean plus running_var, and
its "trainable" line is parameters() alone. A total printed by PyTorch is parameters() alone.
"""

from __future__ import annotations

import pytest
import torch
from torch import nn

from engine.models.classifier import build_classifier
from engine.models.nets.catalogue import NETS
from engine.recipes.published import PUBLISHED


def parameters(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def moving_statistics(net: nn.Module) -> int:
    return sum(
        buffer.numel()
        for name, buffer in net.named_buffers()
        if name.endswith(("running_mean", "running_var"))
    )


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_net_gives_the_map_it_promises(name, channels):
    net = NETS[name](channels).eval()
    size = net.default_size
    with torch.no_grad():
        out = net(torch.rand(2, channels, size, size))
    assert out.shape[:2] == (2, net.channels) and torch.isfinite(out).all()
    assert len(net.mean) == len(net.std) == 1
    assert len(net.blocks) >= 2
    assert sum(parameters(block) for block in net.blocks) == parameters(net)


@pytest.mark.parametrize("name", NETS)
def test_every_net_passes_gradients_to_its_first_block(name):
    torch.manual_seed(0)
    net = NETS[name](3)
    net(torch.rand(2, 3, net.default_size, net.default_size)).square().sum().backward()
    for block in net.blocks:
        for parameter in block.parameters():
            assert parameter.grad is not None
    assert net.blocks[0][0].weight.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("name", "channels", "size", "shape"),
    [
        ("scnnb", 1, 28, (64, 7, 7)),
        ("scnnb", 3, 32, (64, 7, 7)),
        ("scnnb-b", 3, 32, (64, 7, 7)),
        ("cifar-cnn", 3, 32, (128, 4, 4)),
        ("cifar-cnn-one-7x7", 3, 32, (128, 4, 4)),
        ("covid-cnn", 3, 150, (256, 2, 2)),
        ("affect-alexnet", 3, 128, (128, 4, 4)),  # 2048 values
        ("affect-vggnet", 3, 128, (128, 4, 4)),
        ("affect-mobilenet", 3, 128, (1024, 4, 4)),
    ],
)
def test_the_map_before_the_head(name, channels, size, shape):
    with torch.no_grad():
        assert NETS[name](channels).eval()(torch.rand(1, channels, size, size)).shape[1:] == shape


def test_scnnb_has_4047178_parameters_by_pytorch_count():
    classifier = build_classifier(PUBLISHED["scnnb"], 10)
    assert parameters(classifier) == 4_047_178
    # Two vectors of 32 and two of 64: the batch normalisations that the ablations leave out.
    assert parameters(build_classifier(PUBLISHED["scnnb-a"], 10)) == 4_047_178 - 64
    assert parameters(build_classifier(PUBLISHED["scnnb-b"], 10)) == 4_047_178 - 64 - 128


def test_cifar_cnn_has_552874_parameters_by_keras_count_551722_of_them_trainable():
    classifier = build_classifier(PUBLISHED["cifar-cnn"], 10)
    assert parameters(classifier) == 551_722
    assert moving_statistics(classifier) == 2 * (2 * 32 + 2 * 64 + 2 * 128 + 128) == 1_152
    assert parameters(classifier) + moving_statistics(classifier) == 552_874


def test_covid_cnn_has_1217345_parameters_by_keras_count():
    classifier = build_classifier(PUBLISHED["covid-cnn"], 2)
    assert moving_statistics(classifier) == 2 * (64 + 64 + 128 + 128 + 256 + 512 + 256)
    assert parameters(classifier) + moving_statistics(classifier) == 1_217_345


def test_the_ablations_differ_in_what_they_are_named_for():
    def kinds(name):
        return [type(module) for module in NETS[name](3).modules()]

    def kernels(name):
        return [module.kernel_size[0] for module in NETS[name](3).modules() if isinstance(module, nn.Conv2d)]

    assert kernels("cifar-cnn") == [3] * 6
    assert kernels("cifar-cnn-one-3x3") == [3] * 3
    assert kernels("cifar-cnn-one-7x7") == [7] * 3
    assert nn.ReLU not in kinds("cifar-cnn-tanh") and kinds("cifar-cnn-tanh").count(nn.Tanh) == 6
    assert nn.ReLU not in kinds("cifar-cnn-sigmoid") and kinds("cifar-cnn-sigmoid").count(nn.Sigmoid) == 6
    assert nn.BatchNorm2d not in kinds("cifar-cnn-no-batch-norm")


def test_mobilenet_has_the_pointwise_convolutions_that_the_report_left_out():
    convolutions = [m for m in NETS["affect-mobilenet"](3).modules() if isinstance(m, nn.Conv2d)]
    assert sum(m.groups == m.in_channels and m.groups > 1 for m in convolutions) == 13
    assert sum(m.kernel_size == (1, 1) and m.groups == 1 for m in convolutions) == 13
