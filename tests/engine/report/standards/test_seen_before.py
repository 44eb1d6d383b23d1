"""Readings that were given after the label in the data had been seen are counted beside the figures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.report.standards.reference_standards import seen_before
from tests.engine.reading.test_store import agree


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ((False, False), ""),
        ((), ""),
        (
            (True, False),
            "Of the 2 readings behind these labels, 1 was given after the reader had seen the label",
        ),
        ((True, True, False), "Of the 3 readings behind these labels, 2 were given after"),
        ((None, None), "It is not known whether readers had seen the label"),
        ((None, False), "Of 1 of the 2 readings behind these labels it is not known whether"),
        (
            (True, None),
            ", 1 was given after the reader had seen the label that came with the data, and cannot confirm",
        ),
        ((True, None), "correct it. Of 1 more it is not known"),
    ],
)
def test_what_is_known_of_labels_seen_before_is_said_and_nothing_else(
    seen: tuple[bool | None, ...], words: str
) -> None:
    said = seen_before([replace(agree(number), label_seen=each) for number, each in enumerate(seen)])
    assert (words in said) if words else (said == "")
