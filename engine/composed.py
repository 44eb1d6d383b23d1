"""The sentences that the engine puts together, so that no one place in its source has them whole.

They are said nowhere from here: they stand here so that the catalogues have them for `engine.retelling`.
"""

from __future__ import annotations

from engine.language import _


def composed() -> tuple[str, ...]:
    """Return the sentences, in English or in the language that is spoken."""
    return *_of_data(), *_of_labels(), *_of_work()


def _of_data() -> tuple[str, ...]:
    return (
        _("by patient"),
        _("by image"),
        _("{shares} by patient"),
        _("{shares} by image"),
        _("as no patient is named"),
        _("{shares} by patient where one is named ({n} of {total} images)"),
        _("by patient where one is named ({n} of {total} images)"),
        _("otherwise by image"),
        _("stratified by class"),
        _("the parts that came with the data"),
        _("the parts that came with the data were set aside"),
        _("{n} case left out whose patient or near duplicate is in another part"),
        _("{n} case left out because it came with no part"),
        _("{n} cases left out whose patients or near duplicates are in another part"),
        _("{n} cases left out because they came with no part"),
        _("{n} training cases kept"),
        _("{n} case as the validation part"),
        _("{n} cases as the validation part"),
        _("{n} case as the test part"),
        _("{n} cases as the test part"),
        _("the parts that came with the data, {part} ({share}) taken {how} from training"),
        _("{name} is not an image that can be read"),
        _("level {level} ({names})"),
        _("{n} image in {part}"),
        _("{n} images in {part}"),
        _("its names are those of parts"),
        _("it is the outermost level whose names distinguish images"),
        _("one of its names stands for the absence of a finding"),
        _("its names do not distinguish any images"),
        _("its names say only that images are inside"),
        _("its names count visits, sites or dates"),
        _("nothing says what its names are"),
        _("patients are not named in the data"),
        _("so each image was taken as a patient of its own"),
        _("no patient is in two parts"),
        _("no patient is in two folds"),
        _("{n} patient in more than one part, which makes the results too optimistic"),
        _("{n} patients in more than one part, which makes the results too optimistic"),
        _("a patient is named for {n} of {total} images, and none of these patients is in two parts"),
        _("a patient is named for {n} of {total} images, and none of these patients is in two folds"),
        _("whether the others are cannot be known"),
        _("patients not named in the data"),
        _("{n} case"),
        _("{n} cases"),
        _("{message} (and the same 1 time more, all listed)"),
        _("{message} (and the same {n} times more, all listed)"),
    )


def _of_labels() -> tuple[str, ...]:
    return (
        _("{version}: {n} image, with the label that came with the data"),
        _("{version}: {n} images, labelled as they came with the data"),
        _("{version}: {n} of {total} labels changed from {parent} by assisted readings of {readers}"),
        _("{version}: {n} of {total} labels changed from {parent} by blinded consensus of {readers}"),
        _("{version}: {n} of {total} labels changed from {parent} by adjudication of {readers}"),
        _("{n} images without a label left out"),
        _("{n} newly labelled images added"),
        _("{n} left out because their patients or near duplicates are tested"),
        _("Suspects: {n} of {total} labels changed"),
        _("Suspects: {n} of {total} label changed ({value}, 95% interval {low} to {high})"),
        _("Suspects: {n} of {total} labels changed ({value}, 95% interval {low} to {high})"),
        _("Controls: {n} of {total} labels changed"),
        _("Controls: {n} of {total} label changed ({value}, 95% interval {low} to {high})"),
        _("Controls: {n} of {total} labels changed ({value}, 95% interval {low} to {high})"),
        _("{n} not read by all or without consensus"),
        _(
            "Among test cases that were not suspected, a share of {low} to {high} of the labels would change as well, "
            "as far as the control says: correcting the suspects alone leaves these"
        ),
    )


def _of_work() -> tuple[str, ...]:
    return (
        _("came with data"),
        _("assisted"),
        _("blinded consensus"),
        _("adjudicated"),
        _("study “{name}”"),
        _("no case has been read"),
        _("{n} of {total} images could not be read any more and was left out"),
        _("{n} of {total} images could not be read any more and were left out"),
        _("{n} images read"),
        _("{n} labels changed"),
        _("{n} confirmed"),
        _("{n} not settled ({reason})"),
        _("Reading and decoding the images"),
        _("Fold {n} of {total}: reading and decoding the images"),
        _("Calibrating on the validation images"),
        _("Predicting and explaining validation and test images"),
        _("Done"),
        _("Starting"),
        _("{n} of {total} images is of the run's own data ({of})"),
        _("{n} of {total} images are of the run's own data ({of})"),
        _(
            "{n} of {total} images is far smaller than what the model was trained on (the smallest has {width} × "
            "{height} pixels, {bound}): enlarged, they lack detail that it relies on, and predictions on them may be "
            "wrong for that reason alone"
        ),
        _(
            "{n} of {total} images are far smaller than what the model was trained on (the smallest has {width} × "
            "{height} pixels, {bound}): enlarged, they lack detail that it relies on, and predictions on them may be "
            "wrong for that reason alone"
        ),
        _("the shorter side less than half of the {side} at which it reads images"),
        _("the shorter side less than half of the {side} that its training images have"),
        _("{n} of its {part} part"),
        _("{n} of its {part} part and {n2} of its {part2} part"),
        _("{n} of its {part} part and {n2} of its {part2} part and {n3} of its {part3} part"),
        _("The labels {names} are none of the run's classes ({classes}): they are not compared"),
        _("what it says of images that it was trained or tuned on is no test of it"),
        _("The training process ended after {reached}"),
        _("The training process is there but has not reported lately"),
        _("It continues where the computer slept, is busy or its disk is full; otherwise stop and resume it"),
        _("Resume it from its last checkpoint"),
        _("{file} in the run's folder may say why"),
        _("Loading the program"),
        _("It was stopped; what is trained is kept"),
        _("Its process ended after {n} of {total} trainings"),
        _("{words} and inverted"),
        _("inverted ({name})"),
        _("{n} bits"),
        _("{n}-bit floats"),
        _("rescaled: × {value} + {value2}"),
        _("rescaled: × {value} − {value2}"),
        _("{n} with {method}"),
    )
