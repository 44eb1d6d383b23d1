"""The program's icon, drawn: a film, what was found on it, and the eye that reads it again."""

from __future__ import annotations

from io import BytesIO

SIDE = 256


def icon(file_format: str) -> bytes:
    """Return the icon as a file.

    Args:
        file_format: PNG, ICO or ICNS.
    """
    from PIL import Image, ImageDraw

    drawn = Image.new("RGBA", (SIDE, SIDE))
    pencil = ImageDraw.Draw(drawn)
    pencil.rounded_rectangle((8, 8, SIDE - 9, SIDE - 9), radius=44, fill=(15, 23, 42, 255))
    for radius, colour in ((34, (127, 29, 29)), (24, (220, 38, 38)), (13, (250, 204, 21))):
        pencil.ellipse((128 - radius, 128 - radius, 128 + radius, 128 + radius), fill=(*colour, 255))
    for start in (210, 30):  # the lids
        pencil.arc((38, 38 if start == 210 else 18, 218, 238 if start == 210 else 218), start, start + 120,
                   fill=(226, 232, 240, 255), width=12)  # fmt: skip
    stream = BytesIO()
    drawn.save(stream, format=file_format)
    return stream.getvalue()
