"""Messages by the API: into the same turn as everyone's, once for each idempotency key.

A request is noted before it is offered, with the ledger's position; its answer is noted after
the commit. What a crash leaves between the two is found in the ledger again, by the submitted
bytes: the same key never sends twice, and is answered with what was decided.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import structlog

from qingjing.desk import evidence
from qingjing.desk.ports import Batch, Ledger
from qingjing.desk.send import Desk
from qingjing.doors.api.admission import Guest
from qingjing.doors.api.problems import ApiError
from qingjing.doors.api.shapes import Answer, Answers, Message, Rule, Verdict
from qingjing.doors.api.store import Store
from qingjing.doors.gateway.dialect import Offer, Trouble
from qingjing.doors.gateway.engine import Engine
from qingjing.kernel import words
from qingjing.kernel.batch import names
from qingjing.kernel.facts import MessagesDecided
from qingjing.kernel.rows import DECIDED
from qingjing.kernel.rulebook import Rulebook
from qingjing.kernel.rules import BY_NAME
from qingjing.kernel.words import mask

_log = structlog.get_logger("qingjing.api")

VERDICTS: Final[dict[int, Verdict]] = {
    words.Verdict.PASS: "pass",
    words.Verdict.HOLD: "hold",
    words.Verdict.REFUSE: "refuse",
}
_FACTS_A_TURN: Final = 4
"""A turn records what was heard, then decisions, parts and moves: its decisions are among its
last three facts."""


_OURS: Final = b'{"api":1,'
"""How the submitted bytes of an API message begin."""


class Submitted(msgspec.Struct, frozen=True):
    """What is kept of one message as it was submitted: its own bytes, and by which request."""

    api: int
    key: str
    index: int
    message: msgspec.Raw


class Decision(NamedTuple):
    """What the ledger says of one message."""

    message: int
    verdict: int
    reasons: int


class Request(NamedTuple):
    """A request to send. ``parts`` are the bytes of each message as they came."""

    guest: Guest
    key: str
    digest: bytes
    messages: Sequence[Message]
    parts: Sequence[bytes]

    @property
    def name(self) -> tuple[str, str]:
        """An idempotency key belongs to its account."""
        return self.guest.account, self.key


class Recent:
    """The decisions of the turn that has just been committed, by the references given."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._at = 0
        self._found: dict[int, Decision] = {}

    def find(self, reference: int) -> Decision | None:
        """The decision under a reference; to be asked right after its turn's commit."""
        position = self._ledger.position
        if position != self._at:
            self._at, self._found = position, self._read(position)
        return self._found.get(reference)

    def _read(self, position: int) -> dict[int, Decision]:
        for place in reversed(self._ledger.batches_since(max(0, position - _FACTS_A_TURN))):
            batch = self._ledger.batch(place)
            if isinstance(batch.recorded.fact, MessagesDecided):
                rows = np.frombuffer(batch.rows, dtype=DECIDED)
                columns = (rows[name].tolist() for name in ("message", "verdict", "reasons"))
                found = map(Decision, *columns)
                return dict(zip(rows["reference"].tolist(), found, strict=True))
        return {}


class Collector:
    """The source of a request's offers: gathers their answers."""

    def __init__(self, recent: Recent, count: int) -> None:
        self._recent, self._left = recent, count
        self.found: dict[int, Decision | None] = {}
        self.all: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not count:
            self.all.set_result(None)

    def answer(
        self, token: Any, references: Sequence[int], outcomes: Sequence[int], at: int
    ) -> None:
        """One message's answer, after the commit; the ledger has its id."""
        del at  # the record has it
        outcome = outcomes[0]
        decided = outcome >= 0
        self.found[token] = (
            self._recent.find(references[0]) if decided else Decision(0, outcome, 0)
        )
        self._left -= 1
        if not self._left and not self.all.done():
            self.all.set_result(None)

    def flush(self) -> None:
        """Nothing is written here: whoever waits for ``all`` writes."""


