"""Results: kept as JSON by machine and date, printed for people, and as the README's table."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.measuring import LeftOut, Row

FOLDER = Path(__file__).parent / "results"
COLUMNS = ("Work", "Overread", "Beside", "Ratio", "Budget", "Met", "Quality")


def line(row: Row | LeftOut) -> str:
    """Return a row in words, for the terminal."""
    if isinstance(row, LeftOut):
        return f"  {row.work}: left out, {row.reason}"
    parts = [f"  {row.work}: {figure(row.ours)} {row.unit}"]
    if row.theirs is not None:
        parts.append(f"{row.peer} {figure(row.theirs)} {row.unit}")
    if row.ratio is not None:
        parts.append(f"ratio {figure(row.ratio)}")
    if row.budget:
        parts.append(f"budget {row.budget}: {'met' if row.met else 'MISSED'}")
    parts += [each for each in (row.quality, row.note) if each]
    return "; ".join(parts)


def figure(value: float) -> str:
    """Write a number with three figures."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def save(machine: Mapping[str, str], measured: Mapping[str, Sequence[Row | LeftOut]], arguments: str) -> Path:
    """Write results as results/<machine>-<date>.json; benchmarks measured earlier that day stay."""
    named = f"{machine['processor']} {machine['cores']} cores {machine['device']}"
    slug = re.sub(r"[^a-z0-9]+", "-", named.lower()).strip("-")
    path = FOLDER / f"{slug}-{machine['date']}.json"
    FOLDER.mkdir(exist_ok=True)
    kept: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"benchmarks": {}}
    kept["machine"] = dict(machine)
    for name, rows in measured.items():
        kept["benchmarks"][name] = {
            "arguments": arguments,
            "load before": machine["load before"],
            "rows": [asdict(row) for row in rows],
        }
    path.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def table(*, every: bool = False) -> str:
    """Return the newest results of each machine as Markdown, those of the machine measured last first.

    Args:
        every: Every row; otherwise, of work that was done at several sizes, the largest alone.

    Raises:
        FileNotFoundError: Nothing was measured yet.
    """
    dated = FOLDER.glob(
        "*-[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9].json"
    )  # coverage.json is of another kind
    by_machine: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(dated, key=lambda path: (path.stem[-10:], path.stem)):
        by_machine.setdefault(path.stem[:-10], []).append(json.loads(path.read_text(encoding="utf-8")))
    if not by_machine:
        raise FileNotFoundError("No results yet: run python -m benchmarks first")
    last = sorted(by_machine.values(), key=lambda days: str(days[-1]["machine"]["date"]), reverse=True)
    return "\n\n".join(_of_machine(days, every) for days in last)


def _of_machine(days: Sequence[Mapping[str, Any]], every: bool) -> str:
    """Return one machine's table: of each benchmark what was measured last."""
    newest: dict[str, Any] = {}
    for day in days:
        newest |= {name: (day["machine"]["date"], measured) for name, measured in day["benchmarks"].items()}
    facts = days[-1]["machine"]
    versions = ", ".join(
        f"{name} {facts[name]}" for name in ("torch", "timm", "openvino", "fastai") if name in facts
    )
    dates = sorted({date for date, _ in newest.values()})
    when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    lines = [
        f"Measured on {when}: {facts['processor']}, {facts['cores']} cores, {facts['device']}; {versions}.",
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "|" + "---|" * len(COLUMNS),
    ]
    notes: list[str] = []
    for _, measured in newest.values():
        for row in measured["rows"] if every else _largest(measured["rows"]):
            if "reason" in row:
                notes.append(f"{row['work']}: left out, {row['reason']}.")
                continue
            lines.append("| " + " | ".join(_cells(row)) + " |")
            if row["note"]:
                notes.append(
                    f"{row['work']}{' beside ' + row['peer'] if row['peer'] else ''}: {row['note']}."
                )
    return "\n".join([*lines, *([""] if notes else []), *(f"- {note}" for note in notes)])


def _largest(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    last = {(re.sub(r"\d[\d,]{2,}", "#", row["work"]), row.get("peer", "")): row for row in rows}
    beside = {work for work, peer in last if peer}
    # The smallest size stands beside nothing: the larger ones stand beside it.
    return [row for (work, peer), row in last.items() if peer or work not in beside]


def _cells(row: Mapping[str, Any]) -> list[str]:
    beside = f"{row['peer']}: {figure(row['theirs'])} {row['unit']}" if row["theirs"] is not None else "—"
    return [
        row["work"],
        f"{figure(row['ours'])} {row['unit']}",
        beside,
        f"{figure(row['ratio'])}×" if row["ratio"] is not None else "—",
        row["budget"] or "—",
        {True: "yes", False: "**no**", None: "—"}[row["met"]],
        row["quality"] or "—",
    ]
