"""An address is taken as people and hosting companies write it, and is never repeated where it is wrong."""

from __future__ import annotations

import pytest

from engine.errors import StoreError
from engine.reading.server.addresses import EXAMPLE, address


@pytest.mark.parametrize(
    ("written", "driver", "query"),
    [
        ("postgres://ada:pw@host/name", "postgresql+psycopg", {"connect_timeout": "10"}),
        (" postgresql://ada:pw@host/name\n", "postgresql+psycopg", {"connect_timeout": "10"}),
        ("postgresql+asyncpg://ada:pw@host/name", "postgresql+asyncpg", {"connect_timeout": "10"}),
        ("postgresql://ada:pw@host/name?connect_timeout=2", "postgresql+psycopg", {"connect_timeout": "2"}),
        (
            "postgres://ada:pw@host/name?sslmode=require",
            "postgresql+psycopg",
            {"sslmode": "require", "connect_timeout": "10"},
        ),
    ],
)
def test_an_address_is_completed_with_the_driver_and_how_long_it_waits(
    written: str, driver: str, query: dict[str, str]
) -> None:
    url = address(written)
    assert (url.drivername, dict(url.query)) == (driver, query)
    assert (url.username, url.password, url.host, url.database) == ("ada", "pw", "host", "name")


def test_a_file_is_taken_as_it_is_written() -> None:
    url = address("sqlite:////films/overread.db?mode=ro")
    assert (url.drivername, url.database, dict(url.query)) == ("sqlite", "/films/overread.db", {"mode": "ro"})


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("mysql://ada:hunter2@host/name", "not in “mysql”"),
        ("mssql+pyodbc://ada:hunter2@host/name", "not in “mssql”"),
        ("postgresql://ada:hunter2@host", "names no database"),
        ("postgresql://ada:hunter2@host/", "names no database"),
        ("postgresql://ada:hunter2@host:port/name", "is not valid"),
        ("://ada:hunter2@host/name", "is not valid"),
    ],
)
def test_an_address_of_something_else_is_refused_with_an_example(written: str, words: str) -> None:
    with pytest.raises(StoreError, match=words) as caught:
        address(written)
    assert EXAMPLE in caught.value.remedy and "hunter2" not in str(caught.value)
