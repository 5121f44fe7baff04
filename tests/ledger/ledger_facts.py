"""Ledgers and facts for the tests of this room: places, builders, random histories."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from qingjing.kernel import facts as f
from qingjing.kernel.rows import DECIDED, MOVE, Moved, rows_root
from qingjing.kernel.vector import GroundsState, Vector, case_number
from qingjing.kernel.words import (
    Act,
    Carrier,
    Category,
    Door,
    Kind,
    NumberState,
    PartyRole,
    Phone,
    ReplyMeaning,
    Verdict,
)
from qingjing.ledger import memory, sqlite
from qingjing.ledger.core import Ledger, Transaction
from qingjing.ledger.vault import KeyFile, Vault

AT = 1_777_600_000_000
ORIGIN = "qingjing/test"
KEYS = KeyFile.generate("qingjing.test/log")
ANNA, BO = Phone.parse("13800138000"), Phone.parse("13900139000")
BOOK = Path(__file__).parents[2] / "src/qingjing/rulebooks/order74-2026.toml"


class Place:
    """Somewhere a ledger lives: opened, closed and opened again under the same keys."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind, self.folder = kind, folder
        self.vault = Vault(KEYS)
        self.imports = folder / sqlite.IMPORTS
        self.imports.mkdir(parents=True)
        self._store = memory.MemoryStore()

    def open(self) -> Ledger:
        """The ledger as a start of the program would open it."""
        if self.kind == "sqlite":
            return sqlite.open_ledger(self.folder, self.vault, origin=ORIGIN).ledger
        return memory.open_ledger(
            self.vault, origin=ORIGIN, imports=self.imports, store=self._store
        )

    async def reopen(self, ledger: Ledger) -> Ledger:
        """Closed without a snapshot and opened again: everything is folded anew."""
        await ledger.close()
        return self.open()


def record(ledger: Ledger, *facts: f.Fact, at: int = AT) -> list[int]:
    """Append facts in one transaction; their positions."""

    async def go() -> list[int]:
        """The transaction."""
        async with ledger.transaction(at) as t:
            return [t.append(fact) for fact in facts]

    return asyncio.run(go())


def within(ledger: Ledger, work: Callable[[Transaction], Any], at: int = AT) -> Any:
    """Do something in one transaction; what it gave."""

    async def go() -> Any:
        """The transaction."""
        async with ledger.transaction(at) as t:
            return work(t)

    return asyncio.run(go())


def party(name: str = "m1", group: str = "g1") -> f.PartyRegistered:
    """A merchant."""
    return f.PartyRegistered(
        party=name, name=name, role=PartyRole.MERCHANT, credit_code="", group=group
    )


def consent(ledger: Ledger, phone: Phone = ANNA, **change: Any) -> f.ConsentRecorded:
    """A consent of a person to sender m1 for retail, with changes."""
    person = ledger.find(phone)
    fields: dict[str, Any] = {
        "person": person.key,
        "handle": person.handle,
        "sender": "m1",
        "purposes": Category.RETAIL.bit,
        "act": Act.TICKED,
        "door": Door.WEB,
        "given_at": AT - 60_000,
        "shown": "ab",
    }
    return f.ConsentRecorded(**fields | change)


def refusal(ledger: Ledger, phone: Phone = ANNA, group: str = "g1") -> f.RefusalRecorded:
    """A refusal of a person towards a group."""
    person = ledger.find(phone)
    return f.RefusalRecorded(
        person=person.key, handle=person.handle, group=group, door=Door.REPLY
    )


def reply(ledger: Ledger, meaning: ReplyMeaning, phone: Phone = ANNA) -> f.ReplyHeard:
    """A reply of a person to group g1."""
    person = ledger.find(phone)
    return f.ReplyHeard(
        person=person.key,
        handle=person.handle,
        port="1069",
        group="g1",
        meaning=meaning,
        words=b"?",
    )


def decided(
    ledger: Ledger,
    t: Transaction,
    first: int,
    count: int,
    *,
    kind: Kind = Kind.COMMERCIAL,
    phone: Phone = ANNA,
) -> int:
    """Record a batch of passed messages to one person, as the desk would; its position."""
    rows = np.zeros(count, dtype=DECIDED)
    rows["message"] = np.arange(first, first + count, dtype=np.uint64)
    rows["submitted_at"] = t.at
    rows["handle"] = ledger.find(phone).handle
    rows["case"] = case_number(Vector(kind, kind, GroundsState.CONSENT))
    rows["verdict"] = Verdict.PASS
    sealed = ledger.seal(b"numbers and texts", b"test")
    lane = f.LaneUsed(
        account="a",
        submitter="m1",
        sender="m1",
        group="g1",
        port="1069",
        signature="s",
        carrier=Carrier.MOBILE,
        kinds=8,
        grant="",
        facts=(),
    )
    text = f.TextRead(
        commitment=b"",
        kind=int(kind),
        category=int(Category.RETAIL),
        signature="s",
        notice="",
        confidence=1.0,
        template_key=0,
    )
    fact = f.MessagesDecided(
        node="1",
        rulebook="b",
        first_message=first,
        count=count,
        passed=count,
        rows_root=rows_root(rows.tobytes(), DECIDED.itemsize),
        sealed_hash=hashlib.sha256(sealed).digest(),
        lanes=(lane,),
        texts=(text,),
    )
    position = t.append(fact)
    t.attach(position, rows.tobytes(), sealed)
    return position


