"""What an experiment says of itself and of what it found, as `engine.retelling` says it in other languages.

It is put together where it is found, so that no one place has these sentences whole.
"""

from __future__ import annotations

from engine.language import N_

SENTENCES = (
    N_("The best of {n} trials had {values}"),
    N_("The one trial had {values}"),
    N_("It is saved as the recipe “{title}”"),
    N_("Its AUROC on validation images, {figure}, is the best of {n} and so too optimistic"),
    N_(
        "Its AUROC on validation images, {figure}, is that of the epoch that did best on these images and so "
        "too optimistic"
    ),
    N_("No test image was looked at: train the recipe to test it"),
    N_("{n} runs were compared on {total} test images"),
    N_(
        "{name}, minus the first: accuracy {first} ({low} to {high}), p {p}; AUROC {second} ({low2} to {high2}), p {p2}"
    ),
    N_("{label} could not be trained: {why}"),
    N_("{label}, seed {seed} could not be trained: {why}"),
    N_(
        "What more images would bring cannot be said: models of {n} sizes were trained, and a power law takes {k}"
    ),
    N_("What more images would bring cannot be said: the test part lacks a class"),
    N_(
        "What more images would bring cannot be said: the area under the ROC curve does not rise from {n} "
        "training images ({first}) to {total} ({second})"
    ),
    N_(
        "What more images would bring cannot be said: with {n} training images the area under the ROC curve "
        "would lie between {low} and {high}, and this interval is wider than the whole error that is left "
        "({error})"
    ),
    N_("A larger test part or more seeds would narrow it"),
    N_(
        "With {n} training images the area under the ROC curve is {now} by the fitted law; twice as many, "
        "{total}, would bring it to {twice} (95% interval {low} to {high}): a gain of {gain} ({first} to "
        "{second})"
    ),
    N_(
        "With {n} training images the area under the ROC curve is {now} by the fitted law; twice as many, "
        "{total}, would bring it to {twice} (95% interval {low} to {high}): a gain of {gain} ({first} to "
        "{second}), so that it may be nothing"
    ),
    N_(
        "The intervals rest on {n} draws of the {k} test patients ({total} images), the same for all sizes, "
        "and on how far one training of each size lies from the fitted law"
    ),
    N_(
        "The intervals rest on {n} draws of the {k} test patients ({total} images), the same for all sizes, "
        "and on how far {n2} trainings of each size lie from the fitted law"
    ),
    N_(
        "They hold for more images of the same kind; that the law holds beyond the largest size is an assumption"
    ),
    N_("Try another recipe"),
    N_("Try other recipes"),
    N_("Fitting the law"),
    N_("Comparing the runs"),
    N_("Reading the images"),
    N_("Waiting for another training to end"),
    N_("Loading the data"),
    N_("predicting"),
    N_("Training the recipe {label}"),
    N_("Training the recipe {label}, seed {seed}"),
    N_("epoch {n} of {total}"),
    N_("fold {n} of {total}"),
    N_("Overread itself went wrong here ({what})"),
    N_("{file} in its folder says where"),
    N_("Training on {n} training images"),
    N_("Trial {n} of {total}: {values}"),
    N_("trial"),
    N_("ended"),
    N_("validation AUROC"),
)
