"""Promises of the prevalence that was asked for: a share of cases, kept with the run, and never in the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import ReportError
from engine.report.standards.at_prevalence import FILE, keep_prevalence, kept_prevalence, prevalence_of


def test_what_was_entered_is_kept_until_it_is_taken_back(tmp_path: Path) -> None:
    assert kept_prevalence(tmp_path) is None
    for share in (0.02, 1e-9, 1 - 1e-9):
        keep_prevalence(tmp_path, share)
        assert kept_prevalence(tmp_path) == share
    said: list[str] = []
    assert (prevalence_of(tmp_path, 0.3, said), prevalence_of(tmp_path, None, said)) == (0.3, 1 - 1e-9)
    keep_prevalence(tmp_path, None)
    assert kept_prevalence(tmp_path) is None and prevalence_of(tmp_path, None, said) is None and said == []


@pytest.mark.parametrize(("share", "told"), [(0.0, "0%"), (1.0, "100%"), (-0.1, "-10%"), (1.5, "150%")])
def test_what_is_no_share_of_cases_is_neither_kept_nor_taken_from_a_file(
    tmp_path: Path, share: float, told: str
) -> None:
    keep_prevalence(tmp_path, 0.25)
    with pytest.raises(ReportError, match=f"A prevalence of {told} is none"):
        keep_prevalence(tmp_path, share)
    assert kept_prevalence(tmp_path) == 0.25
    kept = (tmp_path / FILE).read_text(encoding="utf-8")
    (tmp_path / FILE).write_text(kept.replace("0.25", str(share)), encoding="utf-8")
    said: list[str] = []
    assert prevalence_of(tmp_path, None, said) is None, "no other figure needs it"
    assert len(said) == 1 and "damaged or was changed" in said[0]
    assert prevalence_of(tmp_path, 0.1, said) == 0.1 and len(said) == 1
