"""The shapes of a chest, drawn: from a body and its pose to one map per tissue.

Canonical coordinates run from -1 to 1 over the film, x to the right of the film (the patient's left), y down.
Every outline is a list of canonical points that `Pose.place` carries to pixels, so that rotation, habitus and
breathing bend all tissues together. Shapes are drawn at three times the film's resolution and averaged down,
which is the antialiasing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

SIZE = 256
OVERSAMPLING = 3
CANVAS = SIZE * OVERSAMPLING

Map = NDArray[np.float64]
Points = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Habitus:
    """What stays the same from film to film of one patient."""

    width: float
    height: float
    fat: float
    heart: float
    heart_tilt: float
    rib_spacing: float
    rib_width: float
    rib_drop: float
    bone: float
    scoliosis: float
    breast: float
    shoulder: float
    bend: tuple[float, ...]
    seed: int


@dataclass(frozen=True, kw_only=True)
class Pose:
    """How the patient stood before this film, and how deep the breath was."""

    angle: float
    shift: tuple[float, float]
    scale: float
    turn: float
    breath: float
    anteroposterior: bool
    habitus: Habitus

    def place(self, points: Points) -> Points:
        """Carry canonical points (n, 2) to canvas pixels (n, 2), x first."""
        body = self.habitus
        x, y = points[:, 0] * body.width, points[:, 1] * body.height
        a, b, c, d, e, f = body.bend
        x = (
            x
            + body.scoliosis * np.sin(2.2 * y + a)
            + 0.016 * np.sin(3.1 * y + b)
            + 0.014 * np.sin(4.3 * x + c)
        )
        y = y + 0.016 * np.sin(2.7 * x + d) + 0.013 * np.sin(3.9 * y + e) + 0.010 * np.sin(5.1 * x + f)
        x, y = x * self.scale, y * self.scale
        cosine, sine = np.cos(self.angle), np.sin(self.angle)
        x, y = cosine * x - sine * y + self.shift[0], sine * x + cosine * y + self.shift[1]
        return np.stack([(x + 1) * CANVAS / 2, (y + 1) * CANVAS / 2], axis=1)


@dataclass(frozen=True, kw_only=True)
class Anatomy:
    """One map (SIZE, SIZE) per tissue, in units of path length or in [0, 1]; what `film.expose` adds up."""

    body: Map
    air: Map
    lungs: Map
    heart: Map
    mediastinum: Map
    trachea: Map
    spine: Map
    ribs: Map
    clavicles: Map
    scapulae: Map
    vessels: Map
    abdomen: Map
    gas: Map
    breasts: Map


def smooth(points: Points, *, closed: bool, per_span: int = 14) -> Points:
    """Put a Catmull-Rom curve through points (n, 2)."""
    ends = (points[-1:], points[:1], points[1:2]) if closed else (points[:1], points[-1:], points[-1:])
    knots = np.concatenate([ends[0], points, ends[1], ends[2]])
    spans = len(points) if closed else len(points) - 1
    t = np.linspace(0, 1, per_span, endpoint=False)[:, None]
    pieces = []
    for i in range(spans):
        p0, p1, p2, p3 = knots[i : i + 4]
        pieces.append(
            0.5
            * (
                2 * p1
                + (p2 - p0) * t
                + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
                + (3 * p1 - p0 - 3 * p2 + p3) * t**3
            )
        )
    if not closed:
        pieces.append(points[-1:])
    return np.concatenate(pieces)


class Easel:
    """A canvas at three times the film's resolution; later strokes cover earlier ones."""

    def __init__(self, pose: Pose) -> None:
        self.pose = pose
        self.image = Image.new("L", (CANVAS, CANVAS), 0)
        self.pen = ImageDraw.Draw(self.image)

    def fill(self, points: Points, value: float = 1.0) -> None:
        """Fill a closed outline of canonical points."""
        self.pen.polygon([tuple(p) for p in self.pose.place(points).tolist()], fill=round(255 * value))

    def strip(self, points: Points, half_width: NDArray[np.float64] | float, value: float) -> None:
        """Draw a band along canonical points, its half width canonical too."""
        direction = np.gradient(points, axis=0)
        normal = np.stack([-direction[:, 1], direction[:, 0]], axis=1)
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
        offset = normal * np.broadcast_to(half_width, len(points))[:, None]
        self.fill(np.concatenate([points + offset, (points - offset)[::-1]]), value)

    def tube(self, points: Points, half_width: NDArray[np.float64] | float, strength: float = 1.0) -> None:
        """Draw a bone: a hollow tube seen from the side, its rims brighter than its middle."""
        for fraction, value in ((1.0, 0.38), (0.86, 0.80), (0.70, 1.0), (0.52, 0.84), (0.3, 0.74)):
            self.strip(points, np.asarray(half_width) * fraction, value * strength)

    def map(self, blur: float = 0.0) -> Map:
        """Average down to (SIZE, SIZE) in [0, 1], blurred by so many pixels of the film."""
        drawn = np.asarray(self.image, dtype=np.float64) / 255
        small: Map = drawn.reshape(SIZE, OVERSAMPLING, SIZE, OVERSAMPLING).mean(axis=(1, 3))
        if blur:
            small = ndimage.gaussian_filter(small, blur)
        return small


