"""Synthetic chest films with known findings: nobody's body, made by `python -m sample_data.generate`.

They are for trying Overread out and for testing it; no figure measured on them says anything about patients.
"""

from pathlib import Path

SAMPLE_FOLDER: Path = Path(__file__).resolve().parent / "cohort"
SAMPLE_TABLE: Path = SAMPLE_FOLDER / "cases.csv"
