"""What was added to a workspace's `weights`; whoever only lists it needs no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from engine.errors import WeightsError
from engine.kept_files import JsonFile, ignore, read_json
from engine.workspace import Workspace

FILE = "file:"  # what a recipe's `weights` begins with


@dataclass(frozen=True, kw_only=True, slots=True)
class AddedWeights:
    """One file that was added.

    Attributes:
        name: For recipes: `weights = "file:NAME"`.
        file: Its file's name beside this record.
        original: What the file was called.
        sha256: Of the file.
        layout: A key of `LAYOUTS`.
        backbones: Nets that it fits, as a recipe names them.
        source: Where it is from, as a person said.
        licence: As a person said.
        mean: What images were normalised by, as a person said; empty means as the layout has it.
        std: See `mean`.
        added: When, with time zone.
    """

    name: str
    file: str
    original: str
    sha256: str
    layout: str
    backbones: tuple[str, ...]
    source: str
    licence: str
    added: datetime
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()


def added_weights(
    workspace: Workspace, *, on_damaged: Callable[[WeightsError], None] = ignore
) -> list[AddedWeights]:
    """Return what was added to a workspace, by name.

    Args:
        workspace: Where it lies.
        on_damaged: Told of each record that cannot be read: it hides no other.
    """
    found = []
    for path in sorted((workspace.root / "weights").glob("*.json")):
        try:
            found.append(read_json(path, ADDED))
        except WeightsError as error:
            on_damaged(error)
    return found


ADDED = JsonFile(
    record=AddedWeights,
    error=WeightsError,
    remedy="Delete {file} from the workspace's folder weights, and have the file added again",
    option="overread weights add FILE",
)
