"""What is installed: the packages that are asked for, what extras add, PyTorch's build, and what all of it takes."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterable, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions
from pathlib import Path

from gui.installing.checking.check_record import Check, gigabytes

CHECKOUT = Path(__file__).parents[3]
TOLD = ("overread", "torch", "torchvision", "timm", "gradio")
FOR_DEVELOPERS = ("test", "docs", "bench", "mutants", "bundle")
EXTRAS = {
    "onnx": "exporting runs as ONNX",
    "pacs": "images from an archive, DICOM out",
    "postgresql": "a database that many computers share",
    "remote": "images in stores: s3://, sftp://",
    "gcs": "images in stores: gcs://",
    "ray": "training and predicting on several computers",
}
"""What an extra is for; one that is not here is shown all the same."""
CUDA = ("nvidia-", "triton", "cuda-")
INSTALL = "Install Overread with its requirements: python -m pip install -c constraints.txt -e ."


def asked_for() -> tuple[tuple[str, ...], Mapping[str, tuple[str, ...]]]:
    """Return the requirements of this installation, and those of each extra; of a checkout as they are now."""
    configured = CHECKOUT / "pyproject.toml"
    if configured.is_file():
        project = tomllib.loads(configured.read_text(encoding="utf-8"))["project"]
        extras = {name: tuple(each) for name, each in project["optional-dependencies"].items()}
        return tuple(project["dependencies"]), extras
    try:
        told = distribution("overread")
    except PackageNotFoundError:
        return (), {}
    from packaging.requirements import Requirement

    needed: list[str] = []
    of_extras: dict[str, list[str]] = {name: [] for name in told.metadata.get_all("Provides-Extra") or ()}
    for line in told.requires or ():
        wanted = Requirement(line)
        marker, wanted.marker = (
            wanted.marker,
            None,
        )  # which is settled here: an extra's own is of no other place
        if marker is None or marker.evaluate({"extra": ""}):
            needed.append(str(wanted))
            continue
        for name, lines in of_extras.items():
            if marker.evaluate({"extra": name}):
                lines.append(str(wanted))
    return tuple(needed), {name: tuple(lines) for name, lines in of_extras.items()}


def lacking(requirements: Iterable[str]) -> list[str]:
    """Return what is not installed of requirements, or in another version than they ask for."""
    from packaging.requirements import Requirement

    said = []
    for line in requirements:
        wanted = Requirement(line)
        if wanted.name == "overread" or (wanted.marker and not wanted.marker.evaluate({"extra": ""})):
            continue
        try:
            there = distribution(wanted.name).version
        except PackageNotFoundError:
            said.append(f"{wanted.name} is not installed")
            continue
        if not wanted.specifier.contains(there, prereleases=True):
            said.append(f"{wanted.name} {there} is not {wanted.specifier}")
    return said


def packages(name: str, _root: Path) -> Check:
    """Tell the versions of what matters most, and what is missing of all that is asked for."""
    needed, _ = asked_for()
    missing = lacking(needed)
    versions = ", ".join(f"{package} {version_of(package)}" for package in TOLD)
    found = "; ".join(missing) if missing else f"{versions}; all {len(needed)} that are asked for are there"
    return Check(name=name, found=found, good=not missing, remedy=INSTALL)


def version_of(package: str) -> str:
    """Return a package's version, or that it is none."""
    try:
        return distribution(package).version
    except PackageNotFoundError:
        return "(not installed as a package)"


def environment(name: str, _root: Path) -> Check:
    """Tell where Python's packages lie, and what they take on the disk."""
    own = sys.prefix != sys.base_prefix
    size = sum(map(size_of, distributions()))
    where = (
        f"an environment of its own, {sys.prefix}" if own else f"the Python of this computer, {sys.prefix}"
    )
    return Check(
        name=name,
        found=f"{where}; its packages take {gigabytes(size)}",
        good=own,
        needed=False,
        remedy="An environment of its own keeps Overread apart from other programs: python -m venv",
    )


def torch_build(name: str, _root: Path) -> Check:
    """Tell for what PyTorch was built, what that takes, and whether this computer has a use for it."""
    import torch

    built = f"for CUDA {torch.version.cuda}" if torch.version.cuda else "for the CPU alone"
    if sys.platform == "darwin":
        built = "for macOS, Apple GPUs among it"
    size = sum(size_of(each) for each in distributions() if _name(each) == "torch")
    libraries = sum(size_of(each) for each in distributions() if _name(each).startswith(CUDA))
    found = f"built {built}, {gigabytes(size)}" + (
        f"; its CUDA libraries take another {gigabytes(libraries)}" if libraries else ""
    )
    idle = bool(libraries) and not torch.cuda.is_available()
    return Check(
        name=name,
        found=f"{found}, which nothing here uses" if idle else found,
        good=not idle,
        needed=False,
        remedy="A PyTorch for the CPU alone is smaller: docs/installing.md",
    )


def extra(name: str, _root: Path) -> Check:
    """Tell whether what an extra adds is there."""
    which = name.removeprefix("extra ")
    missing = lacking(asked_for()[1].get(which, ()))
    purpose = EXTRAS.get(which, "")
    said = f"{purpose}: {'; '.join(missing) or 'installed'}" if purpose else "; ".join(missing) or "installed"
    return Check(
        name=name, found=said, good=not missing, needed=False, remedy=f"pip install 'overread[{which}]'"
    )


def extras() -> list[str]:
    """Return the extras that somebody who uses Overread may want."""
    return sorted(set(asked_for()[1]) - {*FOR_DEVELOPERS})


def size_of(told: Distribution) -> int:
    """Return the bytes of a package's files, as its own list has them."""
    return sum(each.size or 0 for each in told.files or ())


def _name(told: Distribution) -> str:
    return str(told.metadata["Name"] or "").lower()
