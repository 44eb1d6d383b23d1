"""One bundle for all tests of bundles; a Parquet that was read once, apart, is not read again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from engine.report.exports.bundle import beside
from engine.report.exports.bundle.parquet_apart import Table, read_apart


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.engine.report.exports.bundle.test_bundle import bundle_of, of_two

    return bundle_of(of_two(), tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="session", autouse=True)
def parquet_read_once() -> Iterator[None]:
    known: dict[bytes, Table] = {}

    def read(files: Mapping[str, bytes]) -> dict[str, Table]:
        new = {name: data for name, data in files.items() if data not in known}
        known.update((new[name], table) for name, table in read_apart(new).items())
        return {name: known[data] for name, data in files.items()}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(beside, "read_apart", read)
        yield
