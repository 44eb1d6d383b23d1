"""What dcmtk, a toolkit that shares no code with what is tested, makes of a DICOM file."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest

TOOLS = ("dcmj2pnm", "dcml2pnm")  # JPEG and RLE; JPEG-LS
HERE = all(shutil.which(tool) for tool in TOOLS)
REQUIRED = bool(os.environ.get("OVERREAD_REQUIRE_DCMTK"))
needs_dcmtk = pytest.mark.skipif(
    not HERE and not REQUIRED, reason="dcmtk is not installed (Debian: apt-get install dcmtk)"
)


def shown(path: Path, *options: str, sixteen: bool = False) -> np.ndarray[Any, Any] | None:
    """Return the first frame as dcmtk shows it; None where it cannot.

    Args:
        path: The file.
        options: Of dcmj2pnm, e.g. "+Wi", "1" for the first window.
        sixteen: Whether levels are 0 to 65535 rather than 0 to 255.

    Returns:
        (H, W) or (H, W, 3) integers.
    """
    for tool in TOOLS:
        done = subprocess.run(
            [tool, "-q", "-O", *options, "+on2" if sixteen else "+on", str(path)], capture_output=True
        )
        if done.returncode == 0 and done.stdout:
            return np.asarray(imagecodecs.png_decode(done.stdout)).astype(np.int64)
    return None
