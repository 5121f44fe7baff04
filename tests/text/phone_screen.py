"""Draws what a phone shows of an SMS conversation, for the tests of reading it."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Final, NamedTuple

from PIL import Image, ImageDraw, ImageFont

FONT: Final = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
WIDTH: Final = 720


class Theme(NamedTuple):
    """Colours of a screen: ground, bubbles of others and one's own, words, faint words."""

    ground: str
    other: str
    own: str
    words: str
    faint: str


LIGHT: Final = Theme("#ffffff", "#e9e9eb", "#34c759", "#000000", "#8a8a8e")
DARK: Final = Theme("#000000", "#262629", "#1f7a37", "#f2f2f2", "#8e8e93")


def draw(
    sender: str,
    items: list[tuple[str, str]],
    theme: Theme = LIGHT,
    *,
    crop: int = 0,
    size: int = 30,
) -> bytes:
    """A PNG of ("time", "今天 14:05"), ("in", text) and ("out", text), from the top.

    ``crop`` takes so many pixels off the top.
    """
    font = ImageFont.truetype(str(FONT), size)
    small = ImageFont.truetype(str(FONT), size - 8)
    image = Image.new("RGB", (WIDTH, 1600), theme.ground)
    pen = ImageDraw.Draw(image)
    pen.text((30, 12), "9:41", theme.words, small)
    pen.text((WIDTH - 90, 12), "5G", theme.words, small)
    pen.text((WIDTH / 2, 80), sender, theme.words, font, anchor="ma")
    pen.line((0, 150, WIDTH, 150), theme.faint)
    y = 175
    for what, text in items:
        if what == "time":
            pen.text((WIDTH / 2, y), text, theme.faint, small, anchor="ma")
            y += size + 24
            continue
        lines = _wrapped(text, font, 480)
        widest = max(font.getlength(line) for line in lines)
        high = len(lines) * (size + 12) + 24
        left = 24 if what == "in" else WIDTH - 24 - widest - 44
        colour = theme.other if what == "in" else theme.own
        pen.rounded_rectangle((left, y, left + widest + 44, y + high), 26, colour)
        for at, line in enumerate(lines):
            pen.text((left + 22, y + 12 + at * (size + 12)), line, theme.words, font)
        y += high + 18
    image = image.crop((0, crop, WIDTH, min(1600, y + 60)))
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _wrapped(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    lines = [""]
    for character in text:
        if font.getlength(lines[-1] + character) > width:
            lines.append("")
        lines[-1] += character
    return lines
