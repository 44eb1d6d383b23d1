"""SCNNB, a shallow net for small images (doi:10.1007/s42452-019-1903-4)."""

from __future__ import annotations

from dataclasses import replace

from engine.recipes.published.printed import printed
from engine.records import Head, Phase, Recipe

_SCNNB_SOURCE = (
    "doi:10.1007/s42452-019-1903-4, and a report that trained it again. The report applied softmax before "
    "the cross-entropy, which applies it a second time; here the loss takes the logits. Epochs (15, and 30 "
    "without any batch norm), batch size and the cosine schedule are ours: they are not printed."
)


def _scnnb(variant: str, mnist: float, fashion: float, *, epochs: int = 15) -> Recipe:
    return Recipe(
        name=f"scnnb{variant}",
        title=f"SCNNB{variant}, a shallow network for 28 × 28 grey images",
        source=_SCNNB_SOURCE,
        backbone=f"scnnb{variant}",
        weights="random",
        image_size=28,
        channels=1,
        head=Head(pooling="flatten", hidden=(1280,), dropout=(0.5,)),
        phases=(
            Phase(
                name="train",
                epochs=epochs,
                trainable="all",
                optimizer="momentum",
                learning_rate=0.02,
                momentum=0.9,
                weight_decay=5e-6,
                schedule="cosine",
                monitor="val_accuracy",
            ),
        ),
        batch_size=128,
        expected=(
            printed("accuracy", mnist, "MNIST, 10,000 test images", tolerance=0.003),
            printed("accuracy", fashion, "Fashion-MNIST, 10,000 test images", tolerance=0.003),
        ),
    )


def _scnnb_cifar(grey: Recipe, accuracy: float) -> Recipe:
    return replace(
        grey,
        name=f"{grey.name}-cifar",
        title=grey.title.replace("28 × 28 grey", "32 × 32 colour"),
        image_size=32,
        channels=3,
        expected=(printed("accuracy", accuracy, "CIFAR-10, 10,000 test images", tolerance=0.003),),
    )


_SCNNB = _scnnb("", 0.9948, 0.9280)


_SCNNB_A = _scnnb("-a", 0.9940, 0.9301)


_SCNNB_B = _scnnb("-b", 0.9946, 0.9265, epochs=30)  # without batch norm it learns half as fast


SCNNB = (
    _SCNNB,
    _SCNNB_A,
    _SCNNB_B,
    _scnnb_cifar(_SCNNB, 0.8031),
    _scnnb_cifar(_SCNNB_A, 0.7998),
    _scnnb_cifar(_SCNNB_B, 0.7452),
)
