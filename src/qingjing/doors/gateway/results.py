"""The one map from reasons to CMPP results, at the door.

0 to 99 are the protocol's own; 100 to 199 are the vendor's. 8 is kept for "slow down": clients
send such a message again. The map is total: a test holds it against the rules, and
``docs/protocols.md`` lists it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from qingjing.doors.gateway.dialect import Trouble
from qingjing.kernel.rules import RULES

TROUBLES: Final[dict[int, int]] = {
    Trouble.SLOW_DOWN: 8,
    Trouble.UNREADABLE: 1,
    Trouble.AGAIN: 3,
}
"""What an offer is answered that could not be decided: CMPP's own results."""

RESULTS: Final[dict[str, int]] = {
    "illegal_content": 101,
    "dossier_complete": 102,
    "sender_known": 103,
    "sender_free": 104,
    "port_known": 105,
    "port_granted": 106,
    "port_valid": 107,
    "port_filed": 108,
    "kind_in_scope": 109,
    "signature_present": 110,
    "signature_registered": 111,
    "signature_in_scope": 112,
    "signature_filed": 113,
    "chain_declared": 114,
    "number_valid": 115,
    "number_assigned": 116,
    "number_same_person": 117,
    "not_refused": 118,
    "refusal_clear": 119,
    "grounds_present": 120,
    "grounds_explicit": 121,
    "grounds_shown": 122,
    "grounds_for_category": 123,
    "grounds_unexpired": 124,
    "grounds_before_send": 125,
    "consent_frequency": 126,
    "house_cap": 127,
    "carrier_cap": 128,
    "quiet_hours": 129,
    "notice_present": 130,
    "notice_usable": 131,
    "identity_shown": 132,
    "kind_honest": 133,
    "kind_clear": 134,
    "asking_complete": 135,
    "asking_once": 136,
    "links_accepted": 137,
}
"""What a submit that did not pass is answered: the number of its first reason.

Held messages (102, 119, 134 in the shipped rulebooks) are answered alike: nothing was sent,
and the message may be submitted again once the reason is gone.
"""

BY_BIT: Final[tuple[int, ...]] = tuple(RESULTS[rule.name] for rule in RULES)


def result(outcome: int, troubles: Mapping[int, int] = TROUBLES, more: int = 0) -> int:
    """The CMPP Result of an outcome: 0 when taken, the number of the first of its reason bits,
    or the protocol's own for a ``Trouble``.

    :param troubles: another protocol's answers to those.
    :param more: what another protocol adds to a reason's number.
    """
    if outcome < 0:
        return troubles[outcome]
    return BY_BIT[(outcome & -outcome).bit_length() - 1] + more if outcome else 0


def results_table() -> str:
    """The map as the table of ``docs/protocols.md``, smallest number first."""
    lines = ["| Result | reason | in words |", "|---|---|---|"]
    for rule in sorted(RULES, key=lambda rule: RESULTS[rule.name]):
        lines.append(f"| {RESULTS[rule.name]} | `{rule.name}` | {rule.en}; {rule.zh} |")
    return "\n".join(lines)
