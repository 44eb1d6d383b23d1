"""The weights as safetensors that stand alone: recipe, classes, calibration and operating point in the header."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PureWindowsPath  # it knows the paths of both kinds of systems

from engine.handover.facts import header
from engine.recipes import recipe_to_json
from engine.records import Run, recipe_of
from engine.runs import load_classifier


def weights_with_facts(run: Run) -> bytes:
    """Return a run's weights as safetensors.

    Raises:
        RunError: The checkpoint is missing, cut short or of another network.
    """
    from safetensors.torch import save

    # The folder that starting weights lay in is nobody else's business.
    kind, _, where = recipe_of(run).weights.partition(":")
    nameless = (
        replace(recipe_of(run), weights=f"file:{PureWindowsPath(where).name}")
        if kind == "file"
        else recipe_of(run)
    )
    state = {name: value.contiguous() for name, value in load_classifier(run).state_dict().items()}
    return bytes(save(state, metadata={**header(run), "recipe_json": recipe_to_json(nameless)}))