class Sender:
    """Takes requests, answers each once."""

    def __init__(
        self,
        desk: Desk,
        engine: Engine,
        store: Store,
        when: Callable[[], int],
        answer_s: float,
        most: int,
    ) -> None:
        """``most``: messages that may wait for their decision, over all requests."""
        self._desk, self._engine, self._store = desk, engine, store
        self._when, self._answer_s, self._most = when, answer_s, most
        self._waiting = 0
        self._running: dict[tuple[str, str], tuple[bytes, asyncio.Task[Answers]]] = {}
        self._keeping: set[asyncio.Task[None]] = set()
        self._recent = Recent(desk.ledger)

    async def send(self, request: Request) -> Answers:
        """Decide and queue the messages of a request; the same answer for the same key.

        ApiError when the key stands for another request, or the answer is late or refused.
        """
        running = self._running.get(request.name)
        if running is None:
            rows = self._store.read(
                "SELECT digest, position, answer FROM answer WHERE account = ? AND key = ?",
                *request.name,
            )
            for digest, _position, answer in rows:
                _same(digest, request)
                if answer is not None:
                    return msgspec.json.decode(answer, type=Answers)
            if self._waiting + len(request.messages) > self._most:
                raise ApiError("slow-down", "too many messages wait for a decision", retry_s=1)
            noted = rows[0][1] if rows else None
            task = asyncio.ensure_future(self._run(request, noted))
            running = self._running[request.name] = (request.digest, task)
            task.add_done_callback(partial(self._decided, request))
        digest, task = running
        _same(digest, request)
        try:
            return await asyncio.wait_for(asyncio.shield(task), self._answer_s)
        except TimeoutError:
            task.add_done_callback(_looked_at)
            detail = "not decided yet: ask again with the same Idempotency-Key"
            raise ApiError("slow-down", detail, retry_s=1) from None

    async def _run(self, request: Request, noted: int | None) -> Answers:
        """``noted``: where the ledger was when a request was noted that has no answer."""
        before: dict[int, Decision] = {}
        if noted is None:
            await self._note(request)
        else:
            before = await _recalled(self._desk.ledger, noted, request)
        found = await self._offer(request, before)
        answers = _answers(self._desk, request, found, self._when())
        if all(answer.state == "slow_down" for answer in answers.answers):
            await self._free(request)
            detail = "too many messages wait for their carriers: nothing of this was taken"
            raise ApiError("slow-down", detail, retry_s=5)
        return answers

    async def _note(self, request: Request) -> None:
        row = (
            *request.name,
            request.digest,
            len(request.messages),
            self._desk.ledger.position,
            self._when(),
        )

        await self._store.change("INSERT INTO answer VALUES (?, ?, ?, ?, ?, ?, NULL)", *row)

    async def _offer(
        self, request: Request, before: dict[int, Decision]
    ) -> dict[int, Decision | None]:
        """Offer what was not decided before."""
        fresh = [index for index in range(len(request.messages)) if index not in before]
        collector = Collector(self._recent, len(fresh))
        for index in fresh:
            message = request.messages[index]
            original = Submitted(1, request.key, index, msgspec.Raw(request.parts[index]))
            offer = Offer(
                to=(message.to,),
                port=message.port,
                service=message.declared,
                content=message.text.encode(),
                codec="utf-8",
                concat=None,
                wants_report=True,
                original=msgspec.json.encode(original),
            )
            self._engine.offered(collector, index, request.guest.caller, offer)
        self._waiting += len(fresh)
        try:
            await collector.all
        finally:
            self._waiting -= len(fresh)
        return collector.found | before

    async def _free(self, request: Request) -> None:
        """Nothing of it was taken: the key is free again."""

        query = "DELETE FROM answer WHERE account = ? AND key = ?"
        await self._store.change(query, *request.name)

    def _decided(self, request: Request, task: asyncio.Task[Answers]) -> None:
        """Keep an answer, which is given meanwhile: what a crash takes of it, the ledger has.

        Until it is kept, it is the task's.
        """
        if task.cancelled() or task.exception() is not None:
            self._running.pop(request.name, None)
            return
        keeping = asyncio.ensure_future(self._keep(request, task.result()))
        self._keeping.add(keeping)
        keeping.add_done_callback(partial(self._kept, request))

    async def _keep(self, request: Request, answers: Answers) -> None:
        query = "UPDATE answer SET answer = ? WHERE account = ? AND key = ?"
        await self._store.change(query, msgspec.json.encode(answers), *request.name)

    def _kept(self, request: Request, keeping: asyncio.Task[None]) -> None:
        self._keeping.discard(keeping)
        self._running.pop(request.name, None)
        if not keeping.cancelled() and (error := keeping.exception()) is not None:
            _log.warning("answer not kept", error=type(error).__name__)

    async def finish(self) -> None:
        """Wait for the answers of what was offered: at a stop, while the engine still turns."""
        tasks = [task for _digest, task in self._running.values()]
        if tasks:
            _done, late = await asyncio.wait(tasks, timeout=self._answer_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.sleep(0)  # those that were decided just now begin to be kept
        await asyncio.gather(*self._keeping, return_exceptions=True)


def digest_of(data: bytes) -> bytes:
    """The digest by which two requests of one key are told apart."""
    return hashlib.sha256(data).digest()


def rules_of(named: Iterable[str], book: Rulebook) -> dict[str, Rule]:
    """Rules by name, each with its words and what a hit means in this book."""
    return {
        name: Rule(
            effect=VERDICTS[book.effect(name)],
            duty=BY_NAME[name].duty,
            en=BY_NAME[name].en,
            zh=BY_NAME[name].zh,
            remedy_en=BY_NAME[name].remedy_en,
            remedy_zh=BY_NAME[name].remedy_zh,
        )
        for name in dict.fromkeys(named)
    }


def _same(digest: bytes, request: Request) -> None:
    if digest != request.digest:
        remedy = "use a new key for a new request, and the same body for the same key"
        raise ApiError("key-reused", remedy)


def _looked_at(task: asyncio.Task[Answers]) -> None:
    """Nobody waits any more; the answer is kept. An error is told by the next request."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.warning("request ended late", error=type(error).__name__)


def _answers(
    desk: Desk, request: Request, found: dict[int, Decision | None], at: int
) -> Answers:
    answers = [
        _one(message, found.get(index)) for index, message in enumerate(request.messages)
    ]
    named = [name for answer in answers for name in answer.reasons]
    return Answers(answers=answers, rules=rules_of(named, desk.policy(at).book))


def _one(message: Message, decision: Decision | None) -> Answer:
    to = mask(message.to)
    if decision is None:
        # Decided, and not to be found: a mistake of ours, and never a second sending.
        raise LookupError("a decision is not where it was recorded")
    if decision.verdict < 0:
        slow = decision.verdict == Trouble.SLOW_DOWN
        return Answer(to=to, ref=message.ref, state="slow_down" if slow else "unreadable")
    return Answer(
        to=to,
        ref=message.ref,
        state="decided",
        message=str(decision.message),
        verdict=VERDICTS[decision.verdict],
        reasons=list(names(decision.reasons)),
    )


async def _recalled(ledger: Ledger, since: int, request: Request) -> dict[int, Decision]:
    """What the ledger has decided of a request since it was noted, by its submitted bytes.

    Read batch by batch, with turns of the gateway between them.
    """
    found: dict[int, Decision] = {}
    for position in ledger.batches_since(since):
        await asyncio.sleep(0)
        batch: Batch = ledger.batch(position)
        fact = batch.recorded.fact
        if not isinstance(fact, MessagesDecided) or request.guest.account not in {
            lane.account for lane in fact.lanes
        }:
            continue
        sealed = evidence.unpack(ledger.unseal(batch.sealed, evidence.CONTEXT))
        rows = np.frombuffer(batch.rows, dtype=DECIDED)
        for original, row in zip(sealed.originals, rows, strict=True):
            if not original.startswith(_OURS):
                continue
            submitted = msgspec.json.decode(original, type=Submitted)
            if (fact.lanes[row["lane"]].account, submitted.key) == request.name:
                columns = (int(row[name]) for name in ("message", "verdict", "reasons"))
                found[submitted.index] = Decision(*columns)
    return found
