"""What was done, said again in the language that is spoken: a report keeps it in English, for a manuscript."""

from __future__ import annotations

import re

from engine.language import ENGLISH, N_, _, in_digits, isolated, language
from engine.recipes import recipe_words
from engine.retelling import retell

OF_NAMES = frozenset(
    {
        "Classes",
        "Model",
        "Version",
        "File",
        "Starting weights: file",
        "Starting weights: source",
        "Heatmaps",
        "Finished",
        "Software",
        "Run",
        "Anchor",
    }
)
"""Lines whose values are names, hashes and moments."""
OF_DATA = (
    N_("{name} (id {id})"),
    N_("{words} (sha256 {digest})"),
    N_("Those of run {name}"),
    N_("seed {n}"),
    N_("not stated"),
    N_("supplied; Overread did not compute them"),
    N_("not known to Overread; every case here is taken as one that the model was not trained on"),
    N_("none by Overread; the probabilities are those supplied"),
    N_("{name} (first digits)"),
)
OF_MODEL = (
    N_("{name}, {n1} parameters, {n2} trained"),
    N_("whole image"),
    N_("grey"),
    N_("3 channels (those of a grey image are alike)"),
    N_("resized to {n1} × {n2} pixels"),
    N_("resized with its proportions kept into the middle of {n1} × {n2} pixels"),
    N_("black around it"),
    N_("mean of the logits of the image and of its mirror image"),
    N_("registry package {name}"),
    N_("{name}, as {source} states for {model}"),
)
OF_PHASES = (
    N_("at most {n} epoch of head"),
    N_("at most {n} epochs of head"),
    N_("at most {n} epoch of all"),
    N_("at most {n} epochs of all"),
    N_("at most {n1} epoch of last {n2}"),
    N_("at most {n1} epochs of last {n2}"),
    N_("batch norm of the backbone frozen"),
    N_("{optimizer}, learning rate {rate} ({words})"),
    N_("constant"),
    N_("plateau"),
    N_("step"),
    N_("cosine"),
    N_("after {n} epoch of warm-up"),
    N_("after {n} epochs of warm-up"),
    N_("multiplied by {value} from each block to the one below it (arXiv:1801.06146)"),
    N_("labels smoothed by {value} (arXiv:1512.00567)"),
    N_("images blended in pairs (mixup, α {value}, arXiv:1710.09412)"),
    N_("rectangles exchanged between images (CutMix, α {value}, arXiv:1905.04899)"),
    N_("the weights' moving average (decay {value} a step) validated and kept"),
    N_("best epoch by {words} on validation data"),
    N_("stopped after {n} epoch without improvement"),
    N_("stopped after {n} epochs without improvement"),
)
OF_TRAINING = (
    N_("none"),
    N_("class weights"),
    N_("duplicate"),
    N_("duplicate augmented"),
    N_("undersample"),
    N_("weighted sampling"),
    N_("focal"),
    N_("duplicate: {names}"),
    N_("duplicate augmented: {names}"),
    N_("training images only"),
    N_("rotation ±{n}°"),
    N_("shear ±{n}°"),
    N_("zoom ±{n}"),
    N_("zoom ±{n} of each axis"),
    N_("crops of up to {n} of each side"),
    N_("shift ±{n}"),
    N_("left-right flip"),
    N_("up-down flip"),
    N_("quarter turns"),
    N_("brightness ±{n}"),
    N_("contrast ±{n}"),
    N_("noise of up to {n}"),
    N_("number {n} kept"),
    N_("fold {n1}: {n2}"),
    N_(
        "{n}, one a fold. An image of these data is predicted by the model that tested its fold alone; any other by "
        "all models together: the mean of their calibrated log-odds, and of their maps"
    ),
)
OF_READING = (
    N_("temperature {value}, fitted on validation data"),
    N_("Probabilities are the model's own; they were not calibrated."),
    N_(
        "Balancing ({name}) changed the class frequencies in training; probabilities were corrected to the class "
        "frequencies of the training data"
    ),
    N_("no temperature was fitted because there is only {n} validation image"),
    N_("no temperature was fitted because there are only {n} validation images"),
    N_("temperature {value} was fitted on {n} validation images"),
    N_("“{point}”: {finding} predicted {words}"),
    N_("“{point}” on validation data: {finding} predicted {words}"),
    N_("{finding} predicted at a probability of {value} or above"),
    N_("sensitivity {value} (95% interval {interval}; {words})"),
    N_("specificity {value} (95% interval {interval}; {words})"),
    N_("{n1} image of {n2} patient"),
    N_("{n1} images of {n2} patient"),
    N_("{n1} images of {n2} patients"),
    N_("sensitivity cannot be estimated because {words}"),
    N_("specificity cannot be estimated because {words}"),
    N_(
        "No threshold had a sensitivity whose 95% interval lies at {n1} or above, because too few validation cases "
        "have the finding; the one with the highest lower bound ({n2}) was taken."
    ),
    N_("No threshold was better than chance on validation, so one half was taken."),
    N_("One half was taken, because on validation {words}."),
    N_("the most probable class"),
    N_(
        "the most probable class with the classes balanced as in training, so that rare classes are predicted; the "
        "probabilities themselves are for the class frequencies in the data"
    ),
    N_(
        "{n} passes with dropout at {rate} of what enters the layers of the {state}, the rate of {rates} with the best "
        "likelihood on validation cases; variances are multiplied by {value}, fitted there to the squared error "
        "(arXiv:2302.02924)"
    ),
    N_(
        "{n} passes with dropout at {rate} of what enters the layers of the {state}, a rate that was not fitted, "
        "because there were too few validation cases (arXiv:2302.02924)"
    ),
    N_(
        "made to contain the correct class in {n1} of cases like the {n2} validation cases they were fitted on, all "
        "classes together: for a rare class they may contain it less often (doi:10.1080/01621459.2017.1395341)"
    ),
    N_(
        "made to contain the correct class in {n} of the cases of each class, for patients like the validation "
        "patients they were fitted on ({names}); no guarantee for images from elsewhere "
        "(doi:10.1080/01621459.2017.1395341)"
    ),
    N_(
        "made to contain the correct class in {n} of the cases of each class, for images like the validation "
        "images they were fitted on ({names}); no guarantee for images from elsewhere "
        "(doi:10.1080/01621459.2017.1395341)"
    ),
    N_(
        "made to contain the correct class in {n} of the cases of each class, for patients like the validation "
        "patients they were fitted on ({names}; too few for {finding}, which no set leaves out); no guarantee for "
        "images from elsewhere (doi:10.1080/01621459.2017.1395341)"
    ),
    N_(
        "made to contain the correct class in {n} of the cases of each class, for images like the validation "
        "images they were fitted on ({names}; too few for {finding}, which no set leaves out); no guarantee for "
        "images from elsewhere (doi:10.1080/01621459.2017.1395341)"
    ),
)
OF_MAPS = (
    N_(
        "on {n1} of {n2} validation images, drawn by class and patient with seed {n3}, made by {name}: {tests}"
    ),
    N_(
        "on {n1} of {n2} validation images, drawn by class and patient with seed {n3}, each asked of one of the {n4} "
        "models, which never learned from it, made by {name}: {tests}"
    ),
    N_(
        "maps of the model with shuffled weights, from the head down (cascading randomisation, arXiv:1810.03292)"
    ),
    N_(
        "maps of each image's model with shuffled weights, from the head down (cascading randomisation, "
        "arXiv:1810.03292)"
    ),
    N_(
        "log-odds as the hottest places are blurred or given back, and random ones of the same image (deletion and "
        "insertion, arXiv:1806.07421)"
    ),
    N_("the place of the peak (pointing game, doi:10.1007/s11263-017-1059-x)"),
    N_("the share of heat on the finding (arXiv:1910.01279)"),
    N_(
        "the share of heat outside the body, which is told from air by Otsu's threshold "
        "(doi:10.1109/TSMC.1979.4310076)"
    ),
)
"""Templates of what is kept of it in English, by what it is of."""
_TIME = re.compile(r"(\d+) (s|min|h)\b")


def duration_words(written: str) -> str:
    """Return 45 s, 12 min, 3 h 20 min as the language writes them."""
    units = {"s": _("{n} s"), "min": _("{n} min"), "h": _("{n} h")}
    return _TIME.sub(lambda found: units[found[2]].format(n=in_digits(found[1])), written)


def _told_of_person(said: str) -> str:
    """Return a profession as it was typed, and how long somebody has had it in the language."""
    return retell(said) or isolated(said)


def fact_value_words(name: str, value: str) -> str:
    """Return what was done in the language; what nobody knows here, and what has no words, as a name.

    Args:
        name: Of the line, such as "Batch".
        value: What the report keeps.
    """
    if language() == ENGLISH:
        return value
    if name == "Device and time":
        device, _between, took = value.rpartition(", ")
        return f"{isolated(device)}{_(', ')}{duration_words(took)}"
    if name == "Recipe":
        title, _between, short = value.rpartition(" (")
        return f"{isolated(recipe_words(title))} {isolated(f'({short}')}" if title else isolated(value)
    if name == "Readers":
        return _("; ").join(_(", ").join(map(_told_of_person, one.split(", "))) for one in value.split("; "))
    again = None if name in OF_NAMES else retell(value)
    return isolated(value) if again is None else again
