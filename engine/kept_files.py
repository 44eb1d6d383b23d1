"""What Overread wrote and reads back: JSON and NPZ, through one reader that is bounded and typed.

A workspace is copied, synchronised, cut short and edited by hand, so that whatever stands where a file of ours is
expected may be anything. Reading it gives the record that was asked for, or one sentence that names the file:

    read_json       a file of one kind (`JsonFile`), as its record
    parse_json      the values in a text, where no more is known of them
    stored_json     the same of a column of the database, which this program alone writes
    read_arrays     the arrays of an .npz, none of which is pickled or larger than the file says

No other module calls `json.loads` or `numpy.load`; tests/test_architecture.py sees to that.
"""

from __future__ import annotations

import json
import re
import time
import zipfile
import zlib
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar, cast

import orjson

from engine.errors import EngineError
from engine.language import N_
from engine.storage import SCHEMA_VERSION, read_regular

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pydantic import TypeAdapter

MIB = 1 << 20
DEEPEST = 64  # levels of lists and objects in one another
LONGEST_NUMBER = 64  # characters; a float that Python writes has at most 24
LONG_NUMBER = re.compile(r"(?<![.\d])\d{19}")
NEWER = N_("{path} was written by a newer version of Overread")
DAMAGED = N_("{path} is damaged or was changed ({why})")
NOT_SO = N_("it does not hold what it should")
READ_VERSIONS = tuple(range(1, SCHEMA_VERSION + 1))

Record = TypeVar("Record")


def ignore(error: EngineError) -> None:
    """Say nothing of a damaged file: what lists files tells whoever wants to know."""


@dataclass(frozen=True, kw_only=True)
class JsonFile(Generic[Record]):
    """One kind of file that Overread writes and reads back.

    Attributes:
        record: What is read: a dataclass, or any other type that pydantic knows.
        error: What is raised of one that cannot be used.
        remedy: What to do then, as in `EngineError`; "{file}" and "{folder}" stand for the names of the file and of the
            folder it is in.
        option: What is typed for it, as in `EngineError`; "{folder}" stands for the name of the folder.
        fields: Under what on the pages it is done, as in `EngineError`.
        largest: Bytes that such a file may have.
        former: Makes the present names of an earlier version's, before the record is read; what it raises of the
            values (KeyError, TypeError, ValueError) means that the file is damaged.
    """

    record: type[Record]
    error: type[EngineError]
    remedy: str
    option: str = ""
    fields: tuple[str, ...] = ()
    largest: int = MIB
    former: Callable[[dict[str, Any]], Mapping[str, Any]] = dict


def read_json(path: Path, kind: JsonFile[Record], **more: object) -> Record:
    """Read a file that Overread wrote.

    Args:
        path: The file.
        kind: What it should hold.
        more: Fields of the record that the file does not hold.

    Raises:
        FileNotFoundError: It is not there.
        EngineError: `kind.error`: it is no such file, whatever else it is.
    """
    try:
        fields = parse_json(_bytes_of(path, kind.largest))
        if not isinstance(fields, dict):
            raise ValueError(NOT_SO)
        version = fields.pop("schema_version", 1)  # the first version did not name itself
        if isinstance(version, int) and version > SCHEMA_VERSION:
            raise kind.error(NEWER.format(path=path), N_("Update Overread"))
        if version not in READ_VERSIONS:
            raise ValueError("its schema_version is none")
        return typed(kind.record, {**kind.former(fields), **more})
    except FileNotFoundError:
        raise
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        remedy = kind.remedy.format(file=path.name, folder=path.parent.name)
        option = kind.option.format(folder=path.parent.name)
        problem = DAMAGED.format(path=path, why=_why(error))
        raise kind.error(problem, remedy, option=option, fields=kind.fields) from error


def stored_json(text: bytes | str) -> Any:
    """Return what a JSON column of a database holds, as `json.loads` reads it.

    A hundred thousand cases have three hundred thousand such columns, which orjson reads in a tenth of the time. What
    it reads otherwise or not at all (NaN, half a character, a whole number of more than 64 bits) is left to Python.
    """
    text = text if isinstance(text, str) else text.decode()
    if LONG_NUMBER.search(text) is None:
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            pass
    return json.loads(text)


