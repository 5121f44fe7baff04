"""What a screenshot of SMS shows, from the lines that were read off it: who sent, when, what.

The lines come from ``ocr``; here is only their layout. A bubble is a run of lines that stand
close together under one left edge; words in the middle that name a time hold for the bubbles
below them; the number stands at the top. What cannot be found is named in ``missing``, for the
person to fill in: nothing read off a picture counts until the person has confirmed it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Final

import msgspec

SURE: Final = 0.9
"""A line that is read with less is to be looked at by the person."""

_APART: Final = 0.7
"""Heights of a line that part two bubbles; the lines of one stand within a quarter."""

_ALIKE: Final = 1.3
"""Heights by which left edges in one bubble differ: 【 is drawn far from its own edge."""

_TITLE_MAX: Final = 20
"""Characters of a name in the head: telephones cut longer ones."""

_DAY = r"(?:今天|昨天|前天|today|yesterday)"
_DATE = r"(?:(?:(\d{4})[年/.-])?(\d{1,2})[月/.-](\d{1,2})日?)"
_WEEKDAY = r"(?:(?:星期|周)[一二三四五六日天])"
_HALF = r"(?:凌晨|早上|上午|中午|下午|傍晚|晚上|[ap]m)"
_TIME: Final = re.compile(
    rf"(?:({_DAY})|{_DATE})?,?({_WEEKDAY})?,?({_HALF})?(\d{{1,2}}):(\d{{2}})(?::\d{{2}})?({_HALF})?",
    re.IGNORECASE,
)
_SENDER: Final = re.compile(r"[<‹〈(]?\+?(\d[\d -]{2,24}\d)\)?[>›〉]?")
_BAR: Final = re.compile(
    r"\d{1,2}:\d{2}|\d{1,3}%?|[2-6]g\+?|lte|hd|wi-?fi|中国(?:移动|联通|电信|广电)|.",
    re.IGNORECASE,
)
_WORD_ENDS: Final = re.compile(r"(?:^|[\s,;!?])[A-Za-z']+[,;!?]?$")
_WORD_BEGINS: Final = re.compile(r"[A-Za-z']+(?:[\s,;.!?]|$)")
_BACKS: Final = {"今天": 0, "today": 0, "昨天": 1, "yesterday": 1, "前天": 2}
_LATE: Final = frozenset({"下午", "傍晚", "晚上", "pm"})
_EARLY: Final = frozenset({"凌晨", "早上", "上午", "am"})
_WEEK: Final = "一二三四五六日"


class Line(msgspec.Struct, frozen=True):
    """One line of words with its box in pixels and how sure its reading is, from 0 to 1."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    sure: float

    @property
    def height(self) -> float:
        """Pixels from top to bottom."""
        return self.bottom - self.top


class Bubble(msgspec.Struct, frozen=True):
    """One message. ``time`` is as shown, empty where none was; ``mine``: the person wrote it.

    ``sure`` is that of its least sure line.
    """

    text: str
    time: str
    mine: bool
    sure: float


class Screenshot(msgspec.Struct, frozen=True):
    """A screen as read: ``sender`` as digits or name, and the bubbles from the top.

    ``missing`` names what has to be asked for: sender, time, text.
    """

    sender: str
    bubbles: tuple[Bubble, ...]
    missing: tuple[str, ...]


def read_screen(lines: Iterable[Line], width: float) -> Screenshot:
    """Lay out the lines of a screen of this width. Total over every set of lines."""
    rows = sorted((line for line in lines if line.text.strip()), key=lambda line: line.top)
    if not rows:
        return Screenshot("", (), ("sender", "time", "text"))
    high = median(line.height for line in rows)
    rows = _whole(rows, high)
    head, sender = _head(rows, width, high)
    bubbles = tuple(_bubbles(rows[head:], width, high))
    theirs = [bubble for bubble in bubbles if not bubble.mine]
    missing = [
        name
        for name, there in (
            ("sender", sender),
            ("time", any(bubble.time for bubble in theirs)),
            ("text", theirs),
        )
        if not there
    ]
    return Screenshot(sender, bubbles, tuple(missing))


