"""Films as pictures for people: eight bits, no metadata, made once and kept."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from PIL import Image

from engine.images.decoder import VERSION, decode
from engine.images.files import read_unchanged
from engine.storage import storage_error, write_atomic


def image_png(path: Path, *, data: bytes | None = None, max_side: int = 1024) -> bytes:
    """Encode an image for the viewer.

    Args:
        path: Any raster format, or DICOM.
        data: See `decode`.
        max_side: Longer side at most, in pixels; smaller images keep their size.

    Returns:
        A PNG, 8-bit grey where the image holds no colour, without any metadata.

    Raises:
        ImageError: See `decode`.
    """
    image = _shrunk(path, max_side, data)
    stream = BytesIO()
    # Level 1 is 5 times faster than 6 and some percent larger: the film crosses a loopback interface.
    image.save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def image_file(
    cache_dir: Path, path: Path, image_id: str, max_side: int = 1024, *, unchanged: bool = False
) -> Path:
    """Return the film of an image as a PNG file, made at the first call.

    Args:
        cache_dir: Of the workspace.
        path: The image.
        image_id: Its sha256, which names the film.
        max_side: See `image_png`.
        unchanged: Refuse a file whose sha256 is another by now; a nameless copy's id is none.

    Raises:
        ImageError: See `decode` and `read_unchanged`.
        WorkspaceError: The cache cannot be written to.
    """
    film = cache_dir / "films" / image_id[:2] / f"{image_id}-{max_side}-{VERSION}.png"
    if not _there(film):
        data = read_unchanged(path, image_id) if unchanged else None
        _place(film, image_png(path, data=data, max_side=max_side))
    return film


def thumbnail_file(cache_dir: Path, path: Path, image_id: str, side: int = 160) -> Path:
    """Return a small JPEG of an image, longer side `side`, made at the first call; raises as `image_file`."""
    thumbnail = cache_dir / "thumbnails" / image_id[:2] / f"{image_id}-{side}-{VERSION}.jpg"
    if not _there(thumbnail):
        stream = BytesIO()
        _shrunk(path, side).save(stream, "JPEG", quality=85)
        _place(thumbnail, stream.getvalue())
    return thumbnail


def _shrunk(path: Path, max_side: int, data: bytes | None = None) -> Image.Image:
    image = decode(path, data=data, at_least=max_side).image
    if max(image.size) > max_side:
        scale = max_side / max(image.size)
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.LANCZOS)
    if image.mode == "RGB":
        red, green, blue = image.split()
        if red.tobytes() == green.tobytes() == blue.tobytes():
            image = red
    image.info.clear()
    return image


def _there(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:  # whatever is wrong is said when the file is written
        return False


def _place(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, path.parent) from error
    write_atomic(path, data)
