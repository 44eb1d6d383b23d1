"""Overread beside its peers, in one run on one machine: `python -m benchmarks [name…] [--data PATH]`.

Each module measures one thing and yields `Row`s: our figure, the peer's or the limit's of the same run, their ratio,
and whether the budget is met. `python -m benchmarks --table` prints the last results as the README has them.

To add a benchmark, write a module with a `measure(setting)` and add a line to `benchmarks.catalogue.BENCHMARKS`.
"""
