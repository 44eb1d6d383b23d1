"""From tissues to a film: findings, attenuation, scatter, noise, development, marker, wires and shutters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sample_data.anatomy import SIZE, Anatomy, Easel, Map, Pose, ellipse, smooth

LETTERS = {
    "L": ("10000", "10000", "10000", "10000", "10000", "10000", "11111"),
    "R": ("11110", "10001", "10001", "11110", "10100", "10010", "10001"),
}


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """How the film was taken and developed."""

    level: float
    gamma: float
    contrast: float
    dose: float
    scatter: float
    blur: float


def _speckle(rng: np.random.Generator, sigma: float) -> Map:
    """Gaussian noise of unit variance, correlated over `sigma` pixels."""
    noise = rng.standard_normal((SIZE, SIZE))
    if sigma:
        noise = ndimage.gaussian_filter(noise, sigma, mode="reflect")
        noise = noise / noise.std()
    return np.asarray(noise)


def opacity(anatomy: Anatomy, strength: float, kind: str, rng: np.random.Generator) -> Map:
    """Draw one finding: the share of air (SIZE, SIZE) in [0, 1] that fluid or cells have replaced.

    Args:
        anatomy: The chest it lies in.
        strength: Of the finding at its densest.
        kind: "nodule" or "consolidation".
        rng: For its place, size and texture.
    """
    rows, columns = np.mgrid[0:SIZE, 0:SIZE].astype(np.float64)
    # The finding is centred where there is lung on the film and nothing much before it.
    room = (anatomy.air > 0.55) & (anatomy.heart < 0.2) & (anatomy.mediastinum < 0.2)
    places = np.flatnonzero(room)
    row, column = divmod(int(places[rng.integers(len(places))]), SIZE)
    if kind == "nodule":
        radius = rng.uniform(9, 17)
        angle, flat = rng.uniform(0, np.pi), rng.uniform(0.75, 1.0)
        u = (columns - column) * np.cos(angle) + (rows - row) * np.sin(angle)
        v = -(columns - column) * np.sin(angle) + (rows - row) * np.cos(angle)
        edge = np.hypot(u, v / flat) + 1.5 * _speckle(rng, 3.0) + 1.3 * _speckle(rng, 7.0)
        blob = np.clip(1 - (edge / (radius * 1.3)) ** 2, 0, 1) ** 0.7 * (1 + 0.10 * _speckle(rng, 2.0))
        field = ndimage.gaussian_filter(blob, 1.5)
    else:
        spread = rng.uniform(16, 32)
        field = np.zeros((SIZE, SIZE))
        for _ in range(int(rng.integers(3, 7))):
            y, x = row + rng.normal(0, spread * 0.8), column + rng.normal(0, spread * 0.8)
            sigma = spread * rng.uniform(0.45, 0.9)
            field += np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * sigma**2))
        field = field / field.max() + 0.16 * _speckle(rng, 6.0) + 0.11 * _speckle(rng, 2.4)
        field = 1 / (1 + np.exp(-(field - 0.48) / 0.11))
        reach = np.exp(-((((rows - row) ** 2 + (columns - column) ** 2) / (2 * (2.6 * spread) ** 2)) ** 2))
        patches = np.clip(1 + 0.36 * _speckle(rng, 1.8) + 0.16 * _speckle(rng, 5.0), 0.2, 1.6)
        field = ndimage.gaussian_filter(field * reach * patches, 1.0)
    return np.asarray(np.clip(strength * field / max(float(field.max()), 1e-9), 0, 1)) * anatomy.lungs


def attenuation(
    anatomy: Anatomy, pose: Pose, findings: Map, distractors: Map, rng: np.random.Generator
) -> Map:
    """Add up what the beam passes through, in arbitrary units of log attenuation (SIZE, SIZE)."""
    air = anatomy.air * (1 - 0.72 * anatomy.heart) * (1 - 0.55 * np.clip(anatomy.mediastinum, 0, 1))
    texture = 1 - 0.012 * _speckle(rng, 1.3) - 0.016 * _speckle(rng, 4.0) - 0.030 * _speckle(rng, 16.0)
    # Fluid hides the vessels that it surrounds.
    vessels = anatomy.vessels * anatomy.air * (1 - 0.7 * findings)
    # Below the diaphragm the beam is hardened and scattered, and the ribs are all but lost.
    ribs = anatomy.ribs * (1 - 0.75 * anatomy.abdomen)
    bone = pose.habitus.bone
    return np.asarray(
        1.05 * anatomy.body
        - 0.66 * air * texture * (1 - findings)
        + np.maximum(0.34 * anatomy.heart, 0.21 * anatomy.mediastinum)
        - 0.17 * anatomy.trachea
        + bone * (0.15 * anatomy.spine + 0.15 * ribs + 0.24 * anatomy.clavicles + 0.13 * anatomy.scapulae)
        + 0.125 * vessels
        + 0.15 * anatomy.abdomen * np.clip(anatomy.body, 0, 1)
        - 0.14 * anatomy.gas
        + 0.10 * anatomy.breasts
        + distractors
        + 0.012 * _speckle(rng, 9.0) * np.clip(anatomy.body * 3, 0, 1)
    )


def nipples(pose: Pose, rng: np.random.Generator) -> Map:
    """Draw nipple shadows: small round densities that are no finding."""
    easel = Easel(pose)
    for side in (-1, 1):
        if rng.random() < 0.75:
            x, y = side * rng.uniform(0.36, 0.48), rng.uniform(0.16, 0.30)
            easel.fill(ellipse(x, y, *rng.uniform(0.020, 0.034, 2)), rng.uniform(0.5, 1.0))
    return 0.075 * easel.map(1.0)


def wires(pose: Pose, rng: np.random.Generator) -> Map:
    """Draw monitoring leads with their electrodes, or a central line."""
    easel = Easel(pose)
    if rng.random() < 0.7:
        for _ in range(int(rng.integers(1, 4))):
            side = rng.choice((-1, 1))
            x, y = side * rng.uniform(0.3, 0.7), rng.uniform(-0.5, 0.5)
            far = (side * rng.uniform(0.7, 1.3), y + rng.uniform(0.2, 0.8))
            middle = ((x + far[0]) / 2 + rng.normal(0, 0.15), (y + far[1]) / 2 + rng.normal(0, 0.15))
            easel.strip(smooth(np.array([(x, y), middle, far]), closed=False), 0.006, 0.7)
            easel.fill(ellipse(x, y, 0.038, 0.038), 0.35)
            easel.fill(ellipse(x, y, 0.016, 0.016), 1.0)
    else:
        side = rng.choice((-1, 1))
        path = [(side * 0.9, -0.62), (side * 0.4, -0.56), (side * 0.1, -0.46), (-0.06, -0.25), (-0.06, -0.02)]
        easel.strip(smooth(np.array(path), closed=False), 0.0075, 0.8)
    return 0.30 * easel.map(0.3)


def develop(log_attenuation: Map, exposure: Exposure, rng: np.random.Generator) -> Map:
    """Expose and develop: beam, scatter, quantum noise, characteristic curve.

    Returns:
        (SIZE, SIZE) float64 in [0, 1]; 1 is white, as bone is.
    """
    beam = np.exp(-2.6 * ndimage.gaussian_filter(log_attenuation, exposure.blur))
    scatter = ndimage.gaussian_filter(beam, 26, mode="nearest")
    signal = (1 - exposure.scatter) * beam + exposure.scatter * scatter
    grain = _speckle(rng, 0.75) + 0.35 * _speckle(rng, 1.8)
    signal = np.maximum(signal + np.sqrt(signal / exposure.dose) * grain, 1e-4)
    density = -np.log(signal)
    centre = density[SIZE // 5 : -SIZE // 5, SIZE // 6 : -SIZE // 6]
    low, high = np.percentile(centre, (2.0, 98.5))
    shown = (density - low) / (high - low)
    shown = 0.13 + 0.74 * shown
    shown = 0.5 + (shown - 0.5) * exposure.contrast + exposure.level
    # A film has a toe and a shoulder: nothing is cut off abruptly.
    soft = np.where(shown > 0.8, 0.8 + 0.2 * np.tanh((shown - 0.8) / 0.2), shown)
    soft = np.where(soft < 0.1, 0.1 * np.exp(np.minimum((soft - 0.1) / 0.1, 0)), soft)
    return np.asarray(np.clip(soft, 0, 1) ** exposure.gamma)


def mark(film: Map, letter: str, rng: np.random.Generator) -> Map:
    """Lay the side marker on a film: the letter of lead, sometimes in its box."""
    scale = int(rng.integers(2, 4))
    glyph = np.array([[int(dot) for dot in line] for line in LETTERS[letter]], dtype=np.float64)
    glyph = np.pad(np.kron(glyph, np.ones((scale, scale))), 3)
    if rng.random() < 0.4:
        glyph[[0, -1], :] = 1
        glyph[:, [0, -1]] = 1
    glyph = ndimage.rotate(glyph, float(rng.normal(0, 6)), reshape=True, order=1)
    glyph = ndimage.gaussian_filter(np.pad(glyph, 2), 0.55)
    height, width = glyph.shape
    top = int(rng.integers(8, 60))
    inset = int(rng.integers(8, 26))
    left = inset if letter == "R" else SIZE - inset - width
    marked = film.copy()
    under = marked[top : top + height, left : left + width]
    marked[top : top + height, left : left + width] = under + (0.97 - under) * np.clip(glyph, 0, 1)
    return marked


def collimate(film: Map, rng: np.random.Generator) -> Map:
    """Close the shutters: black borders with a slightly tilted, slightly soft edge."""
    rows, columns = np.mgrid[0:SIZE, 0:SIZE].astype(np.float64)
    window = np.ones((SIZE, SIZE))
    for axis, far in ((rows, False), (rows, True), (columns, False), (columns, True)):
        if rng.random() < 0.55:
            other = columns if axis is rows else rows
            distance = (SIZE - 1 - axis if far else axis) + rng.normal(0, 0.012) * (other - SIZE / 2)
            window *= np.clip((distance - rng.uniform(1, 13)) / rng.uniform(0.8, 2.0) + 0.5, 0, 1)
    return np.asarray(film * window)


def grey(film: Map) -> NDArray[np.uint8]:
    """Quantise a film in [0, 1] to 8 bits."""
    return np.asarray(np.floor(np.clip(film, 0, 1) * 255 + 0.5), dtype=np.uint8)
