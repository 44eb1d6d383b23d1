"""Vision transformers, fine-tuned like any other backbone."""

from __future__ import annotations

from engine.records import Augmentation, Balance, Head, Phase, Recipe


def _transformer(name: str, title: str, paper: str) -> Recipe:
    return Recipe(
        name=name,
        title=f"{title}: head first, then the last blocks",
        source=f"{paper}; the training is ours.",
        backbone=name,
        head=Head(dropout=(0.2,)),
        phases=(
            Phase(name="head", epochs=30, optimizer="adamw", learning_rate=3e-3, weight_decay=1e-2,
                  schedule="cosine", monitor="val_auc"),
            Phase(name="fine-tune", epochs=4, trainable="last 4", optimizer="adamw", learning_rate=3e-5,
                  weight_decay=1e-2, schedule="cosine", monitor="val_auc", clip_norm=1.0),
        ),
        balance=Balance(method="class-weights"),
        augmentation=Augmentation(rotation=7, zoom=0.08, shift=0.04, brightness=0.15, contrast=0.15),
        views=2,
    )  # fmt: skip


TRANSFORMERS = (
    _transformer("vit-small", "Vision transformer (ViT-S/16)", "arXiv:2010.11929"),
    _transformer("swin-tiny", "Swin transformer (tiny)", "arXiv:2103.14030"),
)
