"""One wheel, and what it says of itself."""

from __future__ import annotations

import email.parser
import hashlib
import zipfile
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

from engine.errors import EngineError
from engine.storage import storage_error

CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Wheel:
    """One wheel.

    Attributes:
        path: Where it lies.
        sha256: Of the file.
        told: Its metadata.
    """

    path: Path
    sha256: str
    told: Message

    @property
    def name(self) -> str:
        """Of the package."""
        return str(self.told["Name"])

    @property
    def version(self) -> str:
        """Of the package."""
        return str(self.told["Version"])


def wheel_of(path: Path) -> Wheel:
    """Return what a wheel says of itself.

    Raises:
        EngineError: It is no wheel.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
        with zipfile.ZipFile(path) as opened:
            name = next(each for each in opened.namelist() if each.endswith(".dist-info/METADATA"))
            text = opened.read(name).decode("utf-8", "replace")
    except (zipfile.BadZipFile, StopIteration) as error:
        raise EngineError(f"{path.name} is no wheel", "Remove it, and make the bundle again") from error
    except OSError as error:
        raise storage_error(error, path) from error
    return Wheel(
        path=path, sha256=digest.hexdigest(), told=email.parser.Parser().parsestr(text, headersonly=True)
    )