def moment(words: str, taken: datetime) -> datetime | None:
    """When a time as shown was, on a screen taken at ``taken``; None for what says no day, or
    one that had not come.

    A weekday is the last such day; a date without a year is never in the future.
    """
    match = _timed(words)
    if match is None:
        return None
    day, year, month, date, weekday, half, hour, minute, after = match.groups()
    of_day = int(hour)
    half = (half or after or "").lower()
    if half in _LATE and of_day < 12:
        of_day += 12
    elif half in _EARLY and of_day == 12:
        of_day = 0
    elif half == "中午" and of_day < 3:
        of_day += 12
    try:
        found = taken.replace(hour=of_day, minute=int(minute), second=0, microsecond=0)
        if month:
            found = found.replace(year=int(year or taken.year), month=int(month), day=int(date))
            return found.replace(year=found.year - 1) if found > taken and not year else found
    except ValueError:
        return None
    if day:
        found -= timedelta(days=_BACKS[day.lower()])
        return found if found <= taken else None
    if weekday:
        back = (taken.weekday() - _WEEK.index(weekday[-1].replace("天", "日"))) % 7
        return found - timedelta(days=back)
    return None


def _head(rows: Sequence[Line], width: float, high: float) -> tuple[int, str]:
    """Where the conversation begins, and the sender: the last title before it."""
    sender, titled = "", 0
    for at, line in enumerate(rows):
        if _is_time(line, width) or (sender and _is_bubble(line, rows[titled], width, high)):
            return at, sender
        number = _SENDER.fullmatch(line.text.strip())
        if number is not None and line.height > 0.6 * high:
            sender, titled = re.sub(r"\D", "", number.group(1)), at
        elif _BAR.fullmatch(line.text.strip()) or line.bottom < 1.5 * high:
            continue
        elif not sender and _is_title(rows, at, width, high):
            sender, titled = line.text.strip(), at
        elif not sender:
            return at, ""
    return len(rows), sender


def _whole(rows: Sequence[Line], high: float) -> list[Line]:
    """Pieces that stand side by side are one line: a reader often parts them at brackets."""
    whole: list[Line] = []
    for row in rows:
        last = whole[-1] if whole else None
        beside = last is not None and abs(row.top - last.top) < high / 2
        if (
            last is not None
            and beside
            and -high < max(row.left - last.right, last.left - row.right) < high
        ):
            first, second = sorted((last, row), key=lambda line: line.left)
            whole[-1] = Line(
                first.text + second.text,
                first.left,
                min(first.top, second.top),
                max(first.right, second.right),
                max(first.bottom, second.bottom),
                min(first.sure, second.sure),
            )
        else:
            whole.append(row)
    return whole


def _is_title(rows: Sequence[Line], at: int, width: float, high: float) -> bool:
    """Whether a line is a name at the top: short, in the middle, with room below it."""
    line = rows[at]
    apart = at + 1 == len(rows) or rows[at + 1].top - line.bottom > _APART * high
    return apart and _central(line, width) and len(line.text) <= _TITLE_MAX


def _is_bubble(line: Line, title: Line, width: float, high: float) -> bool:
    """Whether a line below the title says something: it stands apart, and at a side."""
    return line.top - title.bottom > high and not _central(line, width)


def _central(line: Line, width: float) -> bool:
    """Whether a line stands in the middle of the screen, with room on both sides."""
    return (
        abs((line.left + line.right) / 2 - width / 2) < width * 0.08
        and line.left > width * 0.15
    )


def _is_time(line: Line, width: float) -> bool:
    return _central(line, width) and _timed(line.text) is not None


def _timed(text: str) -> re.Match[str] | None:
    return _TIME.fullmatch("".join(unicodedata.normalize("NFKC", text).split()))


def _bubbles(rows: Sequence[Line], width: float, high: float) -> Iterator[Bubble]:
    """The bubbles, each with the time that stands over it."""
    time, run = "", list[Line]()
    for line in rows:
        if _is_time(line, width):
            yield from _bubble(run, time, width)
            time, run = line.text.strip(), []
        elif run and _goes_on(run, line, high):
            run.append(line)
        else:
            yield from _bubble(run, time, width)
            run = [line]
    yield from _bubble(run, time, width)


def _goes_on(run: Sequence[Line], line: Line, high: float) -> bool:
    edge = min(one.left for one in run)
    return line.top - run[-1].bottom < _APART * high and abs(line.left - edge) < _ALIKE * high


def _bubble(run: Sequence[Line], time: str, width: float) -> Iterator[Bubble]:
    if run:
        left, right = min(one.left for one in run), max(one.right for one in run)
        mine = left > width * 0.25 and right > width * 0.8
        yield Bubble(
            _joined([one.text.strip() for one in run]), time, mine, min(one.sure for one in run)
        )


def _joined(lines: Sequence[str]) -> str:
    """The lines as one text. A line breaks between two words of English; anything else goes on
    without a space, also a link."""
    text = lines[0]
    for line in lines[1:]:
        words = _WORD_ENDS.search(text) and _WORD_BEGINS.match(line)
        text += f" {line}" if words else line
    return text
