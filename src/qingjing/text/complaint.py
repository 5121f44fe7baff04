"""What a person forwards to complain of a message: number and text, in the known forms.

``被举报号码*短信内容`` (12321), ``number#text`` (China Mobile 10086999), ``ljdxjb#number#text``
(China Unicom 10010), ``number:text`` (China Telecom 10000999), each also full-width; and free
text, of which whatever can be known is taken and the rest is asked for.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

TEXT_MAX: Final = 2_000
"""Characters of a text complained of: the longest message has 255 parts, nobody forwards it."""

_FORM: Final = re.compile(
    r"\s*(?:ljdxjb\s*[#*:]\s*)?(?:举报|投诉|tousu|jb)?\s*[::]?\s*"
    r"(\+?[0-9][0-9 -]{2,23})\s*[*#:]\s*(.*)",
    re.IGNORECASE | re.DOTALL,
)
_ASKED: Final = re.compile(r"(?<![0-9])(\+?[0-9](?:[0-9 -]{3,22})[0-9])(?![0-9])")
_QUOTED: Final = re.compile(r"[“\"「『](.+?)[”\"」』]", re.DOTALL)
_SIGNED: Final = re.compile(r"[【\[][^【】\[\]]{1,30}[】\]].*", re.DOTALL)
_WORD_FORM: Final = re.compile(
    r"(?:短信内容|内容|正文|text)\s*[::是为]\s*(.+)", re.DOTALL | re.I
)
_PHONE: Final = re.compile(r"(?:\+?86|0086)?(1[3-9][0-9]{9})")
_WIDE: Final = {
    ord("*"): "*",
    ord("＊"): "*",
    ord("＃"): "#",
    ord("："): ":",
    ord("＋"): "+",
} | {0xFF10 + digit: str(digit) for digit in range(10)}
_HEAD: Final = 64
"""Characters in front of a text that may be the form: full-width signs are narrowed there only,
so that the text itself is kept as it came."""


class Forwarded(msgspec.Struct, frozen=True):
    """What was understood: the number complained of and the text, empty where it lacks."""

    number: str
    text: str

    @property
    def lacks(self) -> tuple[str, ...]:
        """What must be asked for: number, text."""
        told = (("number", self.number), ("text", self.text))
        return tuple(name for name, value in told if not value)


def read_forwarded(words: str) -> Forwarded:
    """Number and text of what was forwarded. Total: whatever comes, there is an answer."""
    words = words[: TEXT_MAX + _HEAD].strip()
    head = words[:_HEAD].translate(_WIDE) + words[_HEAD:]
    form = _FORM.fullmatch(head)
    if form is not None and (number := sender_number(form.group(1))):
        return Forwarded(number, _kept(words, form.start(2)))
    text = _text_of(words)
    rest = words.replace(text, " ", 1) if text else words
    numbers = (sender_number(m.group(1)) for m in _ASKED.finditer(rest.translate(_WIDE)))
    return Forwarded(next((one for one in numbers if one), ""), text)


def _kept(words: str, start: int) -> str:
    """The text as it came, from where the form ends."""
    return words[start:].strip()[:TEXT_MAX]


def _text_of(words: str) -> str:
    """The forwarded text in free words: after its name, in quotation marks, or by signature."""
    for pattern, group in ((_WORD_FORM, 1), (_QUOTED, 1), (_SIGNED, 0)):
        found = pattern.search(words)
        if found is not None and len(found.group(group).strip()) > 3:
            return found.group(group).strip()[:TEXT_MAX]
    return ""


def sender_number(written: str) -> str:
    """A number as a sender has it: an access code or a mobile number; empty when it is none.

    Access codes are 5 to 21 digits (GSMA and CMPP's Src_Id); shorter ones are no number.
    """
    digits = re.sub(r"[\s()()-]", "", written.translate(_WIDE))
    mobile = _PHONE.fullmatch(digits)
    if mobile is not None:
        return mobile.group(1)
    digits = digits.removeprefix("+")
    whole = digits.isascii() and digits.isdigit() and 5 <= len(digits) <= 21
    return digits if whole else ""


def is_personal(number: str) -> bool:
    """Is this number a person's (点对点), and so personal data?"""
    return _PHONE.fullmatch(number) is not None


_NETWORKS: Final = {
    "10655": "unicom",
    "10656": "unicom",
    "10657": "mobile",
    "10658": "mobile",
    "10659": "telecom",
    "10086": "mobile",
    "10010": "unicom",
    "10000": "telecom",
    "10099": "broadnet",
}
"""Access codes that one network has for itself (电信网编号计划; 10656 and 10658 as published by
vendors). 10690 and 95 codes are cross-network: they tell nothing."""


def network_of(number: str) -> str:
    """The network that an access code belongs to by its prefix; empty when it tells none."""
    return _NETWORKS.get(number[:5], "")


_ASKS: Final = {
    "number": ("被举报的号码", "the number that the message came from"),
    "text": ("短信全文", "the whole text of the message"),
}


def ask_for(lacks: tuple[str, ...], number: str) -> tuple[str, str]:
    """What to write back to a complainant: Chinese and English."""
    zh = "和".join(_ASKS[one][0] for one in lacks)
    en = " and ".join(_ASKS[one][1] for one in lacks)
    return (
        f"您的举报(受理编号{number})还缺少{zh},请按“被举报号码*短信内容”回复补充。",
        f"Your complaint {number} lacks {en}: please answer with NUMBER*TEXT.",
    )
