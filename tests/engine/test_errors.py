"""One tree of errors, drawn in its module, each of them a problem and a remedy."""

from __future__ import annotations

import inspect
import pickle
import re

from engine import errors
from engine.errors import EngineError


def tree() -> list[type[EngineError]]:
    return [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, EngineError)]


def test_the_drawing_names_every_error_and_no_other() -> None:
    drawn = set(re.findall(r"[├└]── (\w+)", errors.__doc__ or "")) | {"EngineError"}
    assert drawn == {kind.__name__ for kind in tree()}


def test_every_error_is_a_sentence_and_a_remedy_and_survives_the_way_between_processes() -> None:
    for kind in tree():
        error = kind("The disk is full.", "Free some space")
        assert str(error) == "The disk is full. Free some space."
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is kind
        assert (again.problem, again.remedy) == (error.problem, error.remedy)
