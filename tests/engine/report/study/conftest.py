"""Readers in the order in which a test names them; a Parquet that was read once is not read again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.report import operating
from engine.report.study import stored
from tests.engine.report.exports.bundle.conftest import parquet_read_once as parquet_read_once


@pytest.fixture(autouse=True, scope="session")
def readers_in_order() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for module in (stored, operating):
            patch.setattr(module, "salt_of", lambda *_, **__: "")
        yield
