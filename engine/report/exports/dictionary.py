"""What each column of a report's tables means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

OF_A_FIGURE = {
    "value": "The figure; empty: it cannot be estimated, and the method says why",
    "low": "Lower bound of its 95% interval; empty: none can be given",
    "high": "Upper bound of its 95% interval; empty: none can be given",
    "method": "How the interval was made, or why there is none",
    "n": "Images, of figures by patient patients, that it rests on",
    "images": "Images that it rests on",
    "patients": "Patients that it rests on; empty: not known",
    "effective n": "Independent images that would tell as much; empty: not known",
}
MEANINGS = {
    **OF_A_FIGURE,
    "reference standard": "What the predictions are held against",
    "metric": "Name of the figure; the page of the report defines it",
    "caution": "What must stand beside the figure",
    "class": "A class of the model",
    "support": "Images of the class by the reference standard",
    "predicted": "Class predicted at the operating point; in classification.csv: images predicted to be of the class",
    "threshold": "Probability from which the finding would be predicted",
    "1 - specificity": "Share of images without the finding that would be predicted to have it",
    "sensitivity": "Share of images with the finding that would be predicted to have it",
    "data set": "From elsewhere",
    "data set id": "12 hexadecimal digits over its images, labels, patients and parts",
    "figure": "Name of the figure",
    "source": "Folder, table or file that the images came from",
    "question": "Asked of the heatmaps",
    "answer": "yes, no, or not told",
    "held against": "What the figure is compared with for the answer",
    "case": "“c” and the first digits of the SHA-256 of the image file",
    "label": "That came with the data, or as corrected by readers; empty: none",
    "reviewed label": "Class by the majority of the readers' last words; empty: none",
    "entropy": "Of the probabilities, in nats",
    "margin": "Distance from another prediction, in log-odds; empty: not known",
    "distance": "From the images of training; above 1 it differs; empty: not known",
    "conformal set": "Classes that cannot be excluded, separated by “|”",
    "mean over passes": "Mean probability of the predicted class over passes with dropout",
    "variance over passes": "Its variance over these passes",
    "mutual information": "Between prediction and dropout mask, in nats",
    "passes": "How many there were",
    "dropout rate": "Of these passes",
    "scale of variance": "By what the variance is multiplied to match the squared error on validation cases",
    "reader": "Who read the case",
    "verdict": "agree, overrule, unsure or not diagnostic",
    "reader's label": "The reader's class; empty: none",
    "comment": "As typed",
    "seconds": "From the image's appearing to the verdict; in history.csv: of the epoch",
    "queue": "Where the case came from",
    "drawn": "“in order” where the queue handed the case out, “sought” where the reader went to it",
    "label seen": "Whether the label had been on the reader's screen before; empty: not known",
    "id": "Of a printed number: table, and place in it",
    "printed": "As it stands in the report",
    "line": "Of the table",
    "column": "Of the table",
    "at": "JSON Pointers into report.json, one for each number that is printed",
    "cases": "Which cases it rests on: JSON Pointer into a case of report.json → values; null: it is of no such cases",
    "seed": "Of what was drawn for it; empty: nothing was",
    "checklist": "Its title",
    "item": "Its number, as the checklist has it",
    "part of the paper": "Where the item belongs",
    "asks": "What the item asks for, in our words",
    "answer of the report": "What the report says to it; empty: nothing",
    "section": "Where on the report's page that stands; empty: nowhere else",
    "written": "What a person wrote to it; empty: nothing",
    "by": "Who wrote it",
    "open": "What is left for a person; empty: nothing",
    "search": "For labels that may be wrong: its place among those of the report",
    "likeliest": "Class that a model which never saw the image found likeliest",
    "suspected": "Images whose label is this one, while that class was likelier",
    "read again": "Of these, images read by all who were to read them",
    "upheld": "Readers gave the label that the image had",
    "changed": "Readers gave another class",
    "undecided": "Readers settled on no class",
    "not read yet": "Suspected images that are open",
    "number": "Of the epoch",
    "phase": "Of training",
    "train_loss": "Mean loss of the training images",
    "val_loss": "Mean loss of the validation images",
    "val_accuracy": "Share of validation images predicted rightly",
    "val_auc": "AUROC of the validation images",
    "learning_rate": "At the end of the epoch",
    "images_per_second": "Speed of training",
    "best": "Whether the epoch was better than all before it",
    "monitor": "What the best epoch was chosen by",
    "monitored": "Its value",
    "internal": "The figure on the run's own test part",
    "external": "The figure on the data set from elsewhere",
    "difference": "External minus internal",
}  # fmt: skip
STARTS = {
    "probability of ": "Calibrated probability of the class",
    "predicted ": "Images of the line's class that were predicted to be of this one",
}


def meaning_of(column: str) -> str:
    """Return what a column means; empty where that is not known."""
    if column in MEANINGS:
        return MEANINGS[column]
    for start, meaning in STARTS.items():
        if column.startswith(start):
            return meaning
    name, _, last = column.rpartition(" ")
    if column.endswith(" effective n"):
        name, last = column.removesuffix(" effective n"), "effective n"
    return f"{name}: {OF_A_FIGURE[last]}" if last in OF_A_FIGURE else ""


def dictionary_of(tables: Mapping[str, Iterable[Mapping[str, Any]]]) -> Iterator[dict[str, str]]:
    """Yield a line for each column of each table that has lines."""
    for name, rows in tables.items():
        for column in dict.fromkeys(column for row in rows for column in row):
            yield {"file": f"{name}.csv", "column": column, "meaning": meaning_of(column)}
