"""Images from a DICOMweb server into a folder (WADO-RS), one after another; what came stays, what failed is listed.

    workspace/pulled/<key>/<name>/<SOP Instance UID>.dcm    the images, with the few tags that are kept
    workspace/pulled/<key>/left-out.csv                     what did not come, and why
    workspace/pulled/<key>/labels.csv                       the labels of a table, where one was named

Asked again, only what is not there yet is fetched.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from dicomweb_client import DICOMwebClient

from engine.errors import DataError, ImageError
from engine.images import WRITER
from engine.pacs.address import Address
from engine.pacs.asking import LIES, Found, LeftOut, ask, client_of
from engine.pacs.bounds import Limits, ServerLost, ServerTrouble
from engine.pacs.kept_header import without_the_rest
from engine.spreadsheet import write_csv
from engine.storage import storage_error, write_atomic

LEFT_OUT = "left-out.csv"
SUFFIX = ".dcm"
IN_A_ROW = 3  # images that fail one after another before the server counts as lost

Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pulled:
    """What came.

    Attributes:
        folder: With the images, those of earlier times too.
        found: What the server has.
        new: How many came now.
        left_out: What did not come.
    """

    folder: Path
    found: tuple[Found, ...]
    new: int
    left_out: tuple[LeftOut, ...]


def pull(
    address: Address, into: Path, *, progress: Progress = lambda done, of: None, limits: Limits | None = None
) -> Pulled:
    """Fetch the images that an address means.

    Args:
        address: What is meant.
        into: A folder for this address alone; made if it is not there.
        progress: Called with images done and images in all, 0 while that is not known; may raise to stop.
        limits: What one answer of the server may take.

    Raises:
        ServerTrouble: The server is away or refuses us, now or in the middle: what came until then is kept.
        DataError: There is no such image, or none could be fetched.
        WorkspaceError: They cannot be written.
    """
    client = client_of(address, limits)
    folder = into / address.name
    found, left_out = ask(client, address, lambda count: progress(0, 0))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        there = {path.name for path in folder.iterdir()}
    except OSError as error:
        raise storage_error(error, folder) from error
    lacking = [one for one in found if one.image + SUFFIX not in there]
    came, failed = 0, 0
    try:
        for number, one in enumerate(lacking):
            progress(len(found) - len(lacking) + number, len(found))
            try:
                data = _image(client, one)
            except ServerLost:
                raise
            except (ServerTrouble, ImageError) as error:
                left_out.append(
                    LeftOut(study=one.study, series=one.series, image=one.image, why=error.problem)
                )
                failed = failed + 1 if isinstance(error, ServerTrouble) else 0
                if failed == IN_A_ROW:
                    raise
                continue
            failed = 0
            write_atomic(folder / f"{one.image}{SUFFIX}", data)
            came += 1
    except ServerTrouble as error:
        here = len(there) + came
        raise type(error)(
            f"{error.problem}, when {here:,} of {len(found):,} images had come",
            f"{error.remedy}; then only what is missing is fetched",
            option=error.option,
        ) from error
    finally:
        write_atomic(into / LEFT_OUT, write_csv(map(asdict, left_out), ("study", "series", "image", "why")))
    progress(len(found), len(found))
    if not came and not there:
        raise _nothing(address, left_out)
    return Pulled(folder=folder, found=tuple(found), new=came, left_out=tuple(left_out))


def _image(client: DICOMwebClient, one: Found) -> bytes:
    """Fetch one image, as the archive keeps it, and return what is kept of it.

    Raises:
        ServerTrouble: The server did not give it.
        ImageError: It is no image that can be read.
    """
    if one.frames > 1:
        raise _multi_frame(one.frames)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of servers that send a file without its envelope
            whole = client.retrieve_instance(one.study, one.series, one.image)
        given, frames = str(whole.get("SOPInstanceUID", "")), int(whole.get("NumberOfFrames") or 1)
    except (*LIES, EOFError, NotImplementedError, OSError) as error:
        raise ServerTrouble("what came is no DICOM file", "Ask whoever keeps the archive") from error
    if given != one.image:
        raise ServerTrouble(
            "another image came than the one that was asked for", "Ask whoever keeps the archive"
        )
    if frames > 1:
        raise _multi_frame(frames)
    if not any(tag in whole for tag in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        raise ImageError("it holds no pixels", "Ask for images alone, e.g. modality=DX")
    if str(whole.get("Manufacturer", "")) == WRITER:
        raise ImageError(
            "it was written by Overread about an image", "Ask for images alone, e.g. modality=DX"
        )
    return without_the_rest(whole)


def _multi_frame(frames: int) -> ImageError:
    return ImageError(
        f"it holds {frames:,} frames, and one case is one image", "Export its frames as single images"
    )


def _nothing(address: Address, left_out: Sequence[LeftOut]) -> DataError:
    return DataError(
        f"None of what was asked for came from {address.host}{f': {left_out[0].why}' if left_out else ''}",
        "Ask for images that can be read, e.g. modality=DX",
    )
