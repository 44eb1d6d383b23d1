"""Three nets for eight facial expressions."""

from __future__ import annotations

from engine.recipes.published.printed import printed
from engine.records import Augmentation, Head, Phase, Recipe

_AFFECT_SOURCE = (
    "Report without DOI. Its test set of 800 contained augmented copies of training faces, so its results are "
    "not a fair estimate; here copies are made after the split, of training images alone. The constants of batch "
    "normalisation are PyTorch's."
)
_BLOCKS = (
    " In a block stand convolution, batch normalisation, ReLU, pooling and dropout, in the order in which the report "
    "names them; that convolutions pad, so that the map keeps its size, follows from the 2,048 values that it prints."
)


def _affect(net: str, title: str, accuracy: float, head: Head, note: str = "") -> Recipe:
    return Recipe(
        name=f"affect-{net}",
        title=f"{title} on 128 × 128 faces, 8 expressions",
        source=_AFFECT_SOURCE + note,
        backbone=f"affect-{net}",
        weights="random",
        image_size=128,
        head=head,
        phases=(Phase(name="train", epochs=24, trainable="all", optimizer="adam", learning_rate=1e-3),),
        augmentation=Augmentation(rotation=20, shift=0.1, horizontal_flip=True),
        batch_size=32,
        expected=(printed("accuracy", accuracy, "800 faces of 8 classes, some of them seen in training"),),
    )


_AFFECT_HEAD = Head(pooling="flatten", hidden=(1024, 1024), dropout=(0.5,))


AFFECT = (
    _affect("alexnet", "AlexNet-like network", 0.38, _AFFECT_HEAD, _BLOCKS),
    _affect("vggnet", "VGG-like network", 0.30, _AFFECT_HEAD, _BLOCKS),
    _affect(
        "mobilenet",
        "MobileNet-like network",
        0.11,
        Head(),
        " It left out the pointwise convolutions and got chance; here they are. Batch normalisation and ReLU behind "
        "each convolution are those of arXiv:1704.04861; where a map is halved, a pixel is padded on each side, where "
        "TensorFlow pads the far sides alone.",
    ),
)
