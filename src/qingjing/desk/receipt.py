"""Receipts: what a person agreed to or refused, signed by the log, and a code that fits an SMS.

The signed receipt is canonical JSON (RFC 8785) whose fields follow ISO/IEC TS 27560:2023 where
it has them. It holds no number: the person is its keyed handle, the fact its place and hash.

The code is the fact's position under a keyed permutation of 60 bits, twelve characters. A guess
finds a receipt with a chance of 2**-28 at most, and then learns what a receipt says and no
number; how often may be guessed is for the page that asks.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, Final, NamedTuple

import msgspec

from qingjing.desk.anchor import ed25519_verify
from qingjing.desk.consent import refusals
from qingjing.desk.entries import InputError, Problem, purposes_names, told
from qingjing.desk.ports import Ledger
from qingjing.desk.send import Desk
from qingjing.kernel import facts as f
from qingjing.kernel.chain import leaf_hash
from qingjing.kernel.note import Key
from qingjing.kernel.standing import grade
from qingjing.kernel.vector import GroundsState
from qingjing.kernel.words import Phone

ATTESTED: Final = b"qingjing.receipt/1\n"
"""How the signed bytes begin: no checkpoint does."""

SMS_MAX: Final = 70
"""Characters of one SMS in UCS-2 (GSM 03.38)."""

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that is read as another."""
_READ_AS: Final = str.maketrans("ILO", "110", " -")
_LENGTH, _ROUNDS, _HALF = 12, 10, 30
"""Ten rounds, as in the Feistel networks of NIST SP 800-38G."""
_MASK: Final = (1 << _HALF) - 1
_POSITION_BITS: Final = 32


class State(NamedTuple):
    """What became of a consent or refusal since. Times are epoch ms, 0 for none.

    ``kind`` is consent, request or refusal; ``who`` the sender or group; ``state`` how it holds
    now: ``in force``, ``expired``, ``refused`` (withdrawn), ``lifted``, ``ended`` or ``weak``.
    """

    position: int
    kind: str
    who: str
    purposes: tuple[str, ...]
    at: int
    until: int
    state: str
    zh: str
    en: str


class Receipt(NamedTuple):
    """A receipt: signed JSON, code, and the same in words. ``sms`` has no signature in 【】."""

    json: str
    code: str
    sms: str
    state: State


_STATES: Final = {
    "in force": ("有效", "in force"),
    "expired": ("已到期", "expired"),
    "refused": ("已撤回(已拒收)", "withdrawn: the person refused since"),
    "lifted": ("已由本人解除", "lifted by the person's own act"),
    "ended": ("已终止", "ended"),
    "weak": ("已记录,但不足以作为发送依据", "recorded, but no ground for marketing"),
}
_SOUND: Final = (GroundsState.CONSENT, GroundsState.REQUEST)


def code_of(ledger: Ledger, position: int) -> str:
    """The code of a fact, in three groups of four; InputError beyond 2**32 facts."""
    if position >= 1 << _POSITION_BITS:
        raise _wrong("fact", f"{position} is beyond what a code can name", "use the JSON")
    word = _permuted(ledger, position, range(_ROUNDS))
    text = "".join(_ALPHABET[word >> shift & 31] for shift in range(55, -1, -5))
    return "-".join(text[at : at + 4] for at in range(0, _LENGTH, 4))


def _permuted(ledger: Ledger, word: int, rounds: range) -> int:
    """The Feistel network over two halves of 30 bits; the rounds backwards undo it."""
    key = ledger.heads.derived(b"receipt code")
    left, right = word >> _HALF, word & _MASK
    if rounds.step < 0:
        left, right = right, left
    for at in rounds:
        digest = hmac.digest(key, bytes([at]) + right.to_bytes(4, "big"), hashlib.sha256)
        left, right = right, left ^ (int.from_bytes(digest[:4], "big") & _MASK)
    if rounds.step < 0:
        left, right = right, left
    return left << _HALF | right


