"""What a message counts as, given what was declared and what was read.

The stricter of the two holds: a promotion under a service declaration is commercial, and a
text that could not be read is UNCLEAR unless it was declared commercial (then the strictest
rules apply anyway).
"""

from __future__ import annotations

from typing import Final

from qingjing.kernel.words import Kind

_PLAIN: Final = frozenset({Kind.VERIFICATION, Kind.SERVICE, Kind.PUBLIC})


def effective(declared: Kind, read: Kind) -> Kind:
    """The kind that the rules apply to."""
    if read is Kind.ILLEGAL or declared is Kind.ILLEGAL:
        return Kind.ILLEGAL
    if Kind.COMMERCIAL in (declared, read):
        return Kind.COMMERCIAL
    if Kind.ASKING in (declared, read):
        return Kind.ASKING
    if read in _PLAIN:
        return read
    return Kind.UNCLEAR


def is_marketing(declared: Kind, read: Kind) -> bool:
    """True for what a refusal stops: commercial messages, and requests for consent to them."""
    return effective(declared, read) in (Kind.COMMERCIAL, Kind.ASKING)


def is_disguised(declared: Kind, read: Kind) -> bool:
    """True when the text sells, or asks for consent, under another declaration."""
    if declared in _PLAIN:
        return read in (Kind.COMMERCIAL, Kind.ASKING)
    return declared is Kind.ASKING and read is Kind.COMMERCIAL
