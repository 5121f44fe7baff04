"""The standings: what is known of every person, folded from the facts and probed in batches.

Consents and refusals stand in the index, counted messages in the tallies, what is rare (unclear
replies, askings, notes on numbers) in plain sets beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from qingjing.kernel import facts as f
from qingjing.kernel.fold import ABSENT, fold_columns
from qingjing.kernel.rulebook import Rulebook
from qingjing.kernel.standing import Grounds
from qingjing.kernel.words import NumberState, Phone, ReplyMeaning
from qingjing.ledger import bulk, counting, imports, keyhash
from qingjing.ledger.index import Index, Scopes
from qingjing.ledger.keyhash import HandleKey
from qingjing.ledger.rare import Rare
from qingjing.ledger.store import LedgerBroken, Reading
from qingjing.ledger.tally import CAPS, CapScopes, Tally
from qingjing.ledger.terms import Terms, TermsTable, terms_of

U64s = NDArray[np.uint64]
U32s = NDArray[np.uint32]
U16s = NDArray[np.uint16]
U8s = NDArray[np.uint8]
Bools = NDArray[np.bool_]
Places = NDArray[np.intp]

_HEAD: Final = "standings.msgpack"
_RARE: Final = "rare.msgpack"
_FRESH_MAX: Final = 1 << 16  # consents that wait to be entered, while a log is folded anew
_DAY_S: Final = 86_400
_U32: Final = 0xFFFFFFFF


class StandingColumns(NamedTuple):
    """What is known, a row a message; one column a candidate consent in the last two.

    ``terms`` are rows of ``StandingsFold.terms``, 0xFFFFFFFF where there is no candidate.
    """

    refused: Bools
    unclear: Bools
    number: U8s
    terms: U32s
    given_s: U32s


class PersonStanding(NamedTuple):
    """The same for one person and sender, with the consents spelled out."""

    refused: bool
    unclear: bool
    number: NumberState
    grounds: tuple[Grounds, ...]


class StandingsFold:
    """The fold. ``apply`` while a fact is recorded, ``replay`` when it is read again.

    ``changes`` counts every change, recorded or reserved: whoever has to undo looks at it.
    """

    def __init__(self, handle_key: bytes, folder: Path | None) -> None:
        """Nothing is known yet. ``folder`` holds the files that imports name."""
        self.position = 0
        self.changes = 0
        self._key = HandleKey(handle_key)
        self._folder = folder
        self._index = Index(self._key)
        self._tally = Tally()
        self._terms = TermsTable()
        self._fresh: list[tuple[str, int, int, Terms]] = []
        self._rare = Rare()
        self._window_s = 0

    @property
    def identity(self) -> int:
        """Names the handle key without giving it away."""
        return self._key.identity

    @property
    def terms(self) -> NDArray[Any]:
        """The consent terms, ``terms.TERMS`` records; a row stays what it is."""
        self._flush()
        return self._terms.rows

    def apply(self, recorded: f.Recorded) -> None:
        """Take one fact in. Decided and moved batches count nothing here: the desk has.

        LedgerBroken when the file of an import cannot be read.
        """
        fact = recorded.fact
        self.position = recorded.position
        match fact:
            case f.ConsentRecorded():
                given_s = min(max(fact.given_at // 1000, 1), _U32)
                self._look_back(fact.per_days * _DAY_S)
                terms = terms_of(recorded, fact)
                self._fresh.append((fact.sender, fact.handle, given_s, terms))
                if len(self._fresh) >= _FRESH_MAX:
                    self._flush()
            case f.ConsentsImported():
                rows = imports.read(self._folder, fact)
                self._look_back(fact.per_days * _DAY_S)
                self._flush()
                row = self._terms.add([terms_of(recorded, fact)])
                persons, given = (np.ascontiguousarray(rows[x]) for x in ("handle", "given_s"))
                self._index.add(persons, fact.sender, row, given)
            case f.RefusalRecorded():
                self._index.refuse(fact.handle, fact.group, recorded.at // 1000)
                self._rare.hear(fact.handle, fact.group, unclear=False)
            case f.RefusalLifted():
                self._index.lift(fact.handle, fact.group)
                self._rare.hear(fact.handle, fact.group, unclear=False)
            case f.ReplyHeard():
                if fact.meaning is not ReplyMeaning.HELP:  # it neither holds nor ends a hold
                    unclear = fact.meaning is ReplyMeaning.UNCLEAR
                    self._rare.hear(fact.handle, fact.group, unclear=unclear)
            case f.AskingPut():
                handles, topics = (np.array([x], np.uint64) for x in (fact.handle, fact.topic))
                self._rare.ask(handles, [fact.group], topics)
            case f.NumberNoted():
                self._rare.note_number(fact.handle, fact.state, recorded.position)
            case f.RulebookAdopted():
                self._look_back(_windows(fact))
            case _:
                return
        self.changes += 1

    def replay(self, recorded: f.Recorded, stored: Reading) -> None:
        """``apply`` for a fact that was recorded before, with what its batch counted then.

        LedgerBroken when the batch is missing.
        """
        self.apply(recorded)
        fact = recorded.fact
        if not isinstance(fact, f.MessagesDecided | f.MessagesMoved):
            return
        attached = stored.attached(recorded.position)
        if attached is None:
            raise LedgerBroken(
                f"the batch of fact {recorded.position} is missing", "restore it from a backup"
            )
        if isinstance(fact, f.MessagesDecided):
            self.count(fact, attached.rows)
        else:
            self.give_back(attached.rows, _finder(stored))

    def count(self, fact: f.MessagesDecided, rows: bytes) -> None:
        """Count what passed in a decided batch, and remember its askings.

        For whoever records a batch without having reserved: ``desk.send`` has.
        """
        for part in counting.counted(fact, rows):
            size = len(part.handles)
            self.reserve(
                part.uses,
                part.lane,
                part.handles,
                part.at_s,
                np.full((CAPS, size), self._window_s, np.uint32),
                np.zeros((CAPS, size), np.uint16),
                np.zeros(CAPS, np.bool_),
                np.ones(size, np.bool_),
            )
            asking = np.flatnonzero(part.asking)
            if asking.size:
                groups = [part.groups[place] for place in part.lane[asking].tolist()]
                self.note_asked(part.handles[asking], groups, part.topics[asking])

    def give_back(self, rows: bytes, find: counting.Find) -> None:
        """Give back what the stopped messages of a moved batch had reserved."""
        for part in counting.given_back(rows, find):
            at_s = np.full(len(part.handles), part.at_s, np.uint32)
            self.void(part.uses, part.lane, part.handles, at_s)

    def handle(self, phone: Phone) -> int:
        """The keyed handle of one number."""
        return keyhash.handle(self._key, phone)

    def handles(self, phones: U64s) -> U64s:
        """Keyed handles of eleven-digit numbers."""
        return keyhash.handles(self._key, phones)

    def probe(self, handles: U64s, scopes: Scopes) -> StandingColumns:
        """Everything that is known of these persons towards these senders and groups.

        Of several candidate consents the latest given comes first.
        """
        self._flush()
        refused, terms, given_s = self._index.probe(handles, scopes)
        if terms.shape[1] > 1:
            terms, given_s = _latest_first(terms, given_s)
        unclear = self._rare.unclear(handles, scopes.groups, scopes.which)
        number = np.zeros(handles.size, np.uint8)
        self._fall(handles, number, terms, given_s)
        return StandingColumns(refused, unclear, number, terms, given_s)

    def look_up(
        self, phones: U64s, sender: str, group: str, category_bit: int, at: int
    ) -> bulk.Known:
        """How each number of a campaign's list stands: ``probe`` and ``fold`` in one pass."""
        self._flush()
        campaign = self._index.campaign(sender, group)
        known = bulk.look_up(campaign, self._terms.rows, phones, category_bit, at)
        if self._rare.any_odd(group):  # unclear replies and noted numbers are looked up apart
            handles = self.handles(phones)
            places = self._rare.odd(handles, group)
            scopes = _One((sender,), (group,), np.zeros(places.size, np.intp))
            found = self.probe(handles[places], scopes)
            state, _resting = fold_columns(
                self._terms.rows,
                found.refused,
                found.unclear,
                found.terms,
                found.given_s,
                np.full(places.size, category_bit),
                at,
            )
            known.grounds[places], known.number[places] = state, found.number
        return known

    def person(self, handle: int, sender: str, group: str) -> PersonStanding:
        """One probe, with the consents spelled out, the latest first."""
        found = self.probe(np.array([handle], np.uint64), _One((sender,), (group,), _FIRST))
        there = found.terms[0] != ABSENT
        pairs = zip(
            found.terms[0][there].tolist(), found.given_s[0][there].tolist(), strict=True
        )
        return PersonStanding(
            bool(found.refused[0]),
            bool(found.unclear[0]),
            NumberState(int(found.number[0])),
            tuple(self._terms.grounds(row, given_s) for row, given_s in pairs),
        )

    def asked(self, handles: U64s, groups: Sequence[str], topics: U64s) -> Bools:
        """Was this person asked by this group about this topic before?"""
        return self._rare.asked(handles, groups, topics)

    def note_asked(self, handles: U64s, groups: Sequence[str], topics: U64s) -> None:
        """Remember askings that were passed."""
        self.changes += 1
        self._rare.ask(handles, groups, topics)

    def reserve(
        self,
        uses: Sequence[CapScopes],
        which: Places,
        handles: U64s,
        now_s: int,
        window_s: U32s,
        most: U16s,
        binding: Bools,
        commit: Bools,
    ) -> Bools:
        """Count marketing messages in order: see ``Tally.reserve``."""
        self.changes += bool(commit.any())
        return self._tally.reserve(uses, which, handles, now_s, window_s, most, binding, commit)

    def void(self, uses: Sequence[CapScopes], which: Places, handles: U64s, at_s: U32s) -> None:
        """Give back reservations made at these times: the message did not leave."""
        self.changes += 1
        self._tally.void(uses, which, handles, at_s)

    def save(self, folder: Path) -> None:
        """Write everything to files in a folder."""
        self._flush()
        self._index.save(folder)
        self._tally.save(folder)
        self._rare.save(folder / _RARE)
        head = _Head(self.position, self._window_s, self._terms.tobytes())
        (folder / _HEAD).write_bytes(msgspec.msgpack.encode(head))

    @classmethod
    def load(cls, folder: Path, handle_key: bytes, imports: Path | None) -> StandingsFold:
        """Read what ``save`` wrote, under the same key.

        OSError, ValueError or msgspec.MsgspecError when it is damaged.
        """
        standings = cls(handle_key, imports)
        standings._index.load(folder)
        standings._tally.load(folder)
        standings._rare = Rare.load(folder / _RARE)
        head = msgspec.msgpack.decode((folder / _HEAD).read_bytes(), type=_Head)
        standings.position, standings._window_s = head.position, head.window_s
        standings._terms = TermsTable(head.terms)
        return standings

    def _look_back(self, window_s: int) -> None:
        """Counts must be kept for as long as the longest window of any cap or consent."""
        self._window_s = min(max(self._window_s, window_s), _U32)

    def _flush(self) -> None:
        """Enter the consents of single persons: one look at the index for many facts."""
        if not self._fresh:
            return
        fresh, self._fresh = self._fresh, []
        first = self._terms.add([terms for *_, terms in fresh])
        senders: dict[str, list[tuple[int, int, int]]] = {}
        for row, (sender, handle, given_s, _terms) in enumerate(fresh, first):
            senders.setdefault(sender, []).append((handle, row, given_s))
        for sender, entries in senders.items():
            handles, rows, times = zip(*entries, strict=True)
            self._index.add(
                np.array(handles, np.uint64),
                sender,
                np.array(rows, np.uint64),
                np.array(times, np.uint32),
            )

    def _fall(self, handles: U64s, number: U8s, terms: U32s, given_s: U32s) -> None:
        """Fill in the numbers' states; consents from before a number fell are no candidates."""
        for place in self._rare.noted(handles):
            noted = self._rare.number(int(handles[place]))
            number[place] = noted.state
            there = np.flatnonzero(terms[place] != ABSENT)
            gone = there[self._terms.rows["position"][terms[place, there]] < noted.fallen]
            terms[place, gone] = given_s[place, gone] = ABSENT


