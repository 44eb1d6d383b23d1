"""Wheels to one zip: with their checksums, a bill of materials, and what starts the program from them."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from engine.errors import EngineError
from engine.storage import storage_error
from gui.installing.bundling.launchers import launchers, read_me
from gui.installing.bundling.materials import bill_of_materials
from gui.installing.bundling.wheels import Wheel, wheel_of


def platform_name() -> str:
    """Return for which Python and which computers the wheels of this one are."""
    python = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    return f"{platform.system().lower()}-{platform.machine().lower()}-{python}"


def pack(wheels: Path, target: Path) -> list[Wheel]:
    """Write a bundle, and return what is in it; each wheel is removed once it is in it.

    Args:
        wheels: A folder of wheels, Overread's among them.
        target: The zip; what was there is replaced when the new one is whole.

    Raises:
        EngineError: Overread is not among the wheels, or the bill of materials cannot be made.
        WorkspaceError: The zip cannot be written.
    """
    found = [wheel_of(path) for path in sorted(wheels.glob("*.whl"))]
    own = next((each for each in found if each.name == "overread"), None)
    if own is None:
        raise EngineError("There is no wheel of Overread among them", "Make the bundle with: overread bundle")
    root = target.stem
    texts = {
        "requirements.txt": "".join(
            f"{each.name}=={each.version} --hash=sha256:{each.sha256}\n" for each in found
        ),
        "sbom.cdx.json": bill_of_materials(own, found),
        "README.txt": read_me(own.version, platform_name()),
        **launchers((sys.version_info[0], sys.version_info[1])),
    }
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _write(target, root, found, texts)
    except OSError as error:
        raise storage_error(error, target) from error
    return found


def _write(target: Path, root: str, found: Sequence[Wheel], texts: dict[str, str]) -> None:
    handle, half = tempfile.mkstemp(dir=target.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as stream, zipfile.ZipFile(stream, "w") as bundle:
            sums = []
            for name, text in sorted(texts.items()):
                data = text.encode()
                sums.append(f"{hashlib.sha256(data).hexdigest()}  {name}\n")
                _add(bundle, f"{root}/{name}", data, runs=name.endswith(".sh"))
            for each in found:
                sums.append(f"{each.sha256}  wheels/{each.path.name}\n")
                bundle.write(each.path, f"{root}/wheels/{each.path.name}", zipfile.ZIP_STORED)
                each.path.unlink()
            _add(bundle, f"{root}/SHA256SUMS", "".join(sums).encode(), runs=False)
        Path(half).chmod(0o644)
        Path(half).replace(target)
    finally:
        Path(half).unlink(missing_ok=True)


def _add(bundle: zipfile.ZipFile, name: str, data: bytes, *, runs: bool) -> None:
    member = zipfile.ZipInfo(name)
    member.external_attr = (0o100755 if runs else 0o100644) << 16
    bundle.writestr(member, data, zipfile.ZIP_DEFLATED)
