"""How a figure's interval was found, or why there is none, in the language that is spoken: names of methods stay."""

from __future__ import annotations

from engine.language import ENGLISH, N_, _, isolated, language
from engine.retelling import retell

NAMES = frozenset(
    {"Wilson", "Newcombe", "DeLong", "Obuchowski", "McNemar", "Bayes", "Student's t", "Fisher's z"}
)
"""Of methods, by who described them."""
WITHOUT = ("no interval: ", "cannot be estimated because ")
"""Before why there is none: a sentence, which is not put together from pieces."""
PIECES = (
    N_("cannot be estimated because {words}"),
    N_("no interval: {words}"),
    N_("every case has the finding"),
    N_("no case has the finding"),
    N_("every case is {name}"),
    N_("every case was predicted as {name}"),
    N_("no case was predicted as {name}"),
    N_("by shuffling and patient"),
    N_("square and add"),
    N_("square and add by patient"),
    N_("independent patients"),
    N_("by class"),
    N_("by class and patient"),
    N_("logarithm of the ratio"),
    N_("of the overlap"),
    N_("over the expected share"),
    N_("over images with the finding"),
    N_("over patients with the finding"),
    N_("score interval"),
    N_("influence"),
    N_("influence by patient"),
    N_("logistic regression"),
    N_("sandwich"),
    N_("sandwich by patient"),
    N_("ratio"),
    N_("ratio by patient"),
    N_("logarithmic scale"),
    N_("logit scale"),
    N_("mean over classes"),
    N_("each against the rest"),
    N_("each against the rest by patient"),
    N_("mean over {n} folds"),
    N_("percentiles of {n} resamples by patient"),
    N_("percentiles of {n} resamples by case"),
    N_("a probability of 0 counts as {value}, of {n} images"),
    N_("exact"),
    N_("paired"),
    N_("paired by patient"),
    N_("paired permutation of images"),
    N_("paired permutation of patients"),
    N_("at a prevalence of {value}"),
    N_("no spread"),
    N_("weighted by how cases were drawn"),
    N_("seed {n}"),
)
"""What its name is put together from, beside the names of people."""


def method_words(method: str) -> str:
    """Return how an interval was found, or why there is none; what nobody knows here as it stands."""
    if language() == ENGLISH:
        return method
    if method.startswith(WITHOUT) and (again := retell(method)) is not None:
        return again
    return _("; ").join(map(_part_words, method.split("; ")))


def _part_words(part: str) -> str:
    return retell(part) or _(", ").join(map(_piece_words, part.split(", ")))


def _piece_words(piece: str) -> str:
    if (again := retell(piece)) is not None:
        return again
    name = piece.removesuffix(" by patient")
    if name in NAMES:
        return isolated(name) if name == piece else f"{isolated(name)} {_('by patient')}"
    return piece