def check(ledger: Ledger, code: str, at: int) -> State | None:
    """What a code stands for, at a time (epoch ms), without number; None when it is none's."""
    text = code.upper().translate(_READ_AS)
    if len(text) != _LENGTH or any(one not in _ALPHABET for one in text):
        return None
    word = 0
    for one in text:
        word = word << 5 | _ALPHABET.index(one)
    position = _permuted(ledger, word, range(_ROUNDS - 1, -1, -1))
    if not 0 < position < 1 << _POSITION_BITS:
        return None
    recorded = ledger.fact(position)
    return None if recorded is None else _state(ledger, recorded, at)


def _state(ledger: Ledger, recorded: f.Recorded, at: int) -> State | None:
    """How a consent or refusal holds now; None for any other fact."""
    match recorded.fact:
        case f.ConsentRecorded() as fact:
            party = ledger.register.party(fact.sender)
            group = party.group if party else fact.sender
            refused = {group, f.ALL_GROUPS} & refusals(ledger, fact.handle).keys()
            known = ledger.standings.person(fact.handle, fact.sender, group).grounds
            own = next((one for one in known if one.position == recorded.position), None)
            state = "refused" if refused else "ended"
            if own is not None and not refused:
                graded = grade(own, own.purposes, at)
                expired = graded is GroundsState.EXPIRED
                state = "in force" if graded in _SOUND else "expired" if expired else "weak"
            until = fact.given_at + fact.term_s * 1000 if fact.term_s else 0
            kind = "request" if fact.act.value == "requested" else "consent"
            purposes = purposes_names(fact.purposes)
            return _told(recorded, kind, fact.sender, purposes, fact.given_at, until, state)
        case f.RefusalRecorded() as fact:
            held = refusals(ledger, fact.handle).get(fact.group)
            state = "lifted" if held is None or held < recorded.at else "in force"
            return _told(recorded, "refusal", fact.group, (), recorded.at, 0, state)
        case _:
            return None


def _told(
    recorded: f.Recorded,
    kind: str,
    who: str,
    purposes: tuple[str, ...],
    at: int,
    until: int,
    state: str,
) -> State:
    everyone = who == f.ALL_GROUPS
    zh_what = {"consent": "同意接收", "request": "要求接收", "refusal": "拒收"}[kind]
    zh = f"{told(at)}{zh_what}{'一切主体' if everyone else who}的营销短信"
    en = f"{kind.capitalize()} of {told(at)}: {'every sender' if everyone else who}"
    if purposes:
        zh, en = f"{zh}({'、'.join(purposes)})", f"{en}, for {', '.join(purposes)}"
    if until:
        zh, en = f"{zh},有效至{told(until)}", f"{en}, until {told(until)}"
    zh_state, en_state = _STATES[state]
    zh, en = f"{zh}:{zh_state}", f"{en}: {en_state}"
    return State(recorded.position, kind, who, purposes, at, until, state, zh, en)


def make(desk: Desk, phone: Phone, sender: str, group: str, at: int, page: str) -> Receipt:
    """The receipt of a person's newest consent to a sender, or refusal of a group.

    ``page`` is where the code can be looked up, for the SMS. InputError when there is none; an
    imported consent has none of its own.
    """
    ledger = desk.ledger
    for recorded in reversed(ledger.facts_of(ledger.find(phone).handle)):
        match recorded.fact:
            case f.ConsentRecorded(sender=name) if name == sender:
                return _receipt(ledger, recorded, at, page)
            case f.RefusalRecorded(group=name) if name == group:
                return _receipt(ledger, recorded, at, page)
            case _:
                pass
    problem = f"nothing of this person towards {sender or group!r} was recorded one by one"
    raise _wrong("number", problem, "see `qingjing consent show`")


def look(desk: Desk, code: str, at: int) -> State | None:
    """``check`` as a verb of the desk."""
    return check(desk.ledger, code, at)


