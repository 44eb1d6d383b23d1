"""Draw docs/pictures/import-rule.svg: who may import whom, from import-linter's layers in pyproject.toml.

python docs/import_rule.py
"""

from __future__ import annotations

import ast
import re
import textwrap
import tomllib
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "pictures" / "import-rule.svg"
WIDTH, LEFT, GAP, LINE, PAD = 960, 44, 8, 16, 8
CHARACTER = 6.3  # pixels of one character at 12 px, a little more than it takes


def layers(package: str) -> list[list[str]]:
    """Return a package's layers from the top down; modules of one layer stand side by side."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for contract in settings["tool"]["importlinter"]["contracts"]:
        if contract["type"] == "layers" and contract.get("containers") == [package]:
            return [re.split(r"\s*[|:]\s*", layer) for layer in contract["layers"]]
    raise SystemExit(f"pyproject.toml has no layers of {package}")


def says(package: str, name: str) -> str:
    """Return what a chapter says it is: the first sentence of its docstring, without its own name in front."""
    place = ROOT / package / name
    module = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    docstring = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
    sentence = re.split(r"(?<=[.:])\n\n|\n\n", docstring)[0].replace("\n", " ").rstrip(".")
    said = re.sub(rf"^{re.escape(name)}: ", "", sentence, flags=re.IGNORECASE).replace("`", "")
    return said[:1].upper() + said[1:]


def draw() -> str:
    """Return the picture as SVG."""
    body: list[str] = []
    y = 42
    for package in ("gui", "engine"):
        body.append(f'<text x="{LEFT}" y="{y}" class="package">{package}/</text>')
        y += 10
        for row in layers(package):
            width = (WIDTH - LEFT - 8 - GAP * (len(row) - 1)) / len(row)
            told = [textwrap.wrap(says(package, name), int((width - 2 * PAD) / CHARACTER)) for name in row]
            height = 2 * PAD + 17 + LINE * max(map(len, told))
            for place, (name, lines) in enumerate(zip(row, told, strict=True)):
                body += _box(LEFT + place * (width + GAP), y, width, height, name, lines)
            y += height + GAP
        y += 30
    bottom = y - 36
    arrow = (
        f'<path d="M20 52V{bottom - 8}" class="arrow"/>'
        f'<path d="M14 {bottom - 12}L20 {bottom}L26 {bottom - 12}Z" class="tip"/>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 12}" role="img" '
        'aria-label="Layers of gui and engine; each may import what stands below it">\n'
        "<style>text{font:12px sans-serif;fill:#334155}.name{font-weight:bold;font-size:13px;fill:#0f172a}"
        ".package{font-weight:bold;font-size:16px;fill:#0369a1}rect{fill:#f1f5f9;stroke:#94a3b8}"
        ".arrow{stroke:#0369a1;stroke-width:2}.tip{fill:#0369a1}.sheet{fill:#fff;stroke:none}</style>\n"
        f'<rect class="sheet" width="{WIDTH}" height="{bottom + 12}"/>\n'
        f'<text x="{LEFT}" y="14">May import what stands below it, never what stands above or beside it.</text>\n'
        + arrow
        + "\n"
        + "\n".join(body)
        + "\n</svg>\n"
    )


def _box(x: float, y: float, width: float, height: float, name: str, lines: list[str]) -> list[str]:
    told = [
        f'<text x="{x + PAD:g}" y="{y + PAD + 30 + LINE * number:g}">{escape(line)}</text>'
        for number, line in enumerate(lines)
    ]
    return [
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="5"/>',
        f'<text x="{x + PAD:g}" y="{y + PAD + 13:g}" class="name">{escape(name)}</text>',
        *told,
    ]


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
    print(PICTURE)
