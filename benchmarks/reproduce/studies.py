"""Which published systems are trained again: on what data, divided how, by which recipes.

A recipe whose ImageNet weights are not on this machine is trained with an EfficientNet-Lite in its place, and its
name and source say so; the studies called "published" train the published nets, where their weights are found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from benchmarks.reproduce.packs import FASHION, Prepare, arrays, folders, listed, thinned
from engine.recipes import RECIPES
from engine.records import Recipe

TENTH_FOR_VALIDATION = (0.72, 0.08, 0.2)  # with a given test part: a tenth of training
FIFTH_FOR_VALIDATION = (0.64, 0.16, 0.2)


@dataclass(frozen=True, kw_only=True)
class Study:
    """One published experiment.

    Attributes:
        data: For people.
        prepare: The pack.
        recipes: In the order in which they are trained.
        published_on: How the data of those of the recipes' expected figures begin that this study is held to.
        given: Whether the test part came with the data; otherwise all is divided by patient.
        ratios: Training, validation, test.
        look_alikes: Whether near duplicates are looked for.
        by_image: Whether every film counts as a patient of its own, as where nobody asked whose films they are.
        quick: Makes a recipe small enough for a trial.
    """

    data: str
    prepare: Prepare
    recipes: tuple[Recipe, ...]
    published_on: str = ""
    given: bool = True
    ratios: tuple[float, float, float] = TENTH_FOR_VALIDATION
    look_alikes: bool = False
    by_image: bool = False
    quick: Callable[[Recipe], Recipe]


def fewer(epochs: int, images: int = 0) -> Callable[[Recipe], Recipe]:
    """Return what cuts a recipe down to so many epochs a phase and so many training images."""

    def quick(recipe: Recipe) -> Recipe:
        phases = tuple(replace(phase, epochs=min(phase.epochs, epochs)) for phase in recipe.phases)
        return replace(recipe, phases=phases, train_limit=images or recipe.train_limit)

    return quick


def standing_in(name: str, backbone: str) -> Recipe:
    """Return a published recipe with another backbone, and say so in it."""
    recipe = RECIPES[name]
    return replace(
        recipe,
        name=f"{name}-by-{backbone.removeprefix('efficientnet-')}",
        title=f"{recipe.title} (with {backbone} in its place)",
        source=f"{recipe.source} Its own ImageNet weights are not on this machine: {backbone}, whose weights come "
        f"with a package, stands in for {recipe.backbone}.",
        backbone=backbone,
    )


def first_phase(recipe: Recipe) -> Recipe:
    """Return a recipe's first phase as a recipe of its own, and say so in it."""
    first = recipe.phases[0]
    return replace(
        recipe,
        name=f"{recipe.name}-{first.name}",
        title=f"{recipe.title}, phase “{first.name}” alone",
        phases=(first,),
    )


def batch_norm_frozen(recipe: Recipe) -> Recipe:
    """Return a recipe whose last phase leaves the batch norm as it came, to see what that changes."""
    return replace(
        recipe,
        name=f"{recipe.name}-batch-norm-frozen",
        title=f"{recipe.title}, batch norm frozen",
        phases=(*recipe.phases[:-1], replace(recipe.phases[-1], freeze_batch_norm=True)),
    )


def default_at_half(backbone: str) -> Recipe:
    """Return `default` with a backbone, calling the more probable class: published accuracies are of that point."""
    recipe = RECIPES["default"]
    return replace(
        recipe,
        name=f"default-{backbone.removeprefix('efficientnet-')}-at-half",
        title=f"{recipe.title}, with {backbone}; the more probable class is called",
        source=f"Overread's default with {backbone}.",
        backbone=backbone,
        operating_point="half",
    )


LITES = ("efficientnet-lite0", "efficientnet-lite2")
SCNNB = tuple(RECIPES[name] for name in ("scnnb", "scnnb-a", "scnnb-b"))
ABLATIONS = tuple(RECIPES[name] for name in RECIPES if name.startswith("cifar-cnn"))

