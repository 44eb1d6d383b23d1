"""The files of a bundle that somebody sent: a zip that is cut, foreign or made to do harm is refused in a sentence."""

from __future__ import annotations

import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from engine.errors import ReportError
from engine.storage import open_regular

LARGEST = 1 << 30  # bytes, of the zip and of all files together
MOST_FILES = 10_000
MOST_DENSE = (
    400  # times its size that a zip may unpack to; of 1,000 classes, all probabilities 0 or 1, comes to 112
)
SMALL = 1 << 26  # bytes that harm nobody, however dense
ENCRYPTED = 1  # a flag of a member
WRITTEN_WITH = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
REMEDY = "Choose the bundle.zip that a report was written as"
OPTION = "overread report --format bundle"
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
)


def files_of(bundle: Path) -> dict[str, bytes]:
    """Return the files of a bundle by name; nothing is written.

    Raises:
        ReportError: It cannot be read, is no zip or a damaged one, unpacks to more than a bundle does, or has a member
            that no bundle has: encrypted, a link, twice of one name, or named to be written somewhere else.
    """
    if (path := bundle).is_dir():  # a browser may have unpacked it
        raise ReportError(f"{path} is a folder, not a file", REMEDY, option=OPTION)
    try:
        with open_regular(bundle) as stream:
            if stream.seek(0, 2) > LARGEST:
                raise _refused(bundle, f"is larger than {LARGEST >> 30} GB")
            packed_size = stream.tell()
            with zipfile.ZipFile(stream) as packed:
                members = [one for one in packed.infolist() if not one.is_dir()]
                if why := odd_members(members, packed_size):
                    raise _refused(bundle, why)
                return {one.filename: packed.read(one) for one in members}
    except OSError as error:
        raise ReportError(f"{bundle} cannot be read ({error.strerror or error})", "Check its name") from error
    except DAMAGED as error:
        raise ReportError(
            f"{bundle.name} is not a bundle, or was cut short or damaged ({error})", REMEDY, option=OPTION
        ) from error


def _refused(bundle: Path, why: str) -> ReportError:
    return ReportError(f"{bundle.name} {why}, as no bundle of a report does", REMEDY, option=OPTION)


def odd_members(members: list[zipfile.ZipInfo], packed_size: int) -> str:
    """Say what no bundle has; empty where nothing is odd. Asked before a byte is unpacked."""
    if len(members) > MOST_FILES:
        return f"holds more than {MOST_FILES:,} files"
    size = sum(one.file_size for one in members)
    if size > LARGEST or size > max(SMALL, MOST_DENSE * packed_size):
        return f"would unpack to {size / 1e9:,.1f} GB"
    names: set[str] = set()
    for one in members:
        if why := _odd_one(one):
            return why
        if one.filename in names:
            return f"holds “{one.filename}” twice"
        names.add(one.filename)
    return ""


def _odd_one(one: zipfile.ZipInfo) -> str:
    path = PurePosixPath(one.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or any(c == ":" or c < " " for c in one.orig_filename):
        return f"holds “{one.filename}”, which would be written outside its folder"
    if stat.S_ISLNK(one.external_attr >> 16):
        return f"holds “{one.filename}”, which is a link to another file"
    if one.flag_bits & ENCRYPTED:
        return f"holds “{one.filename}”, which is encrypted"
    if one.compress_type not in WRITTEN_WITH:
        return f"holds “{one.filename}”, which is packed in a way that is not used"
    return ""
