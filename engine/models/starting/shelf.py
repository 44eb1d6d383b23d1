"""Weights that were added to a workspace: `weights/NAME.<ending>` beside `weights/NAME.json`, which says what it is."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from engine.errors import WeightsError
from engine.models.starting.added import FILE, AddedWeights, added_weights
from engine.models.starting.fitting import (
    Fit,
    does_not_fit,
    fit_of,
    fitting_backbones,
    kept_in,
    read_weights,
    title_of,
)
from engine.models.starting.layouts import recognised
from engine.models.weights import file_digest
from engine.storage import check_room, storage_error, versioned, write_atomic
from engine.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Checked:
    """What a weights file is: its layout, a key of `LAYOUTS`, whose that is, what other precision than
    float32 it is kept in, and which nets it is of.
    """

    layout: str
    title: str
    kept_in: str
    fits: tuple[Fit, ...]


def check_weights(path: Path, *, backbone: str = "") -> Checked:
    """Say what a weights file is, without adding it.

    Args:
        path: The file.
        backbone: The net to hold it against; empty means those of its layout, and returned are those that it is of.

    Raises:
        WeightsError: It cannot be read.
    """
    state = read_weights(path)
    layout, _ = recognised(state)
    fits = [fit_of(state, backbone)] if backbone else fitting_backbones(state)
    return Checked(layout, title_of(layout, fits, state), kept_in(state), tuple(fits))


def add_weights(
    workspace: Workspace,
    path: Path,
    *,
    name: str = "",
    source: str = "",
    licence: str = "",
    backbone: str = "",
    mean: tuple[float, ...] = (),
    std: tuple[float, ...] = (),
) -> AddedWeights:
    """Copy a weights file into a workspace, with what is known of it.

    Args:
        workspace: Where to.
        path: The file; it stays where it is.
        name: For recipes; empty means the file's.
        source: Where it is from.
        licence: Under which it may be used.
        backbone: A net that it is for, where it is none of those that are tried.
        mean: What images were normalised by, where that is not as the layout has it.
        std: See `mean`.

    Raises:
        WeightsError: It cannot be read, fits no net, or there is another of that name.
        WorkspaceError: The workspace cannot be written to.
    """
    state = read_weights(path)
    layout, _ = recognised(state)
    fits = [fit_of(state, backbone)] if backbone else fitting_backbones(state)
    fitting, title = tuple(fit.backbone for fit in fits if fit.fits), title_of(layout, fits, state)
    if fits and not fitting and fits[0].is_of_this_net:
        raise does_not_fit(fits[0], path.name, title)
    if backbone and not fitting:
        raise WeightsError(
            f"{path.name} ({title}) does not fit {backbone}: {fits[0].why_not}",
            "Leave out --backbone, and Overread tries the networks that it knows",
        )
    if not fitting:
        raise WeightsError(
            f"{path.name} ({title}) fits none of the networks that Overread tries",
            "Name the network it is for with --backbone NAME; overread weights check FILE --backbone NAME says what is "
            "missing",
        )
    if bool(mean) != bool(std) or any(value <= 0 for value in std):
        raise WeightsError(
            "Mean and deviation belong together, and no deviation is 0", "Give both, or neither"
        )
    short = re.sub(r"[^a-z0-9.]+", "-", (name or path.stem).lower()).strip("-.")[:64]
    if not short:
        raise WeightsError(
            f"“{name or path.stem}” is no name for weights", "Give one of letters and digits: --name"
        )
    folder = workspace.root / "weights"
    digest = file_digest(path)
    known = next((one for one in added_weights(workspace) if one.name == short), None)
    if known is not None and known.sha256 != digest:
        raise WeightsError(f"There are other weights called “{short}”", "Choose another name: --name NAME")
    added = AddedWeights(
        name=short,
        file=f"{short}{path.suffix.lower()}",
        original=path.name,
        sha256=digest,
        layout=layout,
        backbones=fitting,
        source=source,
        licence=licence,
        mean=mean,
        std=std,
        added=datetime.now(UTC),
    )
    _copy(path, folder, added.file)
    facts = {**dataclasses.asdict(added), "added": added.added.isoformat()}
    write_atomic(folder / f"{short}.json", json.dumps(versioned(facts), indent=2, ensure_ascii=False) + "\n")
    return added


def _copy(path: Path, folder: Path, name: str) -> None:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        check_room(
            "The weights need", path.stat().st_size, folder, "Free some space, or choose another workspace"
        )
        beside = folder / f".{name}"
        shutil.copyfile(path, beside)
        beside.replace(folder / name)
    except OSError as error:
        raise storage_error(error, folder) from error


def find_file(workspace: Workspace, weights: str) -> tuple[Path, AddedWeights | None]:
    """Return the file that a recipe's `weights` names, and what is known of it where it was added.

    Args:
        workspace: Whose added weights count first.
        weights: "file:NAME" or "file:PATH".

    Raises:
        WeightsError: There is no such file, or it is no longer what was added.
    """
    named = weights.removeprefix(FILE)
    for one in added_weights(workspace):
        if one.name == named:
            path = workspace.root / "weights" / Path(one.file).name
            if not path.is_file() or file_digest(path) != one.sha256:
                raise WeightsError(
                    f"The added weights “{named}” are no longer the file that was added (sha256 {one.sha256[:12]})",
                    "Have the file added again",
                    option=f"overread weights add FILE --name {named}",
                )
            return path, one
    path = Path(named)
    with suppress(RuntimeError):  # ~name of nobody: then there is no such file either
        path = path.expanduser()
    if not path.is_file():
        known = ", ".join(one.name for one in added_weights(workspace)) or "none yet"
        raise WeightsError(
            f"There are no weights “{named}”: no file of that path, and nothing added of that name ({known})",
            "Have a file added, or name one by its whole path: file:/folder/NAME.safetensors",
            option="overread weights add FILE",
        )
    return path, None