def ellipse(x: float, y: float, a: float, b: float, tilt: float = 0.0) -> Points:
    """Outline of an ellipse, its first axis turned by `tilt` radians."""
    t = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    u, v = a * np.cos(t), b * np.sin(t)
    return np.stack(
        [x + u * np.cos(tilt) - v * np.sin(tilt), y + u * np.sin(tilt) + v * np.cos(tilt)], axis=1
    )


def _depth(mask: Map, scale: float) -> Map:
    """How thick a rounded body is over each pixel: 0 at its edge, towards 1 inside."""
    inside: Map = ndimage.distance_transform_edt(mask > 0.5) / (SIZE / 2)
    return np.asarray(1 - np.exp(-inside / scale)) * np.minimum(mask * 2, 1)


def lung_outline(side: int, pose: Pose) -> Points:
    """Outline of one lung; side -1 is the patient's right, on the left of the film."""
    floor = 0.47 + pose.breath + (0.035 if side > 0 else 0.0)
    wide = 1.0 + side * pose.turn * 1.2
    outline = [
        (0.20, -0.74),
        (0.33, -0.72),
        (0.47, -0.58),
        (0.59, -0.36),
        (0.67, -0.08),
        (0.725, 0.18),
        (0.755, floor - 0.04),
        (0.765, floor + 0.12),
        (0.74, floor + 0.175),
        (0.66, floor + 0.06),
        (0.52, floor - 0.045),
        (0.36, floor - 0.075),
        (0.20, floor - 0.02),
        (0.08, floor + 0.07),
        (0.055, 0.20),
        (0.07, -0.10),
        (0.07, -0.40),
        (0.10, -0.64),
    ]
    points = np.array(outline) * (wide, 1.0)
    return smooth(points * (side, 1), closed=True)


def _wall(y: float) -> float:
    """Half width of the rib cage at a level."""
    levels = [-0.8, -0.62, -0.45, -0.25, 0.0, 0.2, 0.4, 0.6, 0.9]
    return float(np.interp(y, levels, [0.20, 0.42, 0.555, 0.645, 0.715, 0.755, 0.78, 0.79, 0.75]))


def _ribs(pose: Pose, rng: np.random.Generator) -> Map:
    back, front = Easel(pose), Easel(pose)
    body = pose.habitus
    for i in range(11):
        start = -0.715 + body.rib_spacing * i + rng.normal(0, 0.004)
        drop = (0.17 + 0.036 * min(i, 8)) * body.rib_drop
        reach = _wall(start + drop / 2) + 0.012
        for side in (-1, 1):
            wide = 1.0 + side * pose.turn * 1.2
            end = np.radians(rng.uniform(118, 138) if i < 9 else 95)
            theta = np.linspace(0.06, end, 70)
            y = start + drop * (1 - np.cos(theta)) / 2 - 0.035 * np.sin(np.minimum(2 * theta, np.pi))
            y = y + rng.normal(0, 0.003)
            points = np.stack([side * wide * (0.045 + (reach - 0.045) * np.sin(theta)), y], axis=1)
            half = body.rib_width * (0.80 + 0.25 * theta / np.pi)
            split = int(np.searchsorted(theta, np.pi / 2))
            back.tube(points[: split + 2], half[: split + 2] * 0.92)
            if len(points) - split > 3:
                front.tube(points[split - 1 :], half[split - 1 :] * 1.15, 0.72)
    # The costal cartilage hardly shows, so the anterior ribs fade towards their ends.
    return back.map(0.5) + front.map(0.8)


