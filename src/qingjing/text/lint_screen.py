"""A screen or an agreement given as plain text, as read off a screenshot: into the same page.

Marks at a line's head are boxes (☑ □ [x]), 开 and 关 at its end switches, short lines of
answers buttons. Everything is also a passage, line by line.
"""

from __future__ import annotations

import re
from typing import Final

from qingjing.text.lint_page import SCOPE_MAX, Control, Page, Passage, Place, numbered
from qingjing.text.lint_words import YES, clean

_BOX: Final = re.compile(
    r"\s*(?:(?P<on>[☑☒✅✓✔√■▣◉●]|\[[xX√✓vV]\]|[((][√✓][))])|(?P<off>[☐□◻▢○◯]|\[\s?\]|[((]\s[))]))\s*(?=\S)"
)
_SWITCH: Final = re.compile(
    r"(?:\s{1,40}|[::·….—-]{1,20}|\[)(?P<state>开|关|ON|OFF|已开启|已关闭|开启中)\]?\s*\Z"
)
_SHORT: Final = 14
_NEAR: Final = 3
"""Lines above and below that count as said with a line of a screen."""


def read_screen(source: str) -> Page:
    """A plain text as a page. Total over every string."""
    rows: list[tuple[str, Place]] = []
    offset = 0
    for number, line in enumerate(source.split("\n"), start=1):
        lead = len(line) - len(line.lstrip())
        rows.append((line, Place(number, offset + lead)))
        offset += len(line) + 1
    terms = numbered(source)
    controls, passages = [], []
    for index, (line, place) in enumerate(rows):
        text = clean(line)
        if not text:
            continue
        scope = _scope(rows, index, whole=len(source) <= SCOPE_MAX and not terms)
        passages.append(Passage(text=text, lines=((0, place),), scope=scope, terms=terms))
        if (control := _control(line, place, scope)) is not None:
            controls.append(control)
    return Page(tuple(controls), tuple(passages))


def _scope(rows: list[tuple[str, Place]], index: int, *, whole: bool) -> str:
    near = rows if whole else rows[max(0, index - _NEAR) : index + _NEAR + 1]
    text = clean("\n".join(line for line, _ in near))
    return text if len(text) <= SCOPE_MAX else clean(rows[index][0])


def _control(line: str, place: Place, scope: str) -> Control | None:
    if box := _BOX.match(line):
        label, on, kind = clean(line[box.end() :]), box["on"] is not None, "box"
    elif switch := _SWITCH.search(line):
        label, kind = clean(line[: switch.start()]), "switch"
        on = switch["state"] in ("开", "ON", "已开启", "开启中")
    elif len(line.strip()) <= _SHORT and YES.match(clean(line.strip(" []【】<>"))):
        label, on, kind = clean(line.strip(" []【】<>")), False, "button"
    else:
        return None
    return Control(kind=kind, label=label, place=place, scope=scope, on=on)
