"""Published systems as recipes: the printed hyper-parameters, and the results to hold them to.

Where a report leaves a setting out, the value here is ours and `source` says so; where it has an error, the
recipe does the right thing and `source` says that too. Every recipe splits by patient before anything is
copied or changed. Keras counts and PyTorch counts of parameters differ by the moving statistics of batch
normalisation; the tests of the nets spell it out.
"""

from __future__ import annotations

from engine.recipes.published.affect import AFFECT
from engine.recipes.published.cifar import CIFAR
from engine.recipes.published.covid import COVID
from engine.recipes.published.pneumonia import PNEUMONIA
from engine.recipes.published.scnnb import SCNNB
from engine.recipes.published.transformers import TRANSFORMERS
from engine.records import Recipe

FAMILIES: dict[str, tuple[Recipe, ...]] = {
    "Pneumonia in children": PNEUMONIA,
    "COVID": COVID,
    "Transformers": TRANSFORMERS,
    "Small networks from scratch": SCNNB,
    "CIFAR-10 and ablations": CIFAR,
    "Facial expressions": AFFECT,
}
"""What they are for → recipes, in the order in which menus show them."""

PUBLISHED: dict[str, Recipe] = {recipe.name: recipe for family in FAMILIES.values() for recipe in family}
"""Name → recipe."""
