"""A small net on CIFAR-10, its ablations, and CIFAR-10 without most of its cats and dogs."""

from __future__ import annotations

from dataclasses import replace

from engine.recipes.published.printed import printed
from engine.records import Augmentation, Balance, Head, Phase, Recipe

_CIFAR_CNN = Recipe(
    name="cifar-cnn",
    title="CIFAR CNN: three double convolutions and one hidden layer",
    source="Report without DOI. Dropout rates (.2, .3, .4; head .5) and at most 100 epochs are ours.",
    backbone="cifar-cnn",
    weights="random",
    image_size=32,
    head=Head(pooling="flatten", hidden=(128,), dropout=(0.5,), batch_norm=True),
    phases=(
        Phase(
            name="train", epochs=100, trainable="all", optimizer="adam", learning_rate=1e-3, stop_patience=5
        ),
    ),
    batch_size=64,
)


def _ablation(suffix: str, what: str, **changes: object) -> Recipe:
    return replace(
        _CIFAR_CNN,
        name=f"cifar-cnn-{suffix}",
        title=f"CIFAR CNN with {what}",
        source=f"{_CIFAR_CNN.source} An ablation of cifar-cnn: {what}.",
        **changes,  # type: ignore[arg-type]
    )


_CIFAR_ABLATIONS = (
    _ablation("no-hidden", "no hidden layer", head=Head(pooling="flatten")),
    _ablation(
        "two-hidden",
        "two hidden layers",
        head=Head(pooling="flatten", hidden=(128, 128), dropout=(0.5,), batch_norm=True),
    ),
    _ablation(
        "tanh",
        "tanh in place of ReLU",
        backbone="cifar-cnn-tanh",
        head=replace(_CIFAR_CNN.head, activation="tanh"),
    ),
    _ablation(
        "sigmoid",
        "the logistic function in place of ReLU",
        backbone="cifar-cnn-sigmoid",
        head=replace(_CIFAR_CNN.head, activation="sigmoid"),
    ),
    _ablation(
        "sgd",
        "plain SGD at .01 in place of Adam",
        phases=(replace(_CIFAR_CNN.phases[0], optimizer="sgd", learning_rate=1e-2),),
    ),
    _ablation("one-7x7", "one 7 × 7 convolution a block", backbone="cifar-cnn-one-7x7"),
    _ablation("one-3x3", "one 3 × 3 convolution a block", backbone="cifar-cnn-one-3x3"),
    _ablation(
        "no-batch-norm",
        "no batch normalisation",
        backbone="cifar-cnn-no-batch-norm",
        head=replace(_CIFAR_CNN.head, batch_norm=False),
    ),
    _ablation("6000", "6,000 training images", train_limit=6000),
)


_CIFAR_IMBALANCED = replace(
    _CIFAR_CNN,
    name="cifar-imbalanced",
    title="CIFAR CNN on data with few cats and dogs, left unbalanced",
    source="Report without DOI: 90% of the cats and dogs were removed beforehand (41,000 images left).",
    expected=(
        printed("accuracy", 0.78, "CIFAR-10 without 90% of cats and dogs"),
        printed("F1 of cat", 0.40, "CIFAR-10 without 90% of cats and dogs", tolerance=0.05),
        printed("F1 of dog", 0.51, "CIFAR-10 without 90% of cats and dogs", tolerance=0.05),
    ),
)


_CIFAR_IMBALANCED_AUGMENTED = replace(
    _CIFAR_IMBALANCED,
    name="cifar-imbalanced-augmented",
    title="CIFAR CNN on data with few cats and dogs, refilled with augmented copies",
    source=f"{_CIFAR_IMBALANCED.source} Both classes are refilled with copies, rotated by up to 30°, "
    "shifted by up to 20%, brightness and scale .85 to 1.15; drawn again in each epoch, where "
    "the report drew them once.",
    balance=Balance(
        method="duplicate-augmented",
        target=("cat", "dog"),
        augmentation=Augmentation(rotation=30, shift=0.2, brightness=0.15, zoom=0.15),
    ),
    operating_point="as-trained",
    expected=(
        printed("accuracy", 0.81, "CIFAR-10 without 90% of cats and dogs"),
        printed("F1 of cat", 0.58, "CIFAR-10 without 90% of cats and dogs", tolerance=0.05),
        printed("F1 of dog", 0.65, "CIFAR-10 without 90% of cats and dogs", tolerance=0.05),
    ),
)


_CIFAR_EFFICIENTNET = Recipe(
    name="cifar-efficientnet-b0",
    title="EfficientNet-B0, frozen, on CIFAR images enlarged to 224 × 224",
    source="Report without DOI. The optimiser (Adam at .001) is ours: not printed.",
    backbone="efficientnet-b0",
    head=Head(hidden=(256, 256)),
    phases=(Phase(name="head", epochs=20, optimizer="adam", learning_rate=1e-3),),
    batch_size=256,
    expected=(printed("accuracy", 0.87, "CIFAR-10, 10,000 test images"),),
)


CIFAR = (
    _CIFAR_CNN,
    *_CIFAR_ABLATIONS,
    _CIFAR_IMBALANCED,
    _CIFAR_IMBALANCED_AUGMENTED,
    _CIFAR_EFFICIENTNET,
)
