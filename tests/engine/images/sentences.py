"""The shape of a refusal: one plain sentence and what to do, in nobody's code."""

from __future__ import annotations

import re

from engine.errors import EngineError

_CODE = re.compile(
    r"\b(None|NoneType|Traceback|Exception|object|attribute|operand|dtype|ndarray|tuple|struct|unpack|decode\w*|"
    r"codec|index out of|bytes-like|buffer|plugin|errno|argument|float\d+|u?int\d+)\b|\w+Error\b|__|\(\)|<class|"
    r"0x[0-9a-f]|'\w+'",
    re.IGNORECASE,
)


def check_refusal(error: EngineError, name: str) -> None:
    """Fail unless a refusal names the file, ends as a sentence does and speaks of nothing but it."""
    text = str(error)
    assert "\n" not in text
    assert error.problem.startswith(name), text
    said = error.problem.replace(name, "x")
    assert not _CODE.search(f"{said} {error.remedy}"), text
    assert re.search(r"[\w)]$", error.problem), text
    assert 4 <= len(said.split()) <= 40, text
    assert re.match(r"[A-Z][a-z]+ ", error.remedy) and re.search(r"[\w)]$", error.remedy), text
