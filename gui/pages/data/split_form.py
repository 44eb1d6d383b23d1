"""The form in which a person says how data is split: percentages and three ways to use them."""

from __future__ import annotations

from engine.data import Choices, SplitMode, ratios_of
from engine.errors import SplitError

SPLIT_MODES: dict[SplitMode, str] = {
    "automatic": "Use the parts that came with the data, if any; otherwise the shares below",
    "given": "Use only the parts that came with the data",
    "new": "Make a new split by the shares below",
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
    chosen: SplitMode = next((name for name in SPLIT_MODES if name == mode), "automatic")
    try:
        ratios = ratios_of(train, val, test)
    except SplitError:
        if chosen != "given":
            raise
        ratios = Choices().ratios
    return Choices(mode=chosen, ratios=ratios, seed=int(seed or 0), positive=positive or None)