def _vessels(pose: Pose, rng: np.random.Generator) -> Map:
    total = np.zeros((SIZE, SIZE))
    coarse, fine = Easel(pose), Easel(pose)

    def grow(x: float, y: float, heading: float, length: float, half: float, generation: int) -> None:
        steps = 5
        bend = rng.normal(0, 0.22)
        points = [(x, y)]
        for _ in range(steps):
            heading_here = heading + bend * len(points) / steps
            x, y = x + length / steps * np.cos(heading_here), y + length / steps * np.sin(heading_here)
            points.append((x, y))
        easel = coarse if generation < 3 else fine
        value = 0.95 * 0.86**generation
        easel.strip(np.array(points), np.linspace(half, half * 0.8, len(points)), value)
        if generation < 6:
            spread = rng.uniform(0.25, 0.55)
            for turn in (-spread, spread * rng.uniform(0.5, 1.0)):
                grow(x, y, heading + turn, length * rng.uniform(0.60, 0.98), half * 0.76, generation + 1)

    for side in (-1, 1):
        hilum_x, hilum_y = side * 0.15, -0.10 + (0.0 if side < 0 else -0.03)
        for angle in (-1.15, -0.55, 0.0, 0.5, 0.95, 1.3):
            heading = angle + rng.normal(0, 0.12)
            if side < 0:
                heading = np.pi - heading
            y = hilum_y + 0.05 * np.sin(angle) + rng.normal(0, 0.01)
            down = 1.2 if angle > 0.3 else 0.9
            grow(
                hilum_x, y, heading, 0.15 * down * rng.uniform(0.85, 1.1), 0.0165 * rng.uniform(0.75, 1.25), 0
            )
        knot = Easel(pose)
        knot.fill(ellipse(side * 0.16, hilum_y + 0.01, 0.045, 0.095, side * -0.2), 0.75)
        total += knot.map(3.5)
    return total + coarse.map(0.5) + 0.85 * fine.map(0.4)


def _spine(pose: Pose, rng: np.random.Generator) -> Map:
    blocks, spines = Easel(pose), Easel(pose)
    pitch, centre = 0.125, pose.turn * 0.15
    for i in range(17):
        y = -1.02 + pitch * i
        half = 0.058 + 0.0015 * i
        corners = [
            (-half, -0.046),
            (-half * 0.9, 0.0),
            (-half, 0.046),
            (half, 0.046),
            (half * 0.9, 0),
            (half, -0.046),
        ]
        blocks.fill(np.add(corners, (centre, y)), 1.0)
        blocks.fill(np.array(corners) * 0.82 + (centre, y), 0.78)
        spines.fill(ellipse(centre - pose.turn * 0.5, y + 0.035, 0.012, 0.032), 0.9)
        for side in (-1, 1):
            spines.fill(ellipse(centre + side * half * 0.62, y - 0.012, 0.013, 0.019), 0.6)
    column = Easel(pose)
    column.strip(np.array([(centre, -1.3), (centre, 0.0), (centre, 1.3)]), 0.06, 1.0)
    return 0.55 * column.map(1.5) + 0.35 * blocks.map(0.8) + 0.22 * spines.map(0.8)


def _girdle(pose: Pose) -> tuple[Map, Map]:
    clavicles, scapulae = Easel(pose), Easel(pose)
    lift = 0.10 if pose.anteroposterior else 0.0
    inward = 0.10 if pose.anteroposterior else 0.0
    slope = pose.habitus.shoulder
    for side in (-1, 1):
        wide = 1.0 + side * pose.turn
        curve = [
            (0.055, -0.545),
            (0.18, -0.60),
            (0.36, -0.62 - slope / 2),
            (0.56, -0.67 - slope),
            (0.80, -0.70 - slope),
        ]
        points = smooth((np.array(curve) - (0, lift)) * (side * wide, 1), closed=False)
        taper = np.concatenate([np.linspace(1.35, 1.0, 12), np.ones(len(points) - 12)])
        clavicles.tube(points, pose.habitus.rib_width * 0.98 * taper)
        clavicles.tube(np.array([(1.02, -0.66), (1.04, -0.35), (1.08, 0.3)]) * (side, 1), 0.085)
        clavicles.fill(ellipse(side * 0.98, -0.66, 0.10, 0.105), 0.75)
        blade = [
            (0.84 - inward, -0.66),
            (0.92 - inward, -0.52),
            (0.80 - inward, -0.25),
            (0.70 - inward, -0.02),
            (0.66 - inward, 0.0),
            (0.62 - inward, -0.22),
            (0.60 - inward, -0.52),
        ]
        scapulae.fill(smooth(np.array(blade) * (side, 1), closed=True), 0.55)
        edge = smooth(np.array(blade[1:5]) * (side, 1), closed=False)
        scapulae.tube(edge, 0.016, 1.0)
    return clavicles.map(0.6), scapulae.map(1.0)


