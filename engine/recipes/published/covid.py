"""Nets that tell COVID from other chest films."""

from __future__ import annotations

from dataclasses import replace

from engine.recipes.published.printed import printed
from engine.records import Augmentation, Balance, Head, Phase, Recipe

_COVID_CNN = Recipe(
    name="covid-cnn",
    title="COVID CNN, from scratch on 150 × 150 films",
    source="Report without DOI. It turned and flipped every image before it split them, so its result is not "
    "a fair estimate; here the same changes are made to training images only, again in each epoch.",
    backbone="covid-cnn",
    weights="random",
    image_size=150,
    head=Head(pooling="flatten", hidden=(512, 256), batch_norm=True, output="sigmoid"),
    phases=(
        Phase(
            name="train",
            epochs=50,
            trainable="all",
            optimizer="adam",
            learning_rate=1e-3,
            stop_patience=30,
            monitor="val_accuracy",
        ),
    ),
    balance=Balance(method="class-weights"),
    augmentation=Augmentation(
        zoom=0.2,
        zoom_each_axis=True,
        horizontal_flip=True,
        vertical_flip=True,
        quarter_turns=True,
        fill="black",
    ),
    batch_size=32,
    operating_point="as-trained",
    expected=(
        printed("accuracy", 1.0, "75 of 188 films and their copies; copies were made before the split"),
    ),
)


_COVID_EFFICIENTNET = replace(
    _COVID_CNN,
    name="covid-efficientnet-b3",
    title="EfficientNet-B3, all of it trained, on 150 × 150 films",
    source=f"{_COVID_CNN.source} As printed, nothing is frozen.",
    backbone="efficientnet-b3",
    weights="imagenet",
    head=Head(hidden=(150, 64), dropout=(0.3, 0.2), output="sigmoid"),
    expected=(),
)


_COVID_RESNET = Recipe(
    name="covid-resnet101",
    title="ResNet-101, frozen, COVID against other films",
    source="Report without DOI: 338/162/45/955. The first dropout rate (.2) and the batch size are ours: not "
    "printed.",
    backbone="resnet101",
    head=Head(hidden=(256, 128), dropout=(0.2, 0.2), output="sigmoid"),
    phases=(Phase(name="head", epochs=40, optimizer="adam", learning_rate=1e-4),),
    batch_size=32,
    operating_point="half",
    expected=(
        printed("accuracy", 0.86, "1,500 films"),
        printed("sensitivity", 0.95, "1,500 films"),
        printed("specificity", 0.68, "1,500 films"),
    ),
)


def _covid_balanced(suffix: str, what: str, balance: Balance) -> Recipe:
    return replace(
        _COVID_RESNET,
        name=f"covid-resnet101-{suffix}",
        title=f"{_COVID_RESNET.title}, with {what}",
        source=f"What the report of covid-resnet101 asks for: a higher, decaying rate and {what}.",
        phases=(replace(_COVID_RESNET.phases[0], learning_rate=1e-3, schedule="cosine", monitor="val_auc"),),
        balance=balance,
        operating_point="youden",
        expected=(),
    )


COVID = (
    _COVID_RESNET,
    _covid_balanced("class-weights", "class weights", Balance(method="class-weights")),
    _covid_balanced("duplicated", "duplication", Balance(method="duplicate")),
    _covid_balanced("undersampled", "under-sampling", Balance(method="undersample")),
    _covid_balanced("focal", "focal loss", Balance(method="focal")),
    _COVID_CNN,
    _COVID_EFFICIENTNET,
)
