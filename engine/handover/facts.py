"""What another program must know to use a run's net, as words in a file's own header."""

from __future__ import annotations

import json

from engine.records import Run, recipe_of
from engine.report import NOT_FOR_DIAGNOSIS
from engine.storage import SCHEMA_VERSION


def header(run: Run) -> dict[str, str]:
    """Return names and values as ONNX and safetensors have them in their headers: text alone, lists as JSON."""
    recipe = recipe_of(run)
    way = (
        "squeezed to"
        if recipe.fit == "squash"
        else "resized with its proportions kept into the middle of a black"
    )
    channels = "1 channel (luminance)" if recipe.channels == 1 else "3 channels (a grey image repeated)"
    facts = {
        "schema_version": str(SCHEMA_VERSION),
        "run_id": run.run_id,
        "recipe": recipe.name,
        "created": run.created.isoformat(),
        "starting_weights": run.weights_source,
        "classes": json.dumps(run.classes, ensure_ascii=False),
        "input": (
            f"the whole image {way} {recipe.image_size} x {recipe.image_size} pixels (antialiased "
            f"bilinear), 8 bits from black to white, {channels}"
        ),
        "image_size": str(recipe.image_size),
        "fit": recipe.fit,
        "channels": str(recipe.channels),
        "operating_point": recipe.operating_point,
        "temperature": repr(run.calibration.temperature),
        "bias": json.dumps(run.calibration.bias or (0.0,) * len(run.classes)),
        "calibration": "probabilities = softmax(logits / temperature + bias)",
        "intended_use": NOT_FOR_DIAGNOSIS,
    }
    if run.folds:
        facts |= {
            "models": str(run.folds),
            "logits": f"the mean over {run.folds} models of each model's logits / its own temperature",
        }
    if len(run.classes) == 2:
        facts |= {"positive": run.positive, "threshold": repr(run.threshold)}
    return facts