def _trunk(pose: Pose) -> Map:
    easel, body = Easel(pose), pose.habitus
    hip = 0.88 * (0.92 + 0.08 * body.fat)
    slope = body.shoulder
    half = [
        (0.23, -1.7),
        (0.235, -1.05),
        (0.27, -0.90),
        (0.50, -0.82 - slope),
        (0.85, -0.79 - slope),
        (1.12, -0.66),
        (1.25, -0.3),
        (1.3, 0.35),
        (1.06, 0.35),
        (0.985, -0.05),
        (0.90, -0.20),
        (hip, -0.02),
        (hip + 0.01, 0.4),
        (hip, 0.9),
        (hip, 1.7),
    ]
    right = smooth(np.array(half), closed=False)
    easel.fill(np.concatenate([right, (right * (-1, 1))[::-1]]))
    mask = easel.map()
    inside = ndimage.distance_transform_edt(mask > 0.5) / (SIZE / 2)
    # Chords through a rounded trunk: steep at the skin, flat in the middle.
    return np.asarray(np.sqrt(1 - np.clip(1 - inside / 0.62, 0, 1) ** 2.2)) * body.fat


def _heart(pose: Pose) -> tuple[Map, Map, Map]:
    size = pose.habitus.heart * (1.13 if pose.anteroposterior else 1.0)
    shift = pose.turn * 0.9
    low = 0.5 * pose.breath
    heart = Easel(pose)
    outline = np.array(
        [
            (-0.09, -0.12),
            (-0.155, 0.06),
            (-0.165, 0.22),
            (-0.13, 0.36),
            (0.02, 0.44),
            (0.22, 0.46),
            (0.37, 0.41),
            (0.415, 0.31),
            (0.37, 0.16),
            (0.27, 0.01),
            (0.175, -0.11),
            (0.12, -0.20),
            (0.0, -0.22),
        ]
    )
    tilt = pose.habitus.heart_tilt
    centred = (outline - (0.05, 0.15)) * (size, 0.94 + 0.06 * size)
    turned = centred @ np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
    heart.fill(smooth(np.add(turned, (0.05 + shift, 0.15 + low)), closed=True))
    great = Easel(pose)
    vessels = [
        (-0.085, -1.0),
        (-0.09, -0.6),
        (-0.105, -0.40),
        (-0.10, -0.1),
        (-0.06, 0.3),
        (0.08, 0.3),
        (0.13, -0.1),
        (0.135, -0.18),
        (0.115, -0.24),
        (0.15, -0.29),
        (0.155, -0.36),
        (0.115, -0.43),
        (0.09, -0.6),
        (0.085, -1.0),
    ]
    great.fill(smooth(np.add(vessels, (shift * 0.8, 0)), closed=True))
    windpipe = Easel(pose)
    x = shift * 0.8
    trunk = np.array([(x, -1.1), (x, -0.7), (x - 0.012, -0.42), (x - 0.012, -0.27)])
    windpipe.strip(smooth(trunk, closed=False), 0.033, 1.0)
    for end, dip in ((-0.16, -0.12), (0.17, -0.15)):
        branch = smooth(np.array([(x - 0.012, -0.29), (x + end / 2, -0.21), (x + end, dip)]), closed=False)
        windpipe.strip(branch, np.linspace(0.026, 0.018, len(branch)), 0.8)
    return _depth(heart.map(0.8), 0.085), great.map(1.3), windpipe.map(1.0)


def draw(pose: Pose, rng: np.random.Generator) -> Anatomy:
    """Draw every tissue of one body in one pose."""
    lungs = [Easel(pose) for _ in (-1, 1)]
    for easel, side in zip(lungs, (-1, 1), strict=True):
        easel.fill(lung_outline(side, pose))
    fields = [easel.map(0.7) for easel in lungs]
    air = np.maximum(_depth(fields[0], 0.10), _depth(fields[1], 0.10))
    heart, mediastinum, trachea = _heart(pose)
    clavicles, scapulae = _girdle(pose)
    own = np.random.default_rng(pose.habitus.seed)
    belly, gas, breasts = Easel(pose), Easel(pose), Easel(pose)
    floor = 0.47 + pose.breath
    belly.fill(np.array([(-0.85, floor + 0.05), (0.85, floor + 0.08), (0.9, 1.6), (-0.9, 1.6)]))
    if rng.random() < 0.5:
        x, y = rng.uniform(0.26, 0.44), floor + rng.uniform(0.10, 0.20)
        gas.fill(ellipse(x, y, rng.uniform(0.06, 0.15), rng.uniform(0.03, 0.07)), rng.uniform(0.5, 1.0))
    for side in (-1, 1):
        breasts.fill(ellipse(side * 0.46, 0.26, 0.30, 0.27), 1.0)
    return Anatomy(
        body=_trunk(pose),
        air=air,
        lungs=np.clip(fields[0] + fields[1], 0, 1),
        heart=heart,
        mediastinum=mediastinum,
        trachea=trachea,
        spine=_spine(pose, own),
        ribs=_ribs(pose, own),
        clavicles=clavicles,
        scapulae=scapulae,
        vessels=_vessels(pose, own),
        abdomen=belly.map(5.0),
        gas=gas.map(2.0),
        breasts=_depth(breasts.map(), 0.12) * pose.habitus.breast,
    )
