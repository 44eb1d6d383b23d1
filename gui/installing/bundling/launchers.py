"""What starts the program from a bundle: an environment is made when it is first started, and used from then on.

Nothing is asked of a network: pip is told to use the folder of wheels alone, and to hold each against its checksum. The
files lie beside this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).parent


def launchers(python: tuple[int, int]) -> Mapping[str, str]:
    """Return the programs that start a bundle, by name.

    Args:
        python: Major and minor version for which its wheels are.
    """
    major, minor = map(str, python)
    texts = {name: _read(name) for name in ("overread.sh", "overread.cmd")}
    filled = {name: each.replace("@MAJOR@", major).replace("@MINOR@", minor) for name, each in texts.items()}
    return {**filled, "overread.cmd": filled["overread.cmd"].replace("\n", "\r\n")}


def read_me(version: str, platform: str) -> str:
    """Return what a bundle says of itself."""
    return _read("README.txt").replace("@VERSION@", version).replace("@PLATFORM@", platform)


def _read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
