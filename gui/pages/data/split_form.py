"""The form in which a person says how data is split: percentages and three ways to use them."""

from __future__ import annotations

from engine.data import Choices, SplitMode, ratios_of
from engine.errors import SplitError
from engine.language import _


def split_modes() -> dict[SplitMode, str]:
    """Return the ways to split, each in words."""
    return {
        "automatic": _("Use the parts that came with the data, if any; otherwise the shares below"),
        "given": _("Use only the parts that came with the data"),
        "new": _("Make a new split by the shares below"),
    }


def choices_from_percent(
    mode: str,
    train: float | None,
    val: float | None,
    test: float | None,
    seed: float | None,
    positive: str | None,
) -> Choices:
    """Return the choice that the form's percentages make.

    Raises:
        SplitError: See `engine.data.ratios_of`; shares that are not used need not add up.
    """
    chosen: SplitMode = next((name for name in split_modes() if name == mode), "automatic")
    try:
        ratios = ratios_of(train, val, test)
    except SplitError:
        if chosen != "given":
            raise
        ratios = Choices().ratios
    return Choices(mode=chosen, ratios=ratios, seed=int(seed or 0), positive=positive or None)
