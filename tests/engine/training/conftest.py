"""What tests of training share."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tiny import TINY_RECIPE


@pytest.fixture
def tiny_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands in for pretrained weights of the tiny net: a local file, found as a user's would be."""
    import timm
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(3)
    state = timm.create_model(TINY_RECIPE.backbone, pretrained=False).state_dict()
    (tmp_path / "weights").mkdir()
    save_file(state, tmp_path / "weights" / f"{TINY_RECIPE.backbone}.safetensors")
    monkeypatch.setenv("OVERREAD_WEIGHTS", str(tmp_path / "weights"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small tmpfs cannot be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
