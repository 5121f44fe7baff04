"""Lines of words off a picture, by RapidOCR: the extra ``ocr``. All on this machine.

The picture's size is looked at before anything is decoded: a small file may unpack to a
picture that fills the memory.
"""

from __future__ import annotations

import logging
from functools import cache
from io import BytesIO
from typing import Any, Final

from qingjing.text.screenshot import Line

BYTES_MAX: Final = 10_000_000
"""Of a file: a full screen as PNG has 1 to 4 million."""

PIXELS_MAX: Final = 20_000_000
"""Of a picture: the largest telephone's screen has 5 million, a scrolled one some of those."""

_TOO_MANY: Final = f"more than {PIXELS_MAX:,} pixels; cut out what matters"
FORMATS: Final = ("PNG", "JPEG", "WEBP")


class PictureError(Exception):
    """The picture cannot be read; the message says why and what to do."""


def lines(picture: bytes) -> tuple[list[Line], int]:
    """The lines of a picture and its width in pixels. PictureError when it is none, or too
    large, or the extra is not installed."""
    if len(picture) > BYTES_MAX:
        raise PictureError(f"the file has more than {BYTES_MAX:,} bytes; send a smaller one")
    engine = _engine()
    width = _width(picture)
    found = engine(picture)
    if found.boxes is None:
        return [], width
    rows = [
        Line(
            str(text),
            float(min(x for x, _y in box)),
            float(min(y for _x, y in box)),
            float(max(x for x, _y in box)),
            float(max(y for _x, y in box)),
            float(sure),
        )
        for box, text, sure in zip(found.boxes, found.txts, found.scores, strict=True)
    ]
    return rows, width


def _width(picture: bytes) -> int:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(BytesIO(picture), formats=FORMATS) as image:
            width, height = image.size
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureError(_TOO_MANY) from error
    except (UnidentifiedImageError, OSError, ValueError) as error:
        remedy = "send a PNG, JPEG or WebP picture"
        raise PictureError(f"this is no picture that can be read; {remedy}") from error
    if width * height > PIXELS_MAX:
        raise PictureError(_TOO_MANY)
    return int(width)


@cache
def _engine() -> Any:
    try:
        from rapidocr import RapidOCR
    except ImportError:
        remedy = 'pip install "qingjing[ocr]"'
        raise PictureError(f"reading pictures is an extra: {remedy}") from None
    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    return RapidOCR(params={"Global.log_level": "error"})
