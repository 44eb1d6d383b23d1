"""Everything that Overread stands on, looked at without a network: `overread doctor`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from engine.errors import EngineError
from engine.workspace import default_root
from gui.installing.checking import computer, packages
from gui.installing.checking.check_record import Check

Looks = Callable[[str, Path], Check]

CHECKS: Mapping[str, Looks] = {
    "Python": computer.python,
    "system": computer.system,
    "environment": packages.environment,
    "packages": packages.packages,
    "PyTorch": packages.torch_build,
    "device": computer.device,
    "weights": computer.weights,
    "workspace": computer.workspace,
    "database": computer.database,
    "disk": computer.disk,
    "cache": computer.cache,
    "port": computer.port,
    "browser": computer.browser,
    "fonts": computer.fonts,
    "menu": computer.menu,
    "network": computer.network,
    "sharing": computer.sharing,
}
"""What is looked at, in this order; one line each for the extras comes after."""


def examine(workspace_root: Path | None = None) -> list[Check]:
    """Look at everything that Overread needs, and at what it may have.

    Args:
        workspace_root: The workspace's folder; None means the default one.

    Returns:
        The checks in the order of `CHECKS`; one that meets an `EngineError` carries its two sentences.
    """
    root = workspace_root or default_root()
    optional = {f"extra {name}": packages.extra for name in packages.extras()}
    return [_guarded(name, look, root) for name, look in {**CHECKS, **optional}.items()]


def _guarded(name: str, look: Looks, root: Path) -> Check:
    try:
        return look(name, root)
    except EngineError as error:
        return Check(name=name, found=error.problem, good=False, remedy=error.typed_remedy)
    except (
        OSError,
        ImportError,
    ) as error:  # of a library that is broken, say: the others are looked at all the same
        return Check(name=name, found=f"cannot be looked at ({error})", good=False, remedy=packages.INSTALL)
