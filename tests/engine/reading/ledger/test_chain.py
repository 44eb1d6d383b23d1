"""What is hashed of a row never changes: a chain written years ago must still be whole."""

from __future__ import annotations

import hashlib
import json

from hypothesis import given, strategies as st
from sqlalchemy import BigInteger, String

from engine.reading.ledger import chain
from engine.reading.ledger.chain import seal

Values = st.one_of(
    st.none(),
    st.text(),
    st.integers(-(2**62), 2**62),
    st.booleans(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.binary(max_size=8),
)


def agreed(value: object) -> object:
    """A value as it is the same in SQLite and PostgreSQL."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        return value + 0.0
    return value.hex() if isinstance(value, bytes) else value


@given(table=st.text(), row=st.dictionaries(st.text(), Values, max_size=8))
def test_the_hash_of_a_row_is_that_of_its_columns_in_order_as_json(
    table: str, row: dict[str, object]
) -> None:
    told = {name: agreed(value) for name, value in row.items() if value is not None and name != "hash"}
    text = json.dumps([table, told], sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    assert seal(table, row) == hashlib.sha256(text.encode()).hexdigest()


def test_a_row_of_long_ago_has_the_hash_that_was_written_then() -> None:
    row = {
        "seq": 1,
        "id": "a",
        "at": "2026-01-01",
        "wrong": True,
        "share": -0.0,
        "film": "côté",
        "none": None,
    }
    assert seal("answers", row | {"hash": "x"}) == seal("answers", dict(reversed(row.items())))
    assert seal("answers", row) == "4860f0542579115f9fc43bd26de4aa8679878df8bb292c02b9cb475d9c5be550"


def test_every_row_of_evidence_has_its_number_its_moment_its_author_and_its_place_in_the_chain() -> None:
    columns = [(each.name, type(each.type), each.nullable, each.primary_key) for each in chain.chained()]
    assert columns == [
        ("seq", BigInteger, False, True),
        *((name, String, False, False) for name in ("id", "at", "author", "previous", "hash")),
    ]
