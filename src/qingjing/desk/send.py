"""Decide: everything that one tick brought in, read, looked up, decided and recorded at once.

The columnar form of ``gate.decide``. What many messages share is worked out once (``paths``);
what is each person's own is probed in batches; the policy is the rulebook's compiled table.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qingjing.desk import askings, caps, evidence, paths
from qingjing.desk.edition import edition
from qingjing.desk.entries import DAY_MS
from qingjing.desk.filings import used_mark
from qingjing.desk.paths import COMBINED, LaneKey, Paths, Submit
from qingjing.desk.ports import Bools, Ledger, Places, Scopes, Transaction, U32s, U64s
from qingjing.desk.texts import Reader, Text
from qingjing.kernel import facts as f
from qingjing.kernel.batch import Column, Policy, cases
from qingjing.kernel.dossier import hour_state
from qingjing.kernel.facts import LaneUsed, MessagesDecided
from qingjing.kernel.fold import ABSENT, fold_columns
from qingjing.kernel.numbers import carrier_of
from qingjing.kernel.register import Lane
from qingjing.kernel.rows import DECIDED, FAILURES_ONLY, SHADOW, WANTS_REPORT, rows_root
from qingjing.kernel.rulebook import Rulebook, choose
from qingjing.kernel.vector import AskingState
from qingjing.kernel.words import Carrier, Category, NumberState, Phone, Verdict


class Decided(NamedTuple):
    """A decided batch: rows in the order of the submits, and the lists they point into."""

    at: int
    rows: NDArray[Any]
    lanes: list[Lane]
    texts: list[Text]
    marketing: Bools


class NoRulebookError(Exception):
    """No rulebook is in force, so nothing can be decided: ``qingjing rulebook adopt``."""


class Desk:
    """What deciding keeps between batches: read texts, resolved lanes, compiled rulebooks."""

    def __init__(
        self,
        ledger: Ledger,
        reader: Reader,
        node: int,
        carrier_of: Callable[[Phone], Carrier] = carrier_of,
    ) -> None:
        self.ledger = ledger
        self.carrier_of = carrier_of
        """The network of a number; another look-up than the prefix knows those that moved."""
        self.reader = reader
        self.node = node
        self._lanes: dict[LaneKey, Lane] = {}
        self._lanes_at = -1
        self._latest = 0
        self._policies: dict[str, Policy] = {}
        self._next = max(ledger.marked("message"), node << 48) + 1

    def policy(self, at: int) -> Policy:
        """The compiled rulebook in force at a time."""
        book = choose(self.ledger.books, at)
        if book is None:
            raise NoRulebookError(f"no adopted rulebook is in force at {at} (epoch ms)")
        policy = self._policies.get(book.name)
        if policy is None or policy.book is not book:
            policy = self._policies[book.name] = Policy(book)
        return policy

    def lane(self, key: LaneKey, at: int) -> Lane:
        """``Register.lane``, remembered until the register changes, the lane ends, or the
        clock is set back."""
        if self._lanes_at != self.ledger.register.position or at < self._latest:
            self._lanes.clear()
            self._lanes_at = self.ledger.register.position
        self._latest = at
        lane = self._lanes.get(key)
        if lane is None or at >= lane.until:
            lane = self._lanes[key] = self.ledger.register.lane(*key, at)
        return lane

    def take_ids(self, count: int) -> int:
        """The first of ``count`` new message ids."""
        first = self._next
        self._next += count
        return first


class _Batch:
    """One batch in columns, from submits to rows."""

    def __init__(self, desk: Desk, submits: Sequence[Submit], at: int) -> None:
        self.desk, self.submits, self.at = desk, submits, at
        self.policy = desk.policy(at)
        self.paths = Paths(self.policy.book, at, desk.lane, desk.reader.text)
        places = np.array([self.paths.place(s) for s in submits], dtype=np.intp)
        self.lane_at: Places = np.ascontiguousarray(places[:, 0])
        self.text_at: Places = places[:, 1]
        self.fields = np.array(self.paths.fields, dtype=np.int64)[places[:, 2]]
        phones = np.array([s.phone or 0 for s in submits], dtype=np.uint64)
        self.handles: U64s = desk.ledger.standings.handles(phones)
        self.marketing: Bools = self.fields[:, paths.MARKETING].astype(np.bool_)
        self.columns: dict[str, Column] = {
            name: self.fields[:, i] for i, name in enumerate(COMBINED)
        }
        self.columns |= {"hour": int(hour_state(at, self.policy.book)), "gap": 0}
        self.columns |= dict.fromkeys(caps.CAPS, 0)
        self.resting = self._look_up(phones)
        self._ask()
        self._count()

    def _look_up(self, phones: U64s) -> U32s:
        """Fill grounds and number; the terms row that each message rests on."""
        standings = self.desk.ledger.standings
        lanes = self.paths.lanes
        scopes = Scopes([x.sender for x in lanes], [x.group for x in lanes], self.lane_at)
        probed = standings.probe(self.handles, scopes)
        state, resting = fold_columns(
            standings.terms,
            probed.refused,
            probed.unclear,
            probed.terms,
            probed.given_s,
            self.fields[:, paths.CATEGORY_BIT],
            self.at,
        )
        self.columns["grounds"] = state
        invalid = np.uint8(NumberState.INVALID)
        self.columns["number"] = np.where(phones == 0, invalid, probed.number)
        return resting

    def _ask(self) -> None:
        """Was the person asked before? Askings are few: only theirs are looked up."""
        asking = np.flatnonzero(self.fields[:, paths.ASKING])
        if not asking.size:
            return
        groups, topics = self._topics(asking)
        asked = self.desk.ledger.standings.asked(self.handles[asking], groups, topics)
        asked |= askings.asked(self.desk.ledger, self.handles[asking], self._open(asking))
        # Twice in one batch is asking twice: all but the first of a kind count as asked.
        seen: dict[tuple[int, str], set[int]] = {}
        keys = zip(self.handles[asking].tolist(), groups, topics.tolist(), strict=True)
        for place, (handle, group, topic) in enumerate(keys):
            before = seen.setdefault((handle, group), set())
            same = before & {topic, int(Category.OTHER)} if topic else before
            asked[place] |= bool(same)
            before.add(topic)
        states = np.array(self.columns["asking"])
        states[asking[asked]] = AskingState.REPEATED
        self.columns["asking"] = states

    def _open(self, which: Places) -> list[f.Recorded | None]:
        """The opened asking that each of these messages puts, word for word."""
        paths = zip(self.lane_at[which].tolist(), self.text_at[which].tolist(), strict=True)
        lanes, texts = self.paths.lanes, self.paths.texts
        found = {
            path: askings.find(self.desk.ledger, lanes[path[0]], texts[path[1]].body)
            for path in set(paths)
        }
        pairs = zip(self.lane_at[which].tolist(), self.text_at[which].tolist(), strict=True)
        return [found[pair] for pair in pairs]

    def _topics(self, which: Places) -> tuple[list[str], U64s]:
        groups = [self.paths.lanes[place].group for place in self.lane_at[which]]
        return groups, self.fields[which, paths.CATEGORY].astype(np.uint64)

    def _count(self) -> None:
        """Reserve the caps for what would pass otherwise, in the order of the batch."""
        if not self.marketing.any():
            return
        commit = self.marketing & (self.policy.reasons(self.columns, len(self.submits)) == 0)
        over = caps.reserve(
            self.desk.ledger.standings,
            self.paths.lanes,
            self.lane_at,
            self.handles,
            self._limits(self.policy.book),
            self.policy.book,
            commit,
            self.at,
        )
        self.columns |= {name: (hit & self.marketing).astype(int) for name, hit in over.items()}

    def _limits(self, book: Rulebook) -> tuple[caps.Limit, ...]:
        """The limit of the consent, of the house, of the carrier."""
        size = len(self.submits)
        known = self.resting != ABSENT
        terms = self.desk.ledger.standings.terms[self.resting[known]]
        consent = caps.Limit(np.zeros(size, np.uint16), np.zeros(size, np.uint32))
        consent.most[known] = terms["per_count"]
        consent.window_s[known] = terms["per_days"].astype(np.uint32) * np.uint32(86_400)
        house = caps.Limit(
            np.full(size, book.house_cap.count, np.uint16),
            np.full(size, book.house_cap.window_h * 3600, np.uint32),
        )
        carrier = caps.Limit(
            self.fields[:, paths.CAP_COUNT].astype(np.uint16),
            (self.fields[:, paths.CAP_WINDOW_H] * 3600).astype(np.uint32),
        )
        return consent, house, carrier

    def rows(self) -> NDArray[Any]:
        """The batch as records, but for ids and commitments."""
        size = len(self.submits)
        reasons = self.policy.reasons(self.columns, size)
        rows = np.zeros(size, dtype=DECIDED)
        rows["submitted_at"] = self.at
        rows["handle"] = self.handles
        rows["reference"] = [s.references[0] for s in self.submits]
        rows["case"] = cases(self.columns, size)
        rows["reasons"] = reasons
        known = self.resting != ABSENT
        positions = self.desk.ledger.standings.terms["position"]
        rows["grounds"][known] = positions[self.resting[known]]
        rows["lane"], rows["text"] = self.lane_at, self.text_at
        rows["verdict"] = self.policy.verdicts(reasons)
        rows["parts"] = [len(s.references) for s in self.submits]
        shadowed = self.desk.ledger.register.shadowed
        rows["flags"] = [
            s.wants_report * WANTS_REPORT
            + s.failures_only * FAILURES_ONLY
            + (s.account in shadowed and s.phone is not None) * SHADOW
            for s in self.submits
        ]
        return rows

    def remember_askings(self, rows: NDArray[Any], t: Transaction) -> None:
        """A passed asking is remembered: silence is refusal, and it is not put again. One that
        was opened is noted, so that its answer is known as such."""
        asking = self.fields[:, paths.ASKING].astype(np.bool_)
        passed = np.flatnonzero(asking & (rows["verdict"] == Verdict.PASS))
        if passed.size:
            groups, topics = self._topics(passed)
            self.desk.ledger.standings.note_asked(self.handles[passed], groups, topics)
            askings.note(t, rows[passed], self._open(passed))


def decide(desk: Desk, submits: Sequence[Submit], t: Transaction) -> Decided:
    """Decide a batch and record it as one fact; rows are in the order of ``submits``.

    The door answers only after the transaction has committed. NoRulebookError when no book is
    in force.
    """
    batch = _Batch(desk, submits, t.at)
    rows = batch.rows()
    first = desk.take_ids(len(rows))
    rows["message"] = np.arange(len(rows), dtype=np.uint64) + np.uint64(first)
    _record(desk, batch, rows, t)
    batch.remember_askings(rows, t)
    return Decided(t.at, rows, batch.paths.lanes, batch.paths.texts, batch.marketing)


def _record(desk: Desk, batch: _Batch, rows: NDArray[Any], t: Transaction) -> None:
    """One fact for the batch, its rows beside it, numbers and texts under seal."""
    shared = batch.paths
    sealed = evidence.Sealed(
        salt=desk.reader.salt(),
        phones=[int(s.phone or 0) for s in batch.submits],
        originals=[s.original for s in batch.submits],
        bodies=[text.body for text in shared.texts],
        body_salts=[text.salt for text in shared.texts],
        references={
            place: list(s.references)
            for place, s in enumerate(batch.submits)
            if len(s.references) > 1
        },
    )
    rows["original"] = np.frombuffer(evidence.commitments(sealed), dtype="V16")
    cipher = desk.ledger.seal(evidence.pack(sealed), evidence.CONTEXT)
    data = rows.tobytes()
    fact = MessagesDecided(
        node=str(desk.node),
        rulebook=batch.policy.book.name,
        rulebook_digest=desk.ledger.rulebook_digest(batch.policy.book),
        reader=edition(),
        first_message=int(rows["message"][0]),
        count=len(rows),
        passed=int((rows["verdict"] == Verdict.PASS).sum()),
        rows_root=rows_root(data, DECIDED.itemsize),
        sealed_hash=hashlib.sha256(cipher).digest(),
        lanes=tuple(map(_lane_used, shared.lanes, shared.accounts)),
        texts=tuple(text.record for text in shared.texts),
    )
    t.attach(t.append(fact), data, cipher)
    desk.ledger.mark("message", int(rows["message"][-1]))
    for place in np.unique(rows["lane"][rows["verdict"] == Verdict.PASS]).tolist():
        lane = shared.lanes[place]
        # By the day, so that most batches write nothing: see ``filings.lapse``.
        desk.ledger.mark(used_mark(lane.carrier, lane.signature), t.at - t.at % DAY_MS)


def _lane_used(lane: Lane, account: str) -> LaneUsed:
    return LaneUsed(
        account=account,
        submitter=lane.submitter,
        sender=lane.sender,
        group=lane.group,
        port=lane.port,
        signature=lane.signature,
        carrier=lane.carrier,
        kinds=lane.kinds,
        grant=lane.grant,
        facts=lane.facts,
    )