STUDIES: dict[str, Study] = {
    "scnnb-mnist": Study(
        data="MNIST",
        prepare=arrays("mnist.npz", tuple("0123456789")),
        recipes=SCNNB,
        published_on="MNIST",
        quick=fewer(3, 6000),
    ),
    "scnnb-fashion": Study(
        data="Fashion-MNIST",
        prepare=arrays("fashion_mnist.npz", FASHION),
        recipes=SCNNB,
        published_on="Fashion-MNIST",
        quick=fewer(3, 6000),
    ),
    "scnnb-cifar": Study(
        data="CIFAR-10, as JPEG",
        prepare=folders("cifar10_full_jpeg.zip"),
        recipes=tuple(RECIPES[name] for name in ("scnnb-cifar", "scnnb-a-cifar", "scnnb-b-cifar")),
        quick=fewer(3, 6000),
    ),
    "cifar-ablation": Study(
        data="CIFAR-10, a fifth of it as JPEG",
        prepare=folders("cifar10_subset_12k_jpeg.zip"),
        recipes=ABLATIONS,
        quick=fewer(8, 3000),
    ),
    "cifar-ablation-full": Study(
        data="CIFAR-10, as JPEG",
        prepare=folders("cifar10_full_jpeg.zip"),
        recipes=ABLATIONS,
        quick=fewer(3, 6000),
    ),
    "cifar-imbalanced": Study(
        data="CIFAR-10, a fifth of it as JPEG, without nine tenths of its training cats and dogs",
        prepare=thinned("cifar10_subset_12k_jpeg.zip", ("cat", "dog"), 10),
        recipes=(RECIPES["cifar-imbalanced"], RECIPES["cifar-imbalanced-augmented"]),
        quick=fewer(8, 3000),
    ),
    "cifar-imbalanced-full": Study(
        data="CIFAR-10, as JPEG, without nine tenths of its training cats and dogs",
        prepare=thinned("cifar10_full_jpeg.zip", ("cat", "dog"), 10),
        recipes=(RECIPES["cifar-imbalanced"], RECIPES["cifar-imbalanced-augmented"]),
        quick=fewer(3, 6000),
    ),
    "covid-cnn": Study(
        data="188 films, COVID and other pneumonia against normal",
        prepare=listed("covid_xray188.tar"),
        recipes=(RECIPES["covid-cnn"],),
        ratios=FIFTH_FOR_VALIDATION,
        look_alikes=True,
        quick=fewer(4),
    ),
    "covid-lite0": Study(
        data="188 films, COVID and other pneumonia against normal",
        prepare=listed("covid_xray188.tar"),
        recipes=(standing_in("covid-efficientnet-b3", LITES[0]), standing_in("covid-resnet101", LITES[0])),
        published_on="(none on this data)",
        ratios=FIFTH_FOR_VALIDATION,
        look_alikes=True,
        quick=fewer(4),
    ),
    "affect": Study(
        data="1,360 faces of FER+, 8 expressions",
        prepare=listed("facial8_ferplus.tar"),
        recipes=tuple(RECIPES[f"affect-{name}"] for name in ("alexnet", "vggnet", "mobilenet")),
        quick=fewer(4),
    ),
    "pneumonia-b2": Study(
        data="5,856 chest films of children, 60/20/20 by patient",
        prepare=listed("pneumonia_kermany_224.tar"),
        recipes=(
            *(standing_in("pneumonia-efficientnet-b2", name) for name in LITES),
            first_phase(standing_in("pneumonia-efficientnet-b2", LITES[1])),
            batch_norm_frozen(standing_in("pneumonia-efficientnet-b2", LITES[0])),
        ),
        given=False,
        ratios=(0.6, 0.2, 0.2),
        look_alikes=True,
        quick=fewer(4, 600),
    ),
    "pneumonia-inception": Study(
        data="5,856 chest films of children, 70/15/15 by patient",
        prepare=listed("pneumonia_kermany_224.tar"),
        recipes=(
            standing_in("pneumonia-inception-v3", LITES[0]),
            standing_in("pneumonia-inception-v3-duplicated", LITES[0]),
            standing_in("pneumonia-resnet50", LITES[0]),
            standing_in("pneumonia-densenet121", LITES[0]),
            standing_in("pneumonia-inception-v3", LITES[1]),
            standing_in("pneumonia-densenet121", LITES[1]),
            *(default_at_half(name) for name in LITES),
        ),
        given=False,
        ratios=(0.7, 0.15, 0.15),
        look_alikes=True,
        quick=fewer(4, 600),
    ),
    "pneumonia-inception-by-image": Study(
        data="the same 70/15/15 by image, with films of one patient on several sides: no fair figure",
        prepare=listed("pneumonia_kermany_224.tar"),
        recipes=(
            standing_in("pneumonia-inception-v3", LITES[0]),
            standing_in("pneumonia-densenet121", LITES[0]),
        ),
        given=False,
        ratios=(0.7, 0.15, 0.15),
        by_image=True,
        quick=fewer(4, 600),
    ),
    "pneumonia-published": Study(
        data="5,856 chest films of children, 70/15/15 by patient; needs the published nets' ImageNet weights",
        prepare=listed("pneumonia_kermany_224.tar"),
        recipes=tuple(
            recipe
            for recipe in RECIPES.values()
            if recipe.name.startswith("pneumonia-") and recipe.name != "pneumonia-efficientnet-b2"
        ),
        given=False,
        ratios=(0.7, 0.15, 0.15),
        look_alikes=True,
        quick=fewer(4, 600),
    ),
    "pneumonia-b2-published": Study(
        data="5,856 chest films of children, 60/20/20 by patient; needs EfficientNet-B2's ImageNet weights",
        prepare=listed("pneumonia_kermany_224.tar"),
        recipes=(RECIPES["pneumonia-efficientnet-b2"],),
        given=False,
        ratios=(0.6, 0.2, 0.2),
        look_alikes=True,
        quick=fewer(4, 600),
    ),
}
"""Name → study; a new one is a line here."""
