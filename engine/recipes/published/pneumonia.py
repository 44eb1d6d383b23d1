"""Nets that find pneumonia on chest films of children."""

from __future__ import annotations

from dataclasses import replace

from engine.recipes.published.printed import printed
from engine.records import Augmentation, Balance, Head, Phase, Recipe

_FILMS_879 = "879 films, 641 with pneumonia"


_PNEUMONIA_B2 = Recipe(
    name="pneumonia-efficientnet-b2",
    title="EfficientNet-B2 on 128 × 128 films: head first, then all",
    source="Report without DOI: 60/20/20; 58 and 43 of 1,156 test films wrong. Factor and patience of its "
    "plateau are Keras' own (.1, 10). Keras takes shear .2 in degrees, and zooms each axis separately. The head "
    "sees four augmented views of each film.",
    backbone="efficientnet-b2",
    image_size=128,
    head=Head(hidden=(128, 64), dropout=(0.3, 0.2), output="sigmoid"),
    phases=(
        Phase(
            name="head",
            epochs=29,
            optimizer="adam",
            learning_rate=5e-5,
            schedule="plateau",
            schedule_patience=10,
            monitor="val_accuracy",
        ),
        Phase(
            name="all",
            epochs=15,
            trainable="all",
            optimizer="adam",
            learning_rate=5e-6,
            monitor="val_accuracy",
        ),
    ),
    balance=Balance(method="class-weights"),
    augmentation=Augmentation(
        rotation=30, zoom=0.2, zoom_each_axis=True, shear=0.2, shift=0.2, horizontal_flip=True
    ),
    views=4,
    batch_size=128,
    operating_point="as-trained",
    expected=(
        printed("accuracy", 0.91, "1,156 films, 840 with pneumonia", tolerance=0.02),
        printed("AUC", 0.89, "1,156 films, 840 with pneumonia", tolerance=0.02),
        printed("sensitivity", 0.93, "1,156 films, 840 with pneumonia", tolerance=0.02),
        printed("specificity", 0.86, "1,156 films, 840 with pneumonia", tolerance=0.04),
    ),
)


_INCEPTION = Recipe(
    name="pneumonia-inception-v3",
    title="Inception-v3, frozen, two dense layers at every position of its map",
    source="Report without DOI. Optimiser (Adam at .001), epochs and batch size are ours: not printed. The printed "
    "code gives it pixels from 0 to 1; here they are normalised as the backbone was trained with.",
    backbone="inception-v3",
    image_size=255,
    head=Head(pooling="per-position", hidden=(10, 6)),
    phases=(Phase(name="head", epochs=30, optimizer="adam", learning_rate=1e-3, monitor="val_accuracy"),),
    batch_size=32,
    operating_point="half",
    expected=(printed("accuracy", 0.965, f"{_FILMS_879}: [632 9; 22 216]"),),
)


_RESNET50 = replace(
    _INCEPTION,
    name="pneumonia-resnet50",
    title="ResNet-50, frozen, two dense layers at every position of its map",
    backbone="resnet50",
    head=Head(pooling="per-position", hidden=(8, 5)),
    expected=(printed("accuracy", 0.929, _FILMS_879),),
)


_DENSENET = replace(
    _INCEPTION,
    name="pneumonia-densenet121",
    title="DenseNet-121, frozen, two dense layers at every position of its map",
    source=f"{_INCEPTION.source} The widths, 8 and 5, follow from the printed 8,887 trained parameters.",
    backbone="densenet121",
    head=Head(pooling="per-position", hidden=(8, 5)),
    expected=(printed("accuracy", 0.970, f"{_FILMS_879}: [636 5; 21 217]"),),
)


def _with_dropout(recipe: Recipe, accuracy: float, confusion: str) -> Recipe:
    return replace(
        recipe,
        name=f"{recipe.name}-dropout",
        title=f"{recipe.title}, with dropout",
        head=replace(recipe.head, dropout=(0.2,)),
        expected=(printed("accuracy", accuracy, f"{_FILMS_879}: {confusion}"),),
    )


