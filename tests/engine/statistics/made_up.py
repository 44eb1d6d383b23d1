"""Cases that are made up for the tests of statistics."""

from __future__ import annotations

import numpy as np
from hypothesis import settings, strategies as st

CLOSE = {"rtol": 0, "atol": 1e-9}
few = settings(max_examples=60, deadline=None)
cases = st.lists(
    st.tuples(st.booleans(), st.floats(0, 1, allow_subnormal=False).map(lambda p: round(p, 3))),
    min_size=1,
    max_size=40,
)


def both(data: list[tuple[bool, float]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([y for y, _ in data]), np.array([p for _, p in data])


def images(n: int, seed: int = 0, classes: int = 2) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Made-up truth (N,), probabilities (N, C) with ties, and the predicted class."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(classes, size=n)
    logits = rng.normal(size=(n, classes)) + 1.3 * np.eye(classes)[truth]
    p = np.round(np.exp(logits) / np.exp(logits).sum(1, keepdims=True), 2)
    p[:, -1] = 1 - p[:, :-1].sum(1)
    return truth, p, p.argmax(1)
