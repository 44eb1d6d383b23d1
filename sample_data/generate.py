"""Make the sample cohort: `python -m sample_data.generate OUT [--seed 2302]`.

Every film has its own random stream, keyed by seed, patient and visit, so that any one can be made again.
The class decides nothing but the finding: marker, view, exposure, wires and shutters are drawn alike.
"""

from __future__ import annotations

import argparse
import csv
import io
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from sample_data import film as films
from sample_data.anatomy import SIZE, Habitus, Map, Pose, draw

SEED = 2302
PATIENTS = 118
FILMS = 400
ILL_FILMS = 100
COLUMNS = ("path", "label", "patient_id", "mask", "view", "exposure", "conspicuity")
STRENGTHS = {"subtle": (0.56, 0.70), "moderate": (0.70, 0.88), "plain": (0.88, 1.0)}
GAMMAS = {"under": (0.74, 0.86), "standard": (0.92, 1.08), "over": (1.18, 1.38)}
DICOMS: dict[int, Literal["monochrome1", "rle", "window"]] = {120: "monochrome1", 240: "rle", 330: "window"}
TRUNCATED = 377


@dataclass(frozen=True, kw_only=True)
class Case:
    """One film to be made."""

    number: int
    patient: int
    visit: int
    label: str
    view: str
    exposure: str
    conspicuity: str

    @property
    def path(self) -> str:
        """Name of the file, below the cohort's folder."""
        ending = "dcm" if self.number in DICOMS else "jpg"
        return f"films/film-{self.number:03d}.{ending}"

    @property
    def mask(self) -> str:
        """Name of the mask's file; empty where there is no finding."""
        return f"masks/film-{self.number:03d}.png" if self.label == "opacity" else ""


def plan(seed: int = SEED) -> list[Case]:
    """Decide who comes how often, and with what; patients are in random order."""
    rng = np.random.default_rng([seed, 0])
    visits = 2 + rng.multinomial(FILMS - 2 * PATIENTS, np.full(PATIENTS, 1 / PATIENTS))
    with_finding = np.zeros(PATIENTS, dtype=int)
    for patient in rng.permutation(PATIENTS):
        # Some films of a patient who was ill at one time were taken before or after.
        left = ILL_FILMS - int(with_finding.sum())
        healthy_films = int(rng.random() < 0.35)
        with_finding[patient] = min(left, max(1, int(visits[patient]) - healthy_films))
    cases: list[Case] = []
    for patient in range(PATIENTS):
        ill = set(rng.permutation(int(visits[patient]))[: int(with_finding[patient])].tolist())
        for visit in range(int(visits[patient])):
            cases.append(
                Case(
                    number=len(cases) + 1,
                    patient=patient + 1,
                    visit=visit,
                    label="opacity" if visit in ill else "normal",
                    view=str(rng.choice(("PA", "AP"), p=(0.7, 0.3))),
                    exposure=str(rng.choice(("under", "standard", "over"), p=(0.2, 0.6, 0.2))),
                    conspicuity=str(rng.choice(tuple(STRENGTHS), p=(0.22, 0.43, 0.35)))
                    if visit in ill
                    else "",
                )
            )
    return cases


def _habitus(case: Case, seed: int) -> Habitus:
    rng = np.random.default_rng([seed, 1, case.patient])
    return Habitus(
        width=rng.uniform(0.93, 1.07),
        height=rng.uniform(0.92, 1.06),
        fat=rng.uniform(0.90, 1.22),
        heart=rng.uniform(0.86, 1.14),
        heart_tilt=rng.uniform(-0.18, 0.16),
        rib_spacing=rng.uniform(0.112, 0.130),
        rib_width=rng.uniform(0.019, 0.027),
        rib_drop=rng.uniform(0.80, 1.15),
        bone=rng.uniform(0.78, 1.15),
        scoliosis=rng.uniform(-0.022, 0.022),
        breast=float(rng.random() < 0.4) * rng.uniform(0.4, 1.1),
        shoulder=rng.uniform(-0.02, 0.07),
        bend=tuple(rng.uniform(0, 2 * np.pi, 6).tolist()),
        seed=int(rng.integers(2**31)),
    )


def _pose(case: Case, seed: int, rng: np.random.Generator) -> Pose:
    upright = case.view == "PA"
    return Pose(
        angle=rng.normal(0, 0.028),
        shift=(rng.normal(0, 0.030), rng.normal(0.0, 0.030)),
        scale=rng.uniform(1.02, 1.16) * (1.0 if upright else 1.02),
        turn=rng.normal(0, 0.030),
        breath=rng.normal(0.05 if upright else -0.01, 0.045),
        anteroposterior=not upright,
        habitus=_habitus(case, seed),
    )


