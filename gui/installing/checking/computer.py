"""What this computer offers: device, disk, port, browser, fonts, menu, network."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import webbrowser
from pathlib import Path

from engine.language import count_of
from engine.workspace import open_workspace, remarks
from gui.installing.checking.check_record import Check, gigabytes
from gui.listening import ADDRESS, FIRST_PORT, choose_port

DEFAULT_WEIGHTS = "tf_efficientnet_lite0"
BROWSERS = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge",
    "microsoft-edge", "firefox", "safari",
)  # fmt: skip
SPACE_NEEDED = 2 * 1024**3
"""Bytes that a few thousand films' caches and a few runs take."""


def python(name: str, _root: Path) -> Check:
    """Tell which Python this is."""
    found = f"{sys.version.split()[0]} at {sys.executable}"
    return Check(
        name=name, found=found, good=sys.version_info >= (3, 11), remedy="Install Python 3.11 or newer"
    )


def system(name: str, _root: Path) -> Check:
    """Tell which operating system this is."""
    return Check(name=name, found=f"{platform.system()} {platform.release()} {platform.machine()}")


def device(name: str, _root: Path) -> Check:
    """Tell what nets run on."""
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    found = f"CPU, {cores} core{'s' * (cores != 1)}"
    if torch.cuda.is_available():
        memory = torch.cuda.get_device_properties(0).total_memory / 1024**3
        return Check(name=name, found=f"CUDA: {torch.cuda.get_device_name(0)}, {memory:.0f} GiB; {found}")
    if torch.backends.mps.is_available():
        return Check(name=name, found=f"MPS (Apple GPU); {found}")
    unused = shutil.which("nvidia-smi") is not None
    return Check(
        name=name,
        found=f"{found}; a driver of NVIDIA is there, and this PyTorch finds no GPU with it"
        if unused
        else found,
        good=not unused,
        needed=False,
        remedy="Update the driver, or install the PyTorch that is built for it",
    )


def weights(name: str, _root: Path) -> Check:
    """Tell whether the default backbone's weights can be read."""
    from engine.models import find_weights, missing

    loaded = find_weights(DEFAULT_WEIGHTS)
    if loaded is None:
        raise missing(DEFAULT_WEIGHTS)
    state, origin = loaded
    millions = sum(tensor.numel() for tensor in state.values()) / 1e6
    return Check(name=name, found=f"EfficientNet-Lite0, {millions:.1f} million parameters read, {origin}")


def workspace(name: str, root: Path) -> Check:
    """Tell what the workspace holds."""
    opened = open_workspace(root)
    runs = sum(1 for _ in opened.runs.glob("*/run.json"))
    datasets = sum(1 for folder in opened.datasets.glob("*") if folder.is_dir())
    found = ". ".join([f"{opened.root}, {datasets} data sets, {runs} finished runs", *remarks(opened)])
    return Check(name=name, found=found)


def database(name: str, root: Path) -> Check:
    """Tell whether the database opens."""
    from engine.reading import open_store

    with open_store(open_workspace(root).database) as store:
        runs = len(store.runs())
        return Check(name=name, found=f"{store.name} opens, {count_of(runs, 'run')} to review")


def disk(name: str, root: Path) -> Check:
    """Tell how much room there is for runs and caches."""
    folder = open_workspace(root).root
    free = shutil.disk_usage(folder).free
    return Check(
        name=name,
        found=f"{gigabytes(free)} free where the workspace lies",
        good=free >= SPACE_NEEDED,
        remedy="Free some space, delete the cache folder, or choose another disk with --workspace",
    )


def cache(name: str, root: Path) -> Check:
    """Tell what the cache takes."""
    folder = open_workspace(root).cache
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    writable = os.access(folder, os.W_OK)
    return Check(
        name=name,
        found=f"{folder}, {gigabytes(size)}, which may be deleted at any time"
        + ("" if writable else "; nothing may be written there"),
        good=writable,
        remedy="Choose a workspace that may be written to with --workspace",
    )


def port(name: str, _root: Path) -> Check:
    """Tell where the window would open."""
    found = choose_port(None)
    usual = "" if found == FIRST_PORT else f"; {FIRST_PORT} is in use, by another window perhaps"
    return Check(name=name, found=f"{found} of {ADDRESS} is free for the window{usual}")


def browser(name: str, _root: Path) -> Check:
    """Tell what shows the pages."""
    found = [one for one in BROWSERS if shutil.which(one)]
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
    return Check(
        name=name, found=f"{', '.join(found) or 'the system’s own'} for the pages; reports and PDFs need none"
    )


def fonts(name: str, _root: Path) -> Check:
    """Tell whether the letters of the report's PDF are there."""
    from matplotlib import get_data_path

    folder = Path(get_data_path()) / "fonts" / "ttf"
    there = len(list(folder.glob("DejaVu*.ttf")))
    return Check(
        name=name,
        found=f"{there} of DejaVu come with matplotlib, for PDFs and figures; pages use this computer's",
        good=there > 0,
        remedy="Install matplotlib again: python -m pip install --force-reinstall --no-deps matplotlib",
    )


def menu(name: str, _root: Path) -> Check:
    """Tell whether this installation stands in the menu."""
    from gui.installing.desktop import entry_for, started, this_system

    entry = entry_for(this_system(), started(None))
    names = [each for each in entry.files if each.suffix not in (".png", ".ico", ".icns")]
    there = [entry.folder / each for each in names if (entry.folder / each).is_file()]
    if len(there) < len(names):
        return Check(
            name=name, found="Overread is not in it", good=False, needed=False,
            remedy="overread desktop puts it there",
        )  # fmt: skip
    same = all((entry.folder / each).read_bytes() == entry.files[each] for each in names)
    return Check(
        name=name,
        found="Overread is in it"
        if same
        else "its Overread is another installation, or shows another workspace",
        good=same,
        needed=False,
        remedy="overread desktop writes it again",
    )


def network(name: str, _root: Path) -> Check:
    """Say that nothing was asked."""
    return Check(
        name=name,
        found="not contacted; Overread downloads nothing unless asked (--allow-downloads, overread update-check)",
    )


def sharing(name: str, _root: Path) -> Check:
    """Tell how guests could connect."""
    from gui.sharing import WAYS

    told = [way.missing() or key for key, way in WAYS.items()]
    return Check(name=name, found=f"ways for guests to connect (--via): {'; '.join(told)}")
