"""What a server's failure means is told by its state, the longest beginning that is known; else by its words."""

from __future__ import annotations

import pytest

from engine.reading.server.failures import AWAY, SENTENCES, TRY_AGAIN, sentences_of


class OperationalError(Exception):
    """As a driver names it, which says why in words alone where it has no state."""

    def __init__(self, words: str = "", sqlstate: str | None = None) -> None:
        super().__init__(words)
        self.sqlstate = sqlstate


class ProgrammingError(Exception):
    """Another kind, which tells of a defect unless its state is one that a person can mend."""

    def __init__(self, sqlstate: str | None = None) -> None:
        super().__init__("as a driver words it")
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("state", "meant"),
    [
        ("08006", "08"), ("57P01", "57P"), ("53300", "53300"), ("53100", "53100"), ("53200", "53"), ("53", "53"),
        ("28P01", "28"), ("3D000", "3D"), ("42501", "42501"), ("25006", "25006"), ("40001", "40"), ("55P03", "55P03"),
        ("58030", "58"),
    ],
)  # fmt: skip
def test_a_state_is_said_by_the_longest_beginning_that_is_known(state: str, meant: str) -> None:
    for error in (OperationalError("anything", state), ProgrammingError(state)):
        assert sentences_of(error) == SENTENCES[meant]


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ('FATAL:  database "films" does not exist', "3D"),
        ('FATAL:  password authentication failed for user "ada"', "28"),
        ('FATAL:  role "ada" does not exist', "28"),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.1"', "28"),
        ("fe_sendauth: no password supplied", "28"),
        ("FATAL:  sorry, too many clients already", "53300"),
        ("FATAL:  remaining connection slots are reserved", "53300"),
        ("FATAL:  the database system is starting up", "57P"),
        ("FATAL:  the database system is shutting down", "57P"),
        ("FATAL:  the database system is in recovery mode", "57P"),
        ("connection refused", "08"),
        ("", "08"),
    ],
)
def test_where_there_is_no_state_its_words_are_looked_at(words: str, meant: str) -> None:
    for state in (None, "", "XX000"):
        assert sentences_of(OperationalError(words, state)) == SENTENCES[meant]


def test_a_defect_is_none_of_a_server_and_what_may_be_tried_again_is_known() -> None:
    for defect in (
        None,
        ValueError("x"),
        ProgrammingError(),
        ProgrammingError("42P01"),
        ProgrammingError("5"),
    ):
        assert sentences_of(defect) is None
    assert SENTENCES["08"] == AWAY and {SENTENCES["57P"], SENTENCES["40"]} == {TRY_AGAIN}
