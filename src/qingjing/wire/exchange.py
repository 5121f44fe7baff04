"""Who still owes whom an answer: our requests, and the peer's.

The two directions count their sequence numbers apart, so they are two memories.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

from .errors import Hint, LocalProtocolError, RemoteProtocolError
from .events import Answered, BadAnswer, Event, Limits, Unmatched
from .layout import Layout
from .protocol import PDU

__all__ = ["Asked", "Heard"]


class Asked:
    """Our requests that wait for an answer, and for a while those that waited too long.

    :param window: how many of the counted ones may wait; as many late ones are remembered,
        because a peer that is slow is slow by about a window.
    :param nack: the command that answers any request, where the protocol has one.
    """

    def __init__(self, window: int, nack: int | None) -> None:
        self.window, self._nack = window, nack
        self.counted = 0
        # sequence -> (token, deadline, command of the answer, counted), oldest first. All wait
        # equally long, so the oldest is the next to expire.
        self._waiting: OrderedDict[Hashable, tuple[object, float, int, bool]] = OrderedDict()
        self._expired: OrderedDict[Hashable, tuple[object, int]] = OrderedDict()

    def __contains__(self, sequence: Hashable) -> bool:
        return sequence in self._waiting

    @property
    def uncounted(self) -> bool:
        """Whether a login or logout of ours waits: they take no room in the window."""
        return len(self._waiting) > self.counted

    def add(
        self, sequence: Hashable, token: object, deadline: float, answer: int, *, counted: bool
    ) -> None:
        """Remember a request that was just sent."""
        self._expired.pop(sequence, None)
        self._waiting[sequence] = (token, deadline, answer, counted)
        self.counted += counted

    def take(self, sequence: Hashable, answer: int) -> tuple[object, bool] | None:
        """The token this answer is for and whether it is late; None when it is for none."""
        waiting = self._waiting.get(sequence)
        if waiting is not None:
            if answer not in (waiting[2], self._nack):
                return None
            del self._waiting[sequence]
            self.counted -= waiting[3]
            return waiting[0], False
        expired = self._expired.get(sequence)
        if expired is None or answer not in (expired[1], self._nack):
            return None
        del self._expired[sequence]
        return expired[0], True

    def take_run(
        self, command: int, frames: Sequence[bytes], layout: Layout[Any], events: list[Event]
    ) -> None:
        """Tell a run of answers of one command: to what each is, or what is wrong with it."""
        waiting, at = self._waiting, layout.header.sequence_at
        for pdu in layout.decode_run(frames):
            if isinstance(pdu, RemoteProtocolError):
                known = self.take(pdu.sequence, command)
                events.append(BadAnswer(known[0] if known else None, pdu))
                continue
            sequence = pdu[at]
            entry = waiting.get(sequence)
            if entry is not None and entry[2] == command:
                del waiting[sequence]
                self.counted -= entry[3]
                events.append(Answered(entry[0], pdu))
                continue
            found = self.take(sequence, command)
            late = found is not None and found[1]
            events.append(Unmatched(pdu) if found is None else Answered(found[0], pdu, late))

    def expire(self, now: float) -> list[object]:
        """The tokens whose time is over, oldest first; they leave the window."""
        tokens: list[object] = []
        while self._waiting:
            sequence, (token, deadline, answer, counted) = next(iter(self._waiting.items()))
            if deadline > now:
                break
            del self._waiting[sequence]
            self.counted -= counted
            tokens.append(token)
            self._expired[sequence] = (token, answer)
            if len(self._expired) > self.window:
                self._expired.popitem(last=False)
        return tokens

    def next_deadline(self) -> float | None:
        """When the oldest expires."""
        return next(iter(self._waiting.values()))[1] if self._waiting else None

    def tokens(self) -> tuple[object, ...]:
        """All that wait, oldest first."""
        return tuple(entry[0] for entry in self._waiting.values())


class Heard:
    """The peer's requests: those we have not answered, and the answers we gave lately.

    A request that was answered is remembered by its hash. Python keys the hash of bytes by
    process, so that nobody can aim at a collision.

    :param unique: a number is never used twice, for it is its message's id.
    """

    def __init__(self, limits: Limits, *, unique: bool) -> None:
        self.owed: dict[Hashable, bytes] = {}
        """Frames not answered yet, by sequence number."""
        self._answers: OrderedDict[Hashable, tuple[int, bytes, float]] = OrderedDict()
        self._limits, self._unique = limits, unique

    def known(self, sequence: Hashable, frame: bytes, now: float) -> bytes | Hint | None:
        """What to do with a request: None when it is new, a hint when it is to be refused, and
        when it came before, byte for byte, its answer: empty while we owe one."""
        if sequence in self.owed:
            return b"" if self.owed[sequence] == frame else Hint.DUPLICATE
        entry = self._answers.get(sequence)
        if entry is not None and now - entry[2] <= self._limits.memory_s:
            if entry[0] == hash(frame):
                return entry[1]
            if self._unique:
                return Hint.DUPLICATE
        return Hint.BUSY if len(self.owed) >= self._limits.owed_max else None

    def take_run(
        self,
        frames: Sequence[bytes],
        layout: Layout[Any],
        events: list[Event],
        again: Callable[[bytes, list[Event]], None],
    ) -> None:
        """Tell a run of requests of one command; those that need a second look go ``again``:
        what cannot be read, what was heard before, and what is too much."""
        owed, answers, most = self.owed, self._answers, self._limits.owed_max
        at = layout.header.sequence_at
        for frame, pdu in zip(frames, layout.decode_run(frames), strict=True):
            if isinstance(pdu, RemoteProtocolError):
                again(frame, events)
                continue
            sequence = pdu[at]
            if sequence in owed or sequence in answers or len(owed) >= most:
                again(frame, events)
            else:
                owed[sequence] = frame
                events.append(pdu)

    def answer_run(
        self,
        pdus: Iterable[PDU],
        sequence_at: int,
        layouts: Mapping[bytes, Layout[Any]],
        now: float,
    ) -> list[bytes]:
        """The answers to those of these requests that still wait; they are remembered.

        :param layouts: of the answers, by the command of the request as it stands in a frame.
        """
        out: list[bytes] = []
        owed, answers, most = self.owed, self._answers, self._limits.memory_max
        for pdu in pdus:
            sequence = pdu[sequence_at]
            frame = owed.get(sequence)
            if frame is None:
                continue
            answer = layouts[frame[4:8]].encode(pdu)
            del owed[sequence]
            if sequence in answers:
                del answers[sequence]
            answers[sequence] = (hash(frame), answer, now)
            out.append(answer)
        while len(answers) > most:
            answers.popitem(last=False)
        return out

    def frame(self, sequence: Hashable) -> bytes:
        """The unanswered request of this number.

        :raises LocalProtocolError: when there is none.
        """
        try:
            return self.owed[sequence]
        except (KeyError, TypeError):
            raise LocalProtocolError(f"no unanswered request has number {sequence!r}") from None
