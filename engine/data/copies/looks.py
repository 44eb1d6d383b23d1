"""What an image looks like in 1,056 bytes, and what it would look like mirrored, turned or inverted.

The hash holds the signs of a cosine transform. Mirroring an image changes the signs of every other column or row,
turning it transposes them, inverting its grey levels changes them all: one hash answers for sixteen images.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.language import N_

HASH_SIDE = 16  # 16 × 16 bits: chest films all look alike to the usual 64
HASH_BYTES = HASH_SIDE**2 // 8
THUMBNAIL = 2 * HASH_SIDE  # pixels a side
SMALLEST = 32  # pixels: digits of 28 × 28 look alike without being copies
_FLAT = 8  # levels: a flat image looks like every other flat image
_TURNED = 8192  # hashes at a time, whose bits take eight times as much room


def look_of(image: Image.Image) -> bytes:
    """Return what near duplicates are found by: 32 bytes of hash, 1,024 of thumbnail; nothing where it is tiny or flat.

    Args:
        image: In any mode, of any size.
    """
    from scipy.fft import dctn  # here, because it takes a tenth of a second

    if min(image.size) < SMALLEST:
        return b""
    small = image.convert("L").resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BILINEAR)
    darkest, brightest = small.getextrema()
    if brightest - darkest < _FLAT:  # type: ignore[operator]
        return b""
    low = dctn(np.asarray(small, dtype=np.float64))[:HASH_SIDE, :HASH_SIDE]
    low[0, 0] = -1.0  # the mean is positive whatever the image: it tells nothing
    return np.packbits(low > 0).tobytes() + small.tobytes()


@dataclass(frozen=True, slots=True)
class Symmetry:
    """A change that leaves an image's content as it is: transposed, then mirrored, then inverted."""

    transposed: bool = False
    left_right: bool = False
    up_down: bool = False
    inverted: bool = False

    def hashes(self, packed: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the hashes (N, 32) that images would have after this change."""
        odd = np.arange(HASH_SIDE) % 2
        change = (odd[None, :] * self.left_right) ^ (odd[:, None] * self.up_down) ^ int(self.inverted)
        change[0, 0] = 0
        changed: NDArray[np.uint8] = np.repeat(
            np.packbits(change.astype(np.uint8))[None], len(packed), axis=0
        )
        for start in range(0, len(packed), _TURNED):
            some = packed[start : start + _TURNED]
            if self.transposed:
                bits = np.unpackbits(some, axis=1).reshape(-1, HASH_SIDE, HASH_SIDE).transpose(0, 2, 1)
                some = np.packbits(bits.reshape(len(some), -1), axis=1)
            changed[start : start + _TURNED] ^= some
        return changed

    def applied(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the pixels (..., S, S) that an image would have after this change."""
        pixels = pixels.swapaxes(-1, -2) if self.transposed else pixels
        pixels = pixels[..., ::-1] if self.left_right else pixels
        pixels = pixels[..., ::-1, :] if self.up_down else pixels
        return 255 - pixels if self.inverted else pixels

    def undone(self) -> Symmetry:
        """Return the change that takes this one back."""
        if not self.transposed:
            return self
        return Symmetry(True, self.up_down, self.left_right, self.inverted)

    def __str__(self) -> str:
        """Say what was done, as a participle; nothing for no change."""
        grey = "inverted" if self.inverted else ""
        return " and ".join(filter(None, (_MOVES[self.transposed, self.left_right, self.up_down], grey)))


_MOVES: Final = {
    (False, False, False): "",
    (False, True, False): N_("mirrored left to right"),
    (False, False, True): N_("flipped upside down"),
    (False, True, True): N_("turned by 180°"),
    (True, False, False): N_("mirrored along a diagonal"),
    (True, True, False): N_("turned by 90°"),
    (True, False, True): N_("turned by 90°"),
    (True, True, True): N_("mirrored along a diagonal"),
}

SYMMETRIES: Final = tuple(Symmetry(*flags) for flags in product((False, True), repeat=4))
"""All sixteen; the first changes nothing."""

MOVES: Final = tuple(symmetry for symmetry in SYMMETRIES if not symmetry.inverted)
"""Mirrored and turned in eight ways; what copies are looked for by is the same for an inverted image."""
