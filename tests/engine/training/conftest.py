"""What tests of training share."""

from __future__ import annotations

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