def moved(t: Transaction, *messages: int, what: Moved = Moved.RELEASED) -> int:
    """Record a batch of moves; its position."""
    rows = np.zeros(len(messages), dtype=MOVE)
    rows["message"], rows["at"], rows["what"] = messages, t.at, what
    data = rows.tobytes()
    root = rows_root(data, MOVE.itemsize)
    position = t.append(f.MessagesMoved(node="1", count=len(messages), rows_root=root))
    t.attach(position, data, b"")
    return position


# --- Folding: live, anew, and in two parts ------------------------------------------------

PHONES = [Phone(13_800_138_000 + i) for i in range(4)]
SENDERS = {"m1": "g1", "m2": "g1", "m3": "g2"}

Step = Callable[[Ledger, Transaction], None]


def _person(name: str, **fields: Any) -> Callable[[int], Step]:
    kind = {cls.__name__: cls for cls in f.KINDS.values()}[name]

    def of(place: int) -> Step:
        def step(_ledger: Ledger, t: Transaction) -> None:
            person = t.remember(PHONES[place])
            t.append(kind(person=person.key, handle=person.handle, **fields))

        return step

    return of


def sent(place: int, kind: Kind) -> Step:
    """A message as the desk sends it: counted and noted first, then recorded."""

    def step(ledger: Ledger, t: Transaction) -> None:
        first = ledger.marked("message") + 1
        position = decided(ledger, t, first, 1, kind=kind, phone=PHONES[place])
        fact = t_fact(ledger, position)
        ledger.standings.count(fact, ledger.batch(position).rows)
        ledger.mark("message", first)

    return step


def stopped(back: int) -> Step:
    """An earlier message is stopped at release: its reservation is given back."""

    def step(ledger: Ledger, t: Transaction) -> None:
        message = ledger.marked("message") - back
        batch = ledger.decided_batch(message) if message > 0 else None
        gone = {
            int(m)
            for b in ledger.moved_batches(message)
            for m in np.frombuffer(b.rows, dtype=MOVE)["message"]
        }
        if batch is None or message in gone:
            return
        position = moved(t, message, what=Moved.STOPPED)
        fact = t_fact(ledger, batch.recorded.position)
        found = (fact, batch.rows)
        ledger.standings.give_back(ledger.batch(position).rows, lambda _message: found)

    return step


def t_fact(ledger: Ledger, position: int) -> f.MessagesDecided:
    """The decided fact at a position."""
    recorded = ledger.fact(position)
    assert recorded is not None
    assert isinstance(recorded.fact, f.MessagesDecided)
    return recorded.fact


people = st.integers(0, len(PHONES) - 1)
consents = st.builds(
    lambda place, sender, purposes, act, given, term: _person(
        "ConsentRecorded",
        sender=sender,
        purposes=purposes,
        act=act,
        door=Door.WEB,
        given_at=AT - given,
        shown="ab",
        term_s=term,
    )(place),
    people,
    st.sampled_from(sorted(SENDERS)),
    st.sampled_from([2, 4, 0xFFFF]),
    st.sampled_from([Act.TICKED, Act.REQUESTED, Act.BUNDLED]),
    st.integers(0, 10_000_000),
    st.sampled_from([0, 3600]),
)
groups = st.sampled_from(["g1", "g2", f.ALL_GROUPS])
steps = st.one_of(
    consents,
    st.builds(
        lambda place, group: _person("RefusalRecorded", group=group, door=Door.REPLY)(place),
        people,
        groups,
    ),
    st.builds(
        lambda place, group: _person("RefusalLifted", group=group, door=Door.WEB)(place),
        people,
        groups,
    ),
    st.builds(
        lambda place, meaning, group: _person(
            "ReplyHeard", port="1069", group=group, meaning=meaning, words=b""
        )(place),
        people,
        st.sampled_from([ReplyMeaning.UNCLEAR, ReplyMeaning.HELP, ReplyMeaning.OPT_OUT]),
        st.sampled_from(["g1", "g2"]),
    ),
    st.builds(
        lambda place, state: _person("NumberNoted", state=state, source="carrier")(place),
        people,
        st.sampled_from(list(NumberState)),
    ),
    st.builds(sent, people, st.sampled_from([Kind.COMMERCIAL, Kind.ASKING, Kind.SERVICE])),
    st.builds(stopped, st.integers(0, 3)),
)


def known(ledger: Ledger) -> list[object]:
    """Everything that the standings answer about everyone in the tests."""
    standings = ledger.standings
    handles = standings.handles(np.array(PHONES, dtype=np.uint64))
    answers: list[object] = []
    for handle in handles.tolist():
        answers += [standings.person(handle, s, group) for s, group in SENDERS.items()]
    for group in ("g1", "g2"):
        for topic in range(3):
            topics = np.full(len(handles), topic, np.uint64)
            answers.append(standings.asked(handles, [group] * len(handles), topics).tolist())
    which = np.zeros(len(handles), np.intp)
    never = np.zeros(len(handles), np.bool_)
    size, uses = (3, len(handles)), [("c:m1", "h:g1", "k:MOBILE:s")]
    window, bind = np.full(size, 86_400, np.uint32), np.ones(3, np.bool_)
    for most in range(1, 6):
        limit = np.full(size, most, np.uint16)
        over = standings.reserve(
            uses, which, handles, AT // 1000 + 1, window, limit, bind, never
        )
        answers.append(over.tolist())
    return answers


def play(ledger: Ledger, chosen: list[Step]) -> None:
    """Each step in a transaction of its own."""
    for step in chosen:
        within(ledger, lambda t, step=step: step(ledger, t))  # type: ignore[misc]
