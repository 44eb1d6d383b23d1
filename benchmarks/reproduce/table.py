"""Results as files, one JSON a study, and as the README's table."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from engine.report import duration
from engine.storage import write_atomic

RESULTS = Path(__file__).parent / "results"
HEADINGS = ("recipe", "data", "figure", "published", "measured (95% interval)", "n", "time", "device")


def keep(results: Path, study: str, data: str, row: Mapping[str, Any]) -> Path:
    """Write a row into a study's file, in place of the row of the same recipe, and quickness, on the same device."""
    path = results / f"{study}.json"
    kept: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"rows": []}
    same = ("recipe", "quick", "device")
    others = [old for old in kept["rows"] if any(old[name] != row[name] for name in same)]
    rows = sorted([*others, dict(row)], key=lambda one: (one["quick"], one["recipe"], one["device"]))
    document = {
        "study": study,
        "data": data,
        "command": f"python -m benchmarks.reproduce {study} --data DIR",
        "rows": rows,
    }
    results.mkdir(parents=True, exist_ok=True)
    write_atomic(path, json.dumps(_plain(document), indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    return path


def markdown(results: Path, names: Iterable[str] = (), *, quick: bool = False) -> str:
    """Return all results as one Markdown table; trials (`quick`) stand in it only when asked for."""
    chosen = set(names)
    lines = [f"| {' | '.join(HEADINGS)} |", f"|{'---|' * len(HEADINGS)}"]
    for path in sorted(results.glob("*.json")):
        if chosen and path.stem not in chosen:
            continue
        study = json.loads(path.read_text())
        for row in study["rows"]:
            if row["quick"] and not quick:
                continue
            figures = {name: value for name, value in row["published"].items() if name in row["figures"]}
            for number, name in enumerate(figures or ("accuracy",)):
                lines.append(_line(study, row, name, figures.get(name), first=number == 0))
    return "\n".join(lines) + "\n"


def _line(
    study: Mapping[str, Any], row: Mapping[str, Any], name: str, published: float | None, *, first: bool
) -> str:
    figure = row["figures"][name]
    epochs = f"{row['epochs']} epochs" + (", a trial" if row["quick"] else "")
    cells = (
        f"`{row['recipe']}`" if first else "",
        study["data"] if first else "",
        name,
        "–" if published is None else f"{published:.3f}",
        measured(figure),
        f"{figure['n']:,}",
        f"{duration(row['seconds'])}, {epochs}" if first else "",
        row["device"] if first else "",
    )
    return f"| {' | '.join(cells)} |"


def measured(figure: Mapping[str, Any]) -> str:
    """Return a figure with its interval, for people."""
    if figure["value"] is None:
        return "–"
    bounds = "" if figure["low"] is None else f" ({figure['low']:.3f}–{figure['high']:.3f})"
    return f"{figure['value']:.3f}{bounds}"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