def make_film(case: Case, seed: int = SEED) -> tuple[Map, NDArray[np.bool_]]:
    """Make one film and the mask of its finding.

    Returns:
        The film (SIZE, SIZE) float64 in [0, 1], and where its finding lies (SIZE, SIZE) bool.
    """
    rng = np.random.default_rng([seed, 2, case.patient, case.visit])
    pose = _pose(case, seed, rng)
    anatomy = draw(pose, rng)
    distractors = films.nipples(pose, rng) if rng.random() < 0.3 else np.zeros((SIZE, SIZE))
    if rng.random() < 0.25:
        distractors = distractors + films.wires(pose, rng)
    finding = np.zeros((SIZE, SIZE))
    found = np.random.default_rng([seed, 3, case.patient, case.visit])
    if case.label == "opacity":
        for extra in range(int(found.choice((1, 2, 3), p=(0.45, 0.33, 0.22)))):
            strength = found.uniform(*STRENGTHS[case.conspicuity]) * (1.0 if extra == 0 else 0.8)
            kind = "nodule" if found.random() < 0.16 else "consolidation"
            finding = np.maximum(finding, films.opacity(anatomy, strength, kind, found))
    exposure = films.Exposure(
        level=rng.normal(0, 0.035),
        gamma=rng.uniform(*GAMMAS[case.exposure]),
        contrast=rng.uniform(0.86, 1.12),
        dose=rng.uniform(6000, 16000),
        scatter=rng.uniform(0.10, 0.26) * (1.0 if case.view == "PA" else 1.2),
        blur=rng.uniform(0.45, 0.80),
    )
    shown = films.develop(films.attenuation(anatomy, pose, finding, distractors, rng), exposure, rng)
    if rng.random() < 0.8:
        shown = films.mark(shown, "R" if rng.random() < 0.5 else "L", rng)
    if rng.random() < 0.6:
        shown = films.collimate(shown, rng)
    # Outlined as a reader would: gaps between patches of one consolidation belong to it.
    dense = ndimage.gaussian_filter(finding * anatomy.air, 5.0)
    where = ndimage.binary_fill_holes(dense > 0.28 * max(float(dense.max()), 1e-9))
    return shown, np.asarray(where, dtype=np.bool_)


def encode_film(case: Case, shown: Map) -> bytes:
    """Encode a film as its file's bytes: JPEG, DICOM, or a JPEG that was cut short."""
    if case.number in DICOMS:
        return _dicom(case, shown, DICOMS[case.number])
    buffer = io.BytesIO()
    Image.fromarray(films.grey(shown)).save(buffer, "JPEG", quality=88)
    data = buffer.getvalue()
    return data[: len(data) * 2 // 5] if case.number == TRUNCATED else data


def encode_mask(mask: NDArray[np.bool_]) -> bytes:
    """Encode a mask as an 8-bit PNG: 255 where the finding lies."""
    buffer = io.BytesIO()
    Image.fromarray(mask.astype(np.uint8) * 255).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _dicom(case: Case, shown: Map, form: Literal["monochrome1", "rle", "window"]) -> bytes:
    import pydicom
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import UID, DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

    # 2.25 is the root for numbers that nobody registered; a fixed one keeps the bytes the same.
    uid = UID(f"2.25.{SEED}{case.patient:04d}{case.visit:02d}")
    record = Dataset()
    record.file_meta = FileMetaDataset()
    record.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    record.file_meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    record.file_meta.MediaStorageSOPInstanceUID = UID(f"{uid}.3")
    # Named here, because pydicom would write its own version.
    record.file_meta.ImplementationClassUID = UID("2.25.2302")
    record.file_meta.ImplementationVersionName = "OVERREAD-SAMPLE"
    record.SOPClassUID = DigitalXRayImageStorageForPresentation
    record.SOPInstanceUID = UID(f"{uid}.3")
    record.StudyInstanceUID = UID(f"{uid}.1")
    record.SeriesInstanceUID = UID(f"{uid}.2")
    record.Modality = "DX"
    record.PatientName = "Synthetic^Nobody"
    record.PatientID = f"S{case.patient:03d}"
    record.StudyDate = "20230206"
    record.BodyPartExamined = "CHEST"
    record.ViewPosition = case.view
    record.ImageComments = "Synthetic film made by sample_data.generate; no patient"
    record.Rows, record.Columns = SIZE, SIZE
    record.SamplesPerPixel = 1
    record.PixelRepresentation = 0
    if form == "monochrome1":
        stored = 4095 - np.floor(shown * 4095 + 0.5)
        record.PhotometricInterpretation, bits = "MONOCHROME1", 12
    elif form == "rle":
        stored = np.floor(shown * 255 + 0.5)
        record.PhotometricInterpretation, bits = "MONOCHROME2", 8
    else:
        # The film lies between 9,000 and 33,000; without the window it would be shown flat and grey.
        stored = 9000 + np.floor(shown * 24000 + 0.5)
        stored[:3, :3] = 65535
        record.PhotometricInterpretation, bits = "MONOCHROME2", 16
        record.WindowCenter, record.WindowWidth = "21000", "24000"
    record.BitsAllocated = 8 if bits == 8 else 16
    record.BitsStored, record.HighBit = bits, bits - 1
    pixels = stored.astype("<u1" if bits == 8 else "<u2")
    record.PixelData = pixels.tobytes()
    record["PixelData"].VR = "OB" if bits == 8 else "OW"
    if form == "rle":
        record.compress(pydicom.uid.RLELossless, encoding_plugin="pydicom", generate_instance_uid=False)
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, record, enforce_file_format=True)
    return buffer.getvalue()


def generate(out: Path, seed: int = SEED) -> Iterator[Case]:
    """Write the whole cohort below `out`, yielding each case when its files are there."""
    cases = plan(seed)
    for folder in ("films", "masks"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    for case in cases:
        shown, mask = make_film(case, seed)
        (out / case.path).write_bytes(encode_film(case, shown))
        if case.mask:
            (out / case.mask).write_bytes(encode_mask(mask))
        yield case
    with (out / "cases.csv").open("w", encoding="utf-8", newline="") as handle:
        table = csv.writer(handle, lineterminator="\n")
        table.writerow(COLUMNS)
        for case in cases:
            patient = f"S{case.patient:03d}"
            row = (case.path, case.label, patient, case.mask, case.view, case.exposure, case.conspicuity)
            table.writerow(row)


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m sample_data.generate", description=__doc__)
    parser.add_argument("out", type=Path, help="folder to write into: cases.csv, films/, masks/")
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args(arguments)
    for folder in ("films", "masks"):
        shutil.rmtree(options.out / folder, ignore_errors=True)
    for case in generate(options.out, options.seed):
        print(f"\r{case.number} of {FILMS}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
