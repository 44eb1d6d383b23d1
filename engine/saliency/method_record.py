"""What is known of a way of making maps, beside the function that makes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from engine.language import in_print

if TYPE_CHECKING:
    from torch import Tensor

    from engine.models import Classifier

# (classifier, images (B, C, H, W) in [0, 1], targets (B,) int64, the backbone's map where it is known already)
# -> maps (B, h, w), evidence for the target above 0, not yet normalised.
Saliency: TypeAlias = "Callable[[Classifier, Tensor, Tensor, Tensor | None], Tensor]"

HARDLY_CHANGED = 0.9  # rank correlation


@dataclass(frozen=True, kw_only=True)
class Method:
    """A way of making maps.

    Attributes:
        maps: Makes them.
        says: What a map shows, as half a sentence.
        of_cells: Whether its maps have the cells of the net's last map.
        copies: How many altered copies of an image (height, width) go through the net; None where it goes once.
        kept: Spearman's rank correlation of its maps with those of the same net with a shuffled head, the median over
            test images of the demonstration (`python -m benchmarks methods`); None where it was not measured.
    """

    maps: Saliency
    says: str = ""
    of_cells: bool = False
    copies: Callable[[int, int], int] | None = None
    kept: float | None = None

    def caution(self, kept: float | None = None) -> str:
        """Say why its maps are to be doubted; empty where nothing speaks against them.

        Args:
            kept: As measured on the run at hand; None takes what was measured on the demonstration.
        """
        where = "on the demonstration" if kept is None else "on this run"
        kept = self.kept if kept is None else kept
        if kept is None or kept < HARDLY_CHANGED:
            return ""
        return (
            "Caution: these maps say little about what the model has learnt. When its head's weights were "
            f"shuffled, they stayed almost the same (rank correlation {in_print(kept, '.2f')} {where})"
        )