def _with_augmentation(
    recipe: Recipe,
    suffix: str,
    augmentation: Augmentation,
    accuracy: float,
    confusion: str,
    *,
    dropout: float = 0.0,
) -> Recipe:
    return replace(
        recipe,
        name=f"{recipe.name}-{suffix}",
        title=f"{recipe.title}, {suffix}",
        source=f"{recipe.source} The bounds of the augmentation are ours as well.",
        head=replace(recipe.head, dropout=(dropout,)),
        augmentation=augmentation,
        views=4,
        expected=(printed("accuracy", accuracy, f"{_FILMS_879}: {confusion}"),),
    )


_MILD = Augmentation(rotation=15, zoom=0.1, zoom_each_axis=True, shift=0.1, horizontal_flip=True)


_ROTATED = Augmentation(rotation=15)


def _one_convolution(
    suffix: str, which: str, trainable: str, note: str, accuracy: float, confusion: str
) -> Recipe:
    return replace(
        _INCEPTION,
        name=f"pneumonia-inception-v3-{suffix}",
        title=f"Inception-v3, frozen but for its {which} convolution",
        source=f"{_INCEPTION.source} The dropout rate is ours as well. {note}",
        head=Head(pooling="per-position", hidden=(10,), dropout=(0.2,)),
        phases=(
            Phase(
                name="train",
                epochs=30,
                trainable=trainable,
                optimizer="adam",
                learning_rate=1e-4,
                monitor="val_accuracy",
            ),
        ),
        expected=(printed("accuracy", accuracy, f"{_FILMS_879}: {confusion}"),),
    )


_THIRD_CONVOLUTION = _one_convolution(
    "third-conv",
    "third",
    "Conv2d_2b_3x3.conv.*,Conv2d_2b_3x3.bn.bias,Conv2d_3b_1x1.conv.*,head.*",
    "The printed 44,828 trained parameters are the third convolution with its normalisation's shift, and the "
    "fourth convolution, the next layer with weights in Keras' list, without its own.",
    0.954,
    "[629 12; 28 210]",
)


_LAST_CONVOLUTION = _one_convolution(
    "last-conv",
    "last",
    "Mixed_7c.branch_pool.conv.*,Mixed_7c.branch1x1.bn.bias,head.*",
    "The printed 414,748 trained parameters are the last convolution of Keras' list with the normalisation "
    "that comes next in that list, which belongs to the 1 × 1 branch beside it (320 shifts, not 192).",
    0.972,
    "[628 13; 12 226]",
)


_DUPLICATED = replace(
    _INCEPTION,
    name="pneumonia-inception-v3-duplicated",
    title="Inception-v3, frozen, normal films duplicated at random until the classes are equal",
    source=f"{_INCEPTION.source} Copies are drawn again in each epoch, after the split.",
    head=replace(_INCEPTION.head, dropout=(0.2,)),
    balance=Balance(method="duplicate"),
    operating_point="as-trained",
    expected=(
        printed("precision", 0.984, f"{_FILMS_879}: [610 31; 10 228]"),
        printed("recall", 0.952, f"{_FILMS_879}: [610 31; 10 228]"),
    ),
)


PNEUMONIA = (
    _PNEUMONIA_B2,
    _INCEPTION,
    _with_dropout(_INCEPTION, 0.958, "[636 5; 32 206]"),
    _with_augmentation(_INCEPTION, "augmented", _MILD, 0.916, "[639 2; 72 166]", dropout=0.2),
    _THIRD_CONVOLUTION,
    _LAST_CONVOLUTION,
    _DUPLICATED,
    _RESNET50,
    _with_augmentation(_RESNET50, "rotated", _ROTATED, 0.932, "[601 40; 20 218]"),
    _DENSENET,
    _with_dropout(_DENSENET, 0.968, "[638 3; 25 213]"),
    _with_augmentation(_DENSENET, "augmented", _MILD, 0.966, "[634 7; 23 215]"),
)
