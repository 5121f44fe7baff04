"""The maps of all protocols side by side, as ``docs/protocols.md`` has them."""

from __future__ import annotations

from typing import Final

from qingjing.doors.gateway import results, results_sgip, results_smgp, results_smpp
from qingjing.doors.gateway.dialect import Trouble
from qingjing.kernel.rules import RULES

_TROUBLES: Final = {
    Trouble.SLOW_DOWN: "too much waits already: send the same again soon",
    Trouble.UNREADABLE: "the content is not in its coding, or its header makes no sense",
    Trouble.AGAIN: "a part with this number has come before",
}


def statuses_table() -> str:
    """What an offer is answered in each protocol: what could not be decided, then each reason
    in the order of its number."""
    lines = ["| CMPP | SGIP | SMGP | SMPP | what |", "|---|---|---|---|---|"]
    for trouble, words in _TROUBLES.items():
        lines.append(_row(int(trouble), words))
    bits = {rule.name: 1 << place for place, rule in enumerate(RULES)}
    for name in results.RESULTS:
        lines.append(_row(bits[name], f"`{name}`"))
    return "\n".join(lines)


def _row(outcome: int, words: str) -> str:
    numbers = (
        str(int(results.result(outcome))),
        str(int(results_sgip.result(outcome))),
        str(int(results_smgp.status(outcome))),
        f"0x{results_smpp.status(outcome):04X}",
    )
    return f"| {' | '.join(numbers)} | {words} |"
