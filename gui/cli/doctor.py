"""`overread doctor` and `version`: what this machine offers and what is missing, without touching the network."""

from __future__ import annotations

import dataclasses
import os
import platform
import shutil
import sys
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import typer

from engine.errors import EngineError
from engine.workspace import Workspace, default_root, open_workspace, remarks
from gui.cli.options import LOOK, JsonOption, WorkspaceOption
from gui.cli.terminal import show_json, show_table

app = typer.Typer()

DEFAULT_WEIGHTS = "tf_efficientnet_lite0"
BROWSERS = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge",
    "microsoft-edge", "firefox", "safari",
)  # fmt: skip
SPACE_NEEDED = 2 * 1024**3
"""Bytes that a few thousand films' caches and a few runs take."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What.
        found: What there is.
        good: Whether Overread can work with it.
        remedy: What to do where it cannot.
    """

    name: str
    found: str
    good: bool = True
    remedy: str = ""


@app.command(rich_help_panel=LOOK)
def doctor(root: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Check what Overread needs on this computer and say what is missing, without network access.

    Example: [bold]overread doctor[/bold]
    """
    checks = examine(root)
    good = all(check.good for check in checks)
    if as_json:
        show_json({"good": good, "checks": [dataclasses.asdict(check) for check in checks]})
    else:
        show_table(("", "found", ""), [(c.name, c.found, "good" if c.good else "missing") for c in checks])
    if not good:
        remedies = "; ".join(f"{check.name}: {check.remedy}" for check in checks if not check.good)
        raise EngineError("Something that Overread needs is missing", remedies)


@app.command(rich_help_panel=LOOK)
def version() -> None:
    """Print the version.

    Example: [bold]overread version[/bold]
    """
    from importlib.metadata import PackageNotFoundError, version as installed

    try:
        print(installed("overread"))
    except PackageNotFoundError:
        print("not installed as a package")


def examine(workspace_root: Path | None = None) -> list[Check]:
    """Look at everything that Overread needs.

    Args:
        workspace_root: The workspace's folder; None means the default one.

    Returns:
        The checks in the order of `CHECKS`; one that meets an `EngineError` carries its two sentences.
    """
    root = workspace_root or default_root()
    return [_guarded(name, check, root) for name, check in CHECKS.items()]


def _guarded(name: str, check: Callable[[str, Path], Check], root: Path) -> Check:
    try:
        return check(name, root)
    except EngineError as error:
        return Check(name=name, found=error.problem, good=False, remedy=error.remedy)


def _python(name: str, _root: Path) -> Check:
    found = f"{sys.version.split()[0]} at {sys.executable}"
    return Check(
        name=name, found=found, good=sys.version_info >= (3, 11), remedy="Install Python 3.11 or newer"
    )


def _system(name: str, _root: Path) -> Check:
    return Check(name=name, found=f"{platform.system()} {platform.release()} {platform.machine()}")


def _packages(name: str, _root: Path) -> Check:
    from importlib.metadata import PackageNotFoundError, version as installed

    versions = []
    for package in ("overread", "torch", "torchvision", "timm", "gradio"):
        try:
            versions.append(f"{package} {installed(package)}")
        except PackageNotFoundError:
            versions.append(f"{package} (not installed as a package)")
    missing = [entry for entry in versions[1:] if entry.endswith(")")]
    return Check(
        name=name,
        found=", ".join(versions),
        good=not missing,
        remedy="Install Overread with its requirements: python -m pip install -c constraints.txt -e .",
    )


def _device(name: str, _root: Path) -> Check:
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    found = f"CPU, {cores} core{'s' * (cores != 1)}"
    if torch.cuda.is_available():
        memory = torch.cuda.get_device_properties(0).total_memory / 1024**3
        found = f"CUDA: {torch.cuda.get_device_name(0)}, {memory:.0f} GiB; {found}"
    elif torch.backends.mps.is_available():
        found = f"MPS (Apple GPU); {found}"
    return Check(name=name, found=found)


def _weights(name: str, _root: Path) -> Check:
    from engine.models import find_weights, missing

    loaded = find_weights(DEFAULT_WEIGHTS)
    if loaded is None:
        raise missing(DEFAULT_WEIGHTS)
    state, origin = loaded
    millions = sum(tensor.numel() for tensor in state.values()) / 1e6
    return Check(name=name, found=f"EfficientNet-Lite0, {millions:.1f} million parameters read, {origin}")


def _workspace(name: str, root: Path) -> Check:
    workspace = open_workspace(root)
    runs = sum(1 for _ in workspace.runs.glob("*/run.json"))
    datasets = sum(1 for folder in workspace.datasets.glob("*") if folder.is_dir())
    found = ". ".join([f"{workspace.root}, {datasets} data sets, {runs} finished runs", *remarks(workspace)])
    return Check(name=name, found=found)


def _database(name: str, root: Path) -> Check:
    from engine.reading import open_store

    with open_store(open_workspace(root).database) as store:
        return Check(name=name, found=f"{store.name} opens, {len(store.runs())} runs to review")


def _disk(name: str, root: Path) -> Check:
    workspace: Workspace = open_workspace(root)
    free = shutil.disk_usage(workspace.root).free
    cache = sum(path.stat().st_size for path in workspace.cache.rglob("*") if path.is_file())
    return Check(
        name=name,
        found=f"{_gigabytes(free)} free; deleting {workspace.cache} would free {_gigabytes(cache)} more",
        good=free >= SPACE_NEEDED,
        remedy="Free some space, delete the cache folder, or choose another disk with --workspace",
    )


def _browser(name: str, _root: Path) -> Check:
    found = [browser for browser in BROWSERS if shutil.which(browser)]
    try:
        opens = webbrowser.get() is not None
    except webbrowser.Error:
        opens = False
    if not (found or opens):
        return Check(
            name=name,
            found="none found",
            good=False,
            remedy="Install a browser, or open what `overread gui` prints from another computer by ssh -L",
        )
    return Check(name=name, found=", ".join(found) or "the system's own")


def _network(name: str, _root: Path) -> Check:
    return Check(
        name=name, found="not contacted; Overread downloads nothing unless asked (--allow-downloads)"
    )


def _sharing(name: str, _root: Path) -> Check:
    from gui.sharing import WAYS

    told = [way.missing() or key for key, way in WAYS.items()]
    return Check(name=name, found=f"ways for guests to connect (--via): {'; '.join(told)}")


def _gigabytes(size: float) -> str:
    return f"{size / 1024**3:.1f} GiB"


CHECKS: dict[str, Callable[[str, Path], Check]] = {
    "Python": _python,
    "system": _system,
    "packages": _packages,
    "device": _device,
    "weights": _weights,
    "workspace": _workspace,
    "database": _database,
    "disk": _disk,
    "browser": _browser,
    "network": _network,
    "sharing": _sharing,
}
