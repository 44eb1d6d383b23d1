"""An image with its map laid over it and, below, what its colours mean: a picture that can leave the program."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from engine.records import Explanation
from engine.saliency.heatmap import colours, heatmap_png, map_legend

PAPER, INK = (18, 20, 23), (236, 239, 242)
NARROWEST = 320  # pixels across that the words need; smaller images are enlarged by a whole number


def picture_with_map(picture: bytes, explanation: Explanation) -> bytes:
    """Lay a map over its image, with the colour bar, its numbers, class and method below.

    Args:
        picture: The image as a PNG.
        explanation: Its map.

    Returns:
        An RGB PNG as wide as the image, or as a whole multiple of it that the words fit below.
    """
    with Image.open(io.BytesIO(picture)) as opened:
        below = opened.convert("RGBA")
    times = -(-NARROWEST // below.width)
    below = below.resize((times * below.width, times * below.height), Image.Resampling.NEAREST)
    drawn = heatmap_png(explanation.heatmap, size=max(below.size), scale=explanation.scale)
    with Image.open(io.BytesIO(drawn)) as opened:
        above = opened.convert("RGBA").resize(below.size, Image.Resampling.BILINEAR)
    film = Image.alpha_composite(below, above).convert("RGB")
    legend = _legend_strip(explanation, film.width)
    whole = Image.new("RGB", (film.width, film.height + legend.height), PAPER)
    whole.paste(film, (0, 0))
    whole.paste(legend, (0, film.height))
    stream = io.BytesIO()
    whole.save(stream, "PNG")
    return stream.getvalue()


def _legend_strip(explanation: Explanation, width: int) -> Image.Image:
    from matplotlib import get_data_path  # its font knows more signs than Pillow's own

    legend = map_legend(explanation)
    size = max(9, min(15, width // 34))
    font = ImageFont.truetype(str(Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), size)
    margin, line = size // 2 + 2, round(size * 1.35)
    texts = [f"{legend.title} ({legend.method})", legend.unit, *filter(None, (legend.sum, legend.caution))]
    lines = [part for text in texts for part in _wrapped(text, font, width - 2 * margin)]
    strip = Image.new("RGB", (width, 3 * margin + 2 * line + line * len(lines)), PAPER)
    draw = ImageDraw.Draw(strip)
    bar = Image.fromarray(colours()[None, :, :], "RGBA").resize((width - 2 * margin, line))
    black = Image.new("RGBA", bar.size, (0, 0, 0, 255))
    strip.paste(Image.alpha_composite(black, bar).convert("RGB"), (margin, margin))
    draw.rectangle((margin, margin, width - margin - 1, margin + line - 1), outline=INK)
    for share, number in legend.ticks:
        wide = draw.textlength(number, font=font)
        place = margin + share * (width - 2 * margin) - share * wide  # the outer ones end with the bar
        draw.text((place, margin + line + 1), number, fill=INK, font=font)
    for row, text in enumerate(lines):
        draw.text((margin, 2 * margin + line * (2 + row)), text, fill=INK, font=font)
    return strip


def _wrapped(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
