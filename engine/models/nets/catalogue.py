"""Published nets that timm lacks, one a file, without heads; a new one is a function and a line in `NETS`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import nn

from engine.models.nets.affect import affect_alexnet, affect_mobilenet, affect_vggnet
from engine.models.nets.cifar_cnn import cifar_cnn
from engine.models.nets.covid_cnn import covid_cnn
from engine.models.nets.scnnb import scnnb
from engine.models.nets.stack import Stack

NETS: dict[str, Callable[[int], Stack]] = {
    "scnnb": scnnb,
    "scnnb-a": partial(scnnb, first_norm=False),
    "scnnb-b": partial(scnnb, first_norm=False, second_norm=False),
    "cifar-cnn": cifar_cnn,
    "cifar-cnn-one-7x7": partial(cifar_cnn, kernels=(7,)),
    "cifar-cnn-one-3x3": partial(cifar_cnn, kernels=(3,)),
    "cifar-cnn-tanh": partial(cifar_cnn, activation=nn.Tanh),
    "cifar-cnn-sigmoid": partial(cifar_cnn, activation=nn.Sigmoid),
    "cifar-cnn-no-batch-norm": partial(cifar_cnn, batch_norm=False),
    "affect-alexnet": affect_alexnet,
    "affect-vggnet": affect_vggnet,
    "affect-mobilenet": affect_mobilenet,
    "covid-cnn": covid_cnn,
}
"""Name → (channels of the images) → net."""
