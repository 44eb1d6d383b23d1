"""Report: choose a run and the reference standard; see the figures with their intervals, take them away as files."""

from __future__ import annotations

from gui.session import AppSession


def build(session: AppSession) -> None:
    """Place and wire the page inside the current `gr.Blocks`."""