class _Head(msgspec.Struct, frozen=True, array_like=True):
    """The file that goes with the tables: ``terms`` is ``TermsTable.tobytes``."""

    position: int
    window_s: int
    terms: bytes


class _One(NamedTuple):
    senders: Sequence[str]
    groups: Sequence[str]
    which: Places


_FIRST: Final = np.zeros(1, np.intp)


def _windows(fact: f.RulebookAdopted) -> int:
    """The longest window of a rulebook's caps, in seconds."""
    book = msgspec.json.decode(fact.rulebook, type=Rulebook)
    caps = (book.house_cap, *(rule.cap for rule in book.carriers))
    return max(cap.window_h for cap in caps) * 3600


def _latest_first(terms: U32s, given_s: U32s) -> tuple[U32s, U32s]:
    """Columns in an order that depends on the consents alone, not on how the table grew."""
    word = given_s.astype(np.uint64) << np.uint64(32) | terms
    order = np.argsort(np.where(terms == ABSENT, ~np.uint64(0), ~word), axis=1, kind="stable")
    return np.take_along_axis(terms, order, axis=1), np.take_along_axis(given_s, order, axis=1)


def _finder(stored: Reading) -> counting.Find:
    """Decided batches by message, from what is stored."""

    def find(message: int) -> tuple[f.MessagesDecided, bytes] | None:
        position = stored.span(message)
        entry = None if position is None else stored.entry(position)
        attached = None if position is None else stored.attached(position)
        fact = None if entry is None else f.decode(entry.body).fact
        if attached is None or not isinstance(fact, f.MessagesDecided):
            return None
        return fact, attached.rows

    return find
