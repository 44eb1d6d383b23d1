"""`python -m benchmarks [name…] [--data PATH] [--quick] [--json] [--against REV] [--table [--all]]`."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks import against
from benchmarks.catalogue import BENCHMARKS
from benchmarks.measuring import LeftOut, Row, Setting, machine
from benchmarks.results import line, save, table


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and keep; return 0 also where a budget is missed, because a figure is no error."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(BENCHMARKS))
    parser.add_argument("--data", type=Path, help="real films; synthetic ones otherwise")
    parser.add_argument("--quick", action="store_true", help="small: to try out, nothing is kept")
    parser.add_argument("--json", action="store_true", help="print JSON instead of lines")
    parser.add_argument("--unkept", action="store_true", help="do not keep the results")
    parser.add_argument(
        "--against", metavar="REV", help="the same at another commit, and the ratio; nothing is kept"
    )
    parser.add_argument("--table", action="store_true", help="print the newest kept results as Markdown")
    parser.add_argument(
        "--all", action="store_true", help="with --table: at every size, not the largest alone"
    )
    asked = parser.parse_args(arguments)
    if asked.table:
        print(table(every=asked.all))
        return 0
    if unknown := [name for name in asked.names if name not in BENCHMARKS]:
        parser.error(f"no benchmark is called {', '.join(unknown)}; choose from {', '.join(BENCHMARKS)}")
    if asked.against:
        options = (
            *(("--data", str(asked.data.resolve())) if asked.data else ()),
            *(("--quick",) if asked.quick else ()),
        )
        for name in asked.names or BENCHMARKS:
            print(name, flush=True)
            for row in against.measure(asked.against, name, options):
                print(line(row), flush=True)
        return 0
    facts = machine()
    if not asked.json:
        print(", ".join(f"{name} {value}" for name, value in facts.items()))
    measured: dict[str, list[Row | LeftOut]] = {}
    for name in asked.names or BENCHMARKS:
        measured[name] = []
        if not asked.json:
            print(name, flush=True)
        # A mapped file cannot be deleted on Windows while it is open.
        with tempfile.TemporaryDirectory(prefix="overread-bench-", ignore_cleanup_errors=True) as scratch:
            for row in BENCHMARKS[name](Setting(scratch=Path(scratch), data=asked.data, quick=asked.quick)):
                measured[name].append(row)
                if not asked.json:
                    print(line(row), flush=True)
        if not (asked.quick or asked.unkept):
            save(facts, {name: measured[name]}, "real films" if asked.data else "synthetic films")
    if asked.json:
        rows = {name: [asdict(row) for row in rows] for name, rows in measured.items()}
        print(json.dumps({"machine": facts, "benchmarks": rows}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
