"""The map to SGIP results, beside that of ``results``.

A reason has one number in every protocol, so that one table tells any customer why: SGIP's
Result is one octet, its own codes are 0 to 33 (section 5.2) and 88, and 101 and more are free
for vendors. What could not be decided has SGIP's own words for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from qingjing.doors.gateway.dialect import Trouble
from qingjing.doors.gateway.results import result as numbered
from qingjing.wire.sgip import Result, State

TROUBLES: Final[Mapping[int, Result]] = MappingProxyType(
    {
        Trouble.SLOW_DOWN: Result.BUSY,
        Trouble.UNREADABLE: Result.FORMAT,
        Trouble.AGAIN: Result.SEQUENCE,
    }
)
"""What an offer is answered that could not be decided. Only 11 asks to send again."""

_REFUSED: Final = frozenset(range(1, 21)) | {
    Result.ROUTE,
    Result.NO_ROUTE,
    Result.BILLED_NUMBER,
    Result.NOT_OFFERED,
}

ERRORS: Final[Mapping[str, Result]] = MappingProxyType(
    {
        "EXPIRED": Result.USER_UNREACHABLE,
        "UNDELIV": Result.PHONE_ERROR,
        "REJECTD": Result.NOT_OFFERED,
        "DELETED": Result.SYSTEM,
        "UNKNOWN": Result.SYSTEM,
    }
)
"""ErrorCode of the reports that we write, by the state that the others' reports have in words.
Words of a carrier's own are 32, system failure."""


def result(outcome: int) -> int:
    """The SGIP Result of an outcome: 0 when taken, the number of the first of its reason bits,
    or the protocol's own for a ``Trouble``."""
    return numbered(outcome, TROUBLES)


def stat(state: int, error: int) -> str:
    """The word of a report's State and ErrorCode (5.4); empty when it is not the last word."""
    if state == State.DELIVERED:
        return "DELIVRD"
    if state == State.WAITING:
        return ""
    if error in _REFUSED:
        return "REJECTD"
    return "EXPIRED" if error == Result.USER_UNREACHABLE else "UNDELIV"


def state(word: str) -> tuple[State, int]:
    """State and ErrorCode of a report, from its word."""
    if word == "DELIVRD":
        return State.DELIVERED, 0
    return State.FAILED, ERRORS.get(word, Result.SYSTEM)


def sgip_table() -> str:
    """Both maps as the tables of ``docs/protocols.md``."""
    lines = ["| Result | when |", "|---|---|"]
    words = {
        Trouble.SLOW_DOWN: "too much waits already: send again soon",
        Trouble.UNREADABLE: "the content is not in its coding, or its header makes no sense",
        Trouble.AGAIN: "a part with this number has come before",
    }
    lines += [
        f"| {int(code)} | {words[Trouble(bit)]} |"
        for bit, code in sorted(TROUBLES.items(), key=lambda pair: pair[1])
    ]
    lines += ["", "| state of a report | State | ErrorCode |", "|---|---|---|"]
    for word in ("DELIVRD", *ERRORS):
        found, error = state(word)
        lines.append(f"| `{word}` | {int(found)} | {int(error)} |")
    lines += ["", "| ErrorCode of a failed report | read as |", "|---|---|"]
    codes = [code for code in Result if code not in (Result.OK, Result.THROTTLED)]
    for word in ("REJECTD", "EXPIRED", "UNDELIV"):
        those = [str(int(code)) for code in codes if stat(State.FAILED, code) == word]
        others = ", any other" if word == "UNDELIV" else ""
        lines.append(f"| {', '.join(those)}{others} | `{word}` |")
    return "\n".join(lines)
