"""The formats that a finished run can be taken away in, for other programs and for people.

A format is one entry of `MODEL_FORMATS`: words for its button, and a function that returns the files, by name.
`overread export --format`, the buttons of the report page and `write_model` read this dictionary, and nothing else
names a format. What converts or draws is imported when a file is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import ExportError
from engine.records import Run, Split, recipe_of
from engine.storage import storage_error, write_together

if TYPE_CHECKING:
    from engine.report import Report


@dataclass(frozen=True, kw_only=True)
class RunAtHand:
    """What files are made of.

    Attributes:
        run: A finished run.
        split: On which it was trained.
        report: Builds its report on the test part, where a format asks for it.
    """

    run: Run
    split: Split
    report: Callable[[], Report]


@dataclass(frozen=True, slots=True)
class ModelFormat:
    """One format.

    Attributes:
        title: For a button: "Download" comes before it.
        files: Of a run: file name → content.
    """

    title: str
    files: Callable[[RunAtHand], Mapping[str, bytes | str]]


def onnx_model(at_hand: RunAtHand) -> dict[str, bytes | str]:
    """Return the model from uint8 pixels to predicted class as ONNX, checked on images of the run."""
    from engine.handover.onnx_file import checked_onnx

    return {"model.onnx": checked_onnx(at_hand.run, at_hand.split)}


def safetensors_model(at_hand: RunAtHand) -> dict[str, bytes | str]:
    """Return the weights as safetensors, with the recipe and what gives a class in the file's header.

    Of a cross-validation it is one file a model.
    """
    from engine.handover.weights_file import weights_with_facts
    from engine.runs import models_of

    run = at_hand.run
    if not run.folds:
        return {"model.safetensors": weights_with_facts(run)}
    return {
        f"model-fold-{number}.safetensors": weights_with_facts(
            replace(model, run_id=f"{run.run_id}, fold {number} of {run.folds}")
        )
        for number, model in enumerate(models_of(run), 1)
    }


def model_card(at_hand: RunAtHand) -> dict[str, bytes | str]:
    """Return the model card, for people and as JSON."""
    from engine.report import card_json, card_markdown, card_of

    card = card_of(at_hand.report())
    return {"model-card.md": card_markdown(card), "model-card.json": card_json(card)}


MODEL_FORMATS: dict[str, ModelFormat] = {
    "onnx": ModelFormat("model as ONNX", onnx_model),
    "safetensors": ModelFormat("weights (safetensors)", safetensors_model),
    "card": ModelFormat("model card", model_card),
}

WrittenModel = Mapping[str, tuple[Path, ...]]
"""Where a run was written: format → its files."""


def write_model(at_hand: RunAtHand, folder: Path, *, formats: Sequence[str] = ()) -> WrittenModel:
    """Write a run's files, all of them or none.

    Args:
        at_hand: The run.
        folder: Made if it is not there.
        formats: Keys of `MODEL_FORMATS`; empty means all.

    Raises:
        ExportError: There is no such format, a package that it needs is not installed, or the file does not give what
            the run gives.
        ReportError: The run has no test predictions for a model card.
        RunError: The run has no net: its predictions were supplied.
        WorkspaceError: The folder cannot be made or written to.
    """
    chosen = tuple(dict.fromkeys(formats)) or tuple(MODEL_FORMATS)
    for name in chosen:
        if name not in MODEL_FORMATS:
            raise ExportError(f"There is no format “{name}”", f"Choose one of: {', '.join(MODEL_FORMATS)}")
    recipe_of(at_hand.run)  # says so where there is no net to hand over
    made = {name: MODEL_FORMATS[name].files(at_hand) for name in chosen}
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, folder) from error
    write_together((folder / file, content) for files in made.values() for file, content in files.items())
    return {name: tuple(folder / file for file in files) for name, files in made.items()}
