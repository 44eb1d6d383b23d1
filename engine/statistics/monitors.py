"""What validation images say of an epoch, to choose the best one and to stop early.

Each figure is one function of logits and labels, and one line of `MONITORS`: recipes, the Train page's form and the
report know it then. They are scikit-learn's, which for many classes means each class against the rest, averaged.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, logsumexp, softmax


@dataclass(frozen=True, slots=True)
class Monitor:
    """One figure.

    Attributes:
        words: For people.
        rises: Whether more of it is better.
        measure: Logits (N, C), labels (N,) and the number of the class that is looked for → the figure; NaN where
            the images do not tell.
    """

    words: str
    rises: bool
    measure: Callable[[NDArray[np.float64], NDArray[np.int64], int], float]

    def is_better(self, value: float, best: float) -> bool:
        """Return whether `value` improves on `best`. NaN never improves on anything; anything improves on NaN."""
        if math.isnan(value) or math.isnan(best):
            return not math.isnan(value)
        return value > best if self.rises else value < best


def _loss(logits: NDArray[np.float64], labels: NDArray[np.int64], positive: int) -> float:
    return float(-log_softmax(logits, axis=1)[np.arange(len(labels)), labels].mean())


def _accuracy(logits: NDArray[np.float64], labels: NDArray[np.int64], positive: int) -> float:
    return float((logits.argmax(axis=1) == labels).mean())


def _of_classes(
    figure: Callable[[NDArray[np.bool_], NDArray[np.float64]], float],
    logits: NDArray[np.float64],
    labels: NDArray[np.int64],
    positive: int,
) -> float:
    """Average a figure of one class's log-odds over the classes that are seen; of two classes take one.

    Ranked by log-odds, because probabilities near 1 round to 1 and tie.
    """
    classes = [positive] if logits.shape[1] == 2 else range(logits.shape[1])
    figures = [
        figure(labels == number, logits[:, number] - logsumexp(np.delete(logits, number, axis=1), axis=1))
        for number in classes
        if 0 < np.count_nonzero(labels == number) < len(labels)
    ]
    return float(np.mean(figures)) if figures else math.nan


def _area(logits: NDArray[np.float64], labels: NDArray[np.int64], positive: int) -> float:
    from engine.statistics.ranking import (
        placements,  # with it comes scipy.stats, which a window need not wait for
    )

    return _of_classes(lambda y, p: float(np.mean(placements(y, p)[0])), logits, labels, positive)


def _average_precision(logits: NDArray[np.float64], labels: NDArray[np.int64], positive: int) -> float:
    from sklearn.metrics import average_precision_score

    return _of_classes(lambda y, p: float(average_precision_score(y, p)), logits, labels, positive)


def _balanced_accuracy(logits: NDArray[np.float64], labels: NDArray[np.int64], positive: int) -> float:
    from sklearn.metrics import recall_score

    return float(recall_score(labels, logits.argmax(axis=1), labels=np.unique(labels), average="macro"))


def _f1(logits: NDArray[np.float64], labels: NDArray[np.int64], positive: int) -> float:
    from sklearn.metrics import f1_score

    classes = [positive] if logits.shape[1] == 2 else range(logits.shape[1])
    predicted = logits.argmax(axis=1)
    return float(f1_score(labels, predicted, labels=list(classes), average="macro", zero_division=0.0))


def _matthews(logits: NDArray[np.float64], labels: NDArray[np.int64], positive: int) -> float:
    from sklearn.metrics import matthews_corrcoef

    return float(matthews_corrcoef(labels, logits.argmax(axis=1)))


def _brier(logits: NDArray[np.float64], labels: NDArray[np.int64], positive: int) -> float:
    truth = np.eye(logits.shape[1])[labels]
    return float(
        ((softmax(logits, axis=1) - truth) ** 2).sum(axis=1).mean() / 2
    )  # of two classes: the usual one


MONITORS: Final[dict[str, Monitor]] = {
    "val_loss": Monitor("loss", False, _loss),
    "val_accuracy": Monitor("accuracy", True, _accuracy),
    "val_auc": Monitor("AUROC", True, _area),
    "val_average_precision": Monitor("average precision", True, _average_precision),
    "val_balanced_accuracy": Monitor("balanced accuracy", True, _balanced_accuracy),
    "val_f1": Monitor("F1", True, _f1),
    "val_mcc": Monitor("Matthews correlation coefficient", True, _matthews),
    "val_brier": Monitor("Brier score", False, _brier),
}
"""`Phase.monitor` → figure."""


def monitored(name: str, logits: NDArray[np.floating], labels: NDArray[np.int64], *, positive: int) -> float:
    """Return what is monitored.

    Args:
        name: A key of `MONITORS`.
        logits: (N, C).
        labels: (N,) class numbers.
        positive: Number of the class that is looked for, where there are two.

    Returns:
        The figure; NaN without an image.
    """
    if not len(labels):
        return math.nan
    return MONITORS[name].measure(np.asarray(logits, dtype=np.float64), labels, positive)
