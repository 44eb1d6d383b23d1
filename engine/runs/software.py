"""What a run was made with: versions, device, machine."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


_PACKAGES = (
    "overread",
    "torch",
    "torchvision",
    "timm",
    "captum",
    "scikit-learn",
    "numpy",
    "pillow",
    "pydicom",
)


def environment(device: str) -> dict[str, object]:
    """Return versions and device, for environment.json and the report's methods section."""
    versions: dict[str, str] = {}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed as a package"
    return {
        "python": sys.version.split()[0],
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "device": device,
        "packages": versions,
    }