def _receipt(ledger: Ledger, recorded: f.Recorded, at: int, page: str) -> Receipt:
    state = _state(ledger, recorded, at)
    assert state is not None
    code = code_of(ledger, recorded.position)
    body = _body(ledger, recorded, state)
    signature = ledger.heads.attest((ATTESTED + canonical(body)).decode())
    signed = {"receipt": body, "signature": signature}
    return Receipt(canonical(signed).decode(), code, _sms(ledger, state, code, page), state)


def canonical(value: Any) -> bytes:
    """Canonical JSON (RFC 8785) of texts, whole numbers, lists and objects with ASCII names."""
    return msgspec.json.encode(value, order="sorted")


def _body(ledger: Ledger, recorded: f.Recorded, state: State) -> dict[str, Any]:
    """The fields, named after ISO/IEC TS 27560:2023 where it has them."""
    fact, party = recorded.fact, ledger.register.party(state.who)
    assert isinstance(fact, f.ConsentRecorded | f.RefusalRecorded)
    name = {"party_name": party.name, "credit_code": party.credit_code} if party else {}
    found: dict[str, Any] = {
        "schema_version": "qingjing.receipt/1, after ISO/IEC TS 27560:2023",
        "record_id": recorded.position,
        "pii_principal_id": f"{fact.handle:016x}",
        "parties": [{"party_id": state.who, "party_role": "pii_controller", **name}],
        "event": {
            "event_type": state.kind,
            "event_state": "withdrawn" if state.kind == "refusal" else "given",
            "event_time": state.at,
            "recorded_at": recorded.at,
            "collection_method": fact.door.value,
        },
        "withdrawal_method": "reply T, or refuse on the person's pages; free, at any time",
        "log": {"position": recorded.position, "leaf": _leaf(ledger, recorded.position)},
    }
    if isinstance(fact, f.ConsentRecorded):
        found["event"]["consent_type"] = fact.act.value
        found["event"]["validity_duration"] = fact.term_s
        found["privacy_notice"] = {"wording": fact.wording, "shown": fact.shown}
        found["purposes"] = [
            {"purpose": one, "lawful_basis": "consent"} for one in state.purposes
        ]
        found["frequency"] = {"count": fact.per_count, "days": fact.per_days}
    return found


def _leaf(ledger: Ledger, position: int) -> str:
    return leaf_hash(ledger.encoded(position) or b"").hex()


def _sms(ledger: Ledger, state: State, code: str, page: str) -> str:
    """One SMS; InputError when it does not fit, which only a long name or address makes."""
    party, day = ledger.register.party(state.who), told(state.at)[:10]
    name = party.name if party else "一切主体" if state.who == f.ALL_GROUPS else state.who
    verb = {"consent": "同意接收", "request": "要求接收", "refusal": "已拒收"}[state.kind]
    plain = code.replace("-", "")
    text = f"您{day}{verb}{name}营销短信。凭证{plain}" + (f",查验{page}" if page else "")
    if len(text) > SMS_MAX:
        problem = f"the SMS would have {len(text)} characters"
        raise _wrong("page", problem, f"give a shorter address: {SMS_MAX} are one SMS")
    return text


class Checked(NamedTuple):
    """A signed receipt that was checked: what it says, and the problem if it does not hold."""

    body: dict[str, Any]
    problem: str


def verify(data: bytes, key: Key) -> Checked:
    """Check a signed receipt off-line. Total: whatever the bytes, the answer is a value."""
    try:
        found: Any = msgspec.json.decode(data.strip())
        body, signature = found["receipt"], msgspec.convert(found["signature"], bytes)
        whole = canonical(found) == data.strip() and set(found) == {"receipt", "signature"}
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KeyError, TypeError):
        return Checked({}, "not a receipt")
    if not whole:
        return Checked({}, "not in its one canonical form")
    if not ed25519_verify(key.public_key, signature, ATTESTED + canonical(body)):
        return Checked({}, f"{key.name} did not sign it, or it was changed")
    return Checked(body, "")


def _wrong(field: str, problem: str, remedy: str) -> InputError:
    return InputError([Problem("", field, problem, remedy)])