def parse_json(text: bytes | str) -> Any:
    """Return what JSON says: an object, a list, a text, a number, true, false or null; NaN is a number here.

    Raises:
        ValueError: It is no JSON in UTF-8, is nested deeper than `DEEPEST`, or holds a number longer than
            `LONGEST_NUMBER`.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8-sig")
        found = json.loads(text, parse_int=_whole_number, parse_float=_number)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON: line {error.lineno}, {error.msg}") from error
    except UnicodeDecodeError as error:
        raise ValueError("it is not text in UTF-8") from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    level, depth = [found], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise ValueError("it is nested too deeply")
        inner: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                inner += one.values()
            elif isinstance(one, list):
                inner += one
        level = inner
    return found


def _whole_number(digits: str) -> int:
    return int(_not_too_long(digits))


def _number(digits: str) -> float:
    return float(_not_too_long(digits))


def _not_too_long(digits: str) -> str:
    if len(digits) > LONGEST_NUMBER:
        raise ValueError(f"it holds a number of {len(digits):,} characters")
    return digits


@lru_cache(maxsize=64)
def _adapter(record: Hashable) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter  # here: watching a run needs nothing else of it

    return TypeAdapter(cast("Any", record))


def typed(record: type[Record], values: object) -> Record:
    """Return plain values as a record, each of its fields held to its type.

    Raises:
        ValueError: One of them is missing or is something else; the first one found is named.
    """
    from pydantic import ValidationError

    try:
        return _adapter(cast("Hashable", record)).validate_python(values)  # type: ignore[no-any-return]
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        if first["type"] in ("missing", "missing_argument"):
            raise ValueError(f"its field {place} is missing") from error
        raise ValueError(f"its field {place} cannot be {quoted(first['input'])}") from error


def plain(record: object) -> Any:
    """Return a record as values that JSON can hold."""
    return _adapter(cast("Hashable", type(record))).dump_python(record, mode="json")


def quoted(value: object) -> str:
    """Return a value for a sentence, as JSON writes it and cut short: it may be anything that a file holds."""
    try:
        text = f"“{value}”" if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    except ValueError:  # a number of thousands of digits
        return "too long a number"
    text = _printable(text)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _printable(text: str) -> str:
    """Return a text of which a terminal shows every character; half of one, as JSON may hold, is none."""
    return "".join(character if character.isprintable() else "?" for character in text[:200])


def _bytes_of(path: Path, largest: int) -> bytes:
    for _ in range(2):
        try:
            return read_regular(path, largest)
        except PermissionError:  # Windows: the very moment of being replaced
            time.sleep(0.05)
    return read_regular(path, largest)


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or N_("it cannot be read")
    if isinstance(error, KeyError):
        return _printable(f"its field {error.args[0]} is missing")
    if isinstance(error, ValueError):
        return _printable(str(error))
    return NOT_SO


# ------------------------------------------------------------------------------------------------------- arrays

LARGEST_ARRAYS = 2048 * MIB  # bytes of all arrays of a file: 100,000 maps of 96 × 96 cells
_HEADER = re.compile(
    rb"\{'descr': '<([fU])(\d{1,6})', 'fortran_order': False, 'shape': \(([\d, ]{0,80})\), \} *\n"
)
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_PREFIX = b"\x93NUMPY\x01\x00"
_BROKEN = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)


def read_arrays(
    path: Path, names: Mapping[str, str], error: type[EngineError], remedy: str, *, option: str = ""
) -> dict[str, NDArray[Any]]:
    """Read arrays of an .npz file that Overread wrote.

    An array's header says how much memory it takes before a byte of it is read; here it must say what the file holds.

    Args:
        path: The file.
        names: What is wanted, each with the kind it must be of: "f" numbers, "U" texts.
        error: What is raised of a file that cannot be used.
        remedy: What to do then, as in `EngineError`.
        option: What is typed for it, as in `EngineError`.

    Raises:
        FileNotFoundError: It is not there.
        EngineError: `error`: it is no such file, whatever else it is.
    """
    try:
        with zipfile.ZipFile(BytesIO(_bytes_of(path, LARGEST_ARRAYS))) as file:
            members = {name: file.getinfo(f"{name}.npy") for name in names}
            if sum(member.file_size for member in members.values()) > LARGEST_ARRAYS:
                raise ValueError("its arrays are larger than they may be")
            if any(member.compress_type not in _PACKED for member in members.values()):
                raise ValueError("it is not packed as it was written")
            return {name: _array(file.read(member), names[name]) for name, member in members.items()}
    except FileNotFoundError:
        raise
    except _BROKEN as broken:
        why = (broken.strerror if isinstance(broken, OSError) else "") or NOT_SO
        raise error(DAMAGED.format(path=path, why=why), remedy, option=option) from broken


def _array(data: bytes, kind: str) -> NDArray[Any]:
    """Return the array of a .npy file of version 1.0, as `numpy.savez` writes numbers and texts."""
    import numpy as np

    length = int.from_bytes(data[8:10], "little")
    header = _HEADER.fullmatch(data[10 : 10 + length])
    if not data.startswith(_PREFIX) or header is None or header[1].decode() != kind:
        _refuse()
    if kind == "f" and header[2] not in (b"2", b"4", b"8"):
        _refuse()
    shape = tuple(int(side) for side in header[3].removesuffix(b",").split(b", ") if side)
    dtype: np.dtype[Any] = np.dtype(f"<{kind}{int(header[2])}")
    count = 1
    for side in shape:
        count *= side
    if count * dtype.itemsize != len(data) - 10 - length or dtype.itemsize == 0:
        _refuse()
    array = np.frombuffer(data, dtype, count, 10 + length).reshape(shape)
    if kind == "U" and array.size and np.frombuffer(data, "<u4", offset=10 + length).max() > 0x10FFFF:
        _refuse()  # no character has that number
    return array


def _refuse() -> NoReturn:
    raise ValueError("an array is not what it should be")
