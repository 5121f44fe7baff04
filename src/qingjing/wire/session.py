"""One end of one connection, without I/O: bytes in, events out, and bytes to write.

The owner reads the socket and calls :meth:`Session.receive`, answers with
:meth:`Session.respond`, asks with :meth:`Session.request`, calls :meth:`Session.tick` at
:meth:`Session.next_deadline`, and writes what :meth:`Session.outgoing` gives, once for all
calls of a turn. What is queued between two calls of ``outgoing`` is bounded: one answer for
each frame received, and as many requests as the window holds. The machine knows neither its
role nor the protocol: see :mod:`qingjing.wire.states` and :mod:`qingjing.wire.protocol`.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from .errors import Hint, LocalProtocolError, RemoteProtocolError
from .events import (
    Answered,
    BadRequest,
    Closing,
    Event,
    Limits,
    Reason,
    Repeated,
    TimedOut,
    UnknownCommand,
)
from .exchange import Asked, Heard
from .framing import Framer
from .protocol import PDU, Protocol
from .speech import Speech
from .states import ANSWERS, TRANSITIONS, State, Trigger
from .stencil import Stencil

__all__ = ["Session"]

_DEFAULTS = Limits()


class Session:
    """One end of one connection.

    :param protocol: what is spoken.
    :param window: how many requests of ours may be unanswered.
    :param limits: every other maximum and the timers.
    :param now: seconds of a clock that never goes back, as everywhere below.
    """

    def __init__(
        self, protocol: Protocol, *, window: int, limits: Limits = _DEFAULTS, now: float
    ) -> None:
        self._protocol, self._limits, self._header = protocol, limits, protocol.header
        self._asked = Asked(window, protocol.nack)
        self._heard = Heard(limits, unique=protocol.next_sequence is None)
        self._speech = Speech(protocol)
        self._state = State.OPEN
        self._row = TRANSITIONS[State.OPEN]
        self._framer = Framer(protocol, limits.frame_max)
        self._out: list[bytes] = []
        self._numbers = protocol.count()
        self._login: tuple[int, Hashable] | None = None
        self._beats, self._idle_s = 0, limits.idle_s
        self._now = now
        self._login_deadline = now + limits.login_s
        self._beat_at = now + limits.idle_s

    @property
    def state(self) -> State:
        """Where the session stands."""
        return self._state

    @property
    def version(self) -> int:
        """The version whose layouts are spoken; meaningful once the session is bound."""
        return self._speech.version

    @property
    def room(self) -> int:
        """How many more requests the window holds; 0 when none may be sent now."""
        if Trigger.PUT_REQUEST not in self._row:
            return 0
        return self._asked.window - self._asked.counted

    @property
    def idle(self) -> bool:
        """Whether no end waits for an answer of the other."""
        return self._asked.next_deadline() is None and not self._heard.owed

    def owes(self, sequence: Hashable) -> bool:
        """Whether the request of this number still waits for :meth:`respond`."""
        return sequence in self._heard.owed

    def original(self, sequence: Hashable) -> bytes:
        """The frame of an unanswered request, byte for byte as it came: the evidence.

        :raises LocalProtocolError: when no unanswered request has this number.
        """
        return self._heard.frame(sequence)

    def receive(self, data: bytes, now: float) -> list[Event]:
        """Take what was read from the socket; any bytes at all are allowed.

        Never raises: when the peer breaks the protocol beyond repair, the last event is
        :class:`Closing` with the :class:`RemoteProtocolError`, so that what came before it in
        the same read is not lost. After that, bytes are ignored.
        """
        events: list[Event] = []
        if self._state == State.CLOSED:
            return events
        self._now = now
        self._framer.feed(data)
        try:
            for command, frames in self._framer.runs():
                # Whatever came proves that the peer lives.
                self._beats, self._beat_at = 0, now + self._idle_s
                self._take_run(command, frames, events)
                if not self._row:
                    break
        except RemoteProtocolError as error:
            if error.command is None:
                self._refuse(0, bytes(self._header.size), error.hint)
            events.append(self._close(Reason.BROKEN, error))
        return events

    def _take_run(self, command: int, frames: list[bytes], events: list[Event]) -> None:
        """Take frames of one command that came in a row."""
        trigger = self._speech.gets.get(command)
        if trigger == Trigger.GET_REQUEST and trigger in self._row:
            layout = self._speech.layouts[command]
            self._heard.take_run(frames, layout, events, self._take_request)
        elif trigger == Trigger.GET_ANSWER and self._state == State.BOUND:
            self._asked.take_run(command, frames, self._speech.layouts[command], events)
        else:
            for frame in frames:
                if self._row:
                    self._take(command, frame, events)

    def _take(self, command: int, frame: bytes, events: list[Event]) -> None:
        """Take one frame."""
        trigger = self._speech.gets.get(command, Trigger.GET_UNKNOWN)
        if trigger not in self._row:
            if self._protocol.nack is not None:
                self._refuse(command, frame, Hint.COMMAND)
            raise RemoteProtocolError(
                f"command {command:#010x} while {self._state.name}",
                hint=Hint.COMMAND,
                fatal=True,
                command=command,
                sequence=self._header.sequence(frame),
            )
        if trigger in ANSWERS:
            self._asked.take_run(command, [frame], self._speech.layouts[command], events)
            if self._state != State.BOUND and not self._asked.uncounted:
                leaving = self._state == State.LEAVING
                events.append(self._close(Reason.WE_LEFT if leaving else Reason.REFUSED))
        elif trigger == Trigger.GET_HEARTBEAT:
            self._out.append(self._speech.plain_answer(command, frame))
        elif trigger == Trigger.GET_LOGIN:
            self._take_login(command, frame, events)
        elif trigger == Trigger.GET_LOGIN_ANSWER:
            self._take_login_answer(command, frame, events)
        elif trigger == Trigger.GET_NOTICE or trigger == Trigger.GET_INVITATION:
            self._take_notice(command, frame, events)
        elif trigger == Trigger.GET_BARRED:
            events.append(self._refuse(command, frame, Hint.COMMAND))
        elif trigger == Trigger.GET_UNKNOWN:
            self._refuse(command, frame, Hint.COMMAND)
            events.append(UnknownCommand(command, self._header.sequence(frame)))
        elif trigger == Trigger.GET_LOGOUT:
            self._out.append(self._speech.plain_answer(command, frame))
            self._move(trigger)
            events.append(self._close(Reason.PEER_LEFT))
        # An answer to a heartbeat says only that the peer lives; some leave out its body.

    def _take_request(self, frame: bytes, events: list[Event]) -> None:
        """A repeated request is answered as before; a bad one is refused; a new one is told."""
        sequence, command = self._header.sequence(frame), int.from_bytes(frame[4:8], "big")
        known = self._heard.known(sequence, frame, self._now)
        if known is None:
            try:
                events.append(self._speech.layouts[command].decode(frame))
                self._heard.owed[sequence] = frame
            except RemoteProtocolError as error:
                known = error.hint
        if isinstance(known, bytes):
            self._out.append(known)
            events.append(Repeated(command, sequence, known != b""))
        elif known is not None:
            events.append(self._refuse(command, frame, known))

    def _take_notice(self, command: int, frame: bytes, events: list[Event]) -> None:
        """What waits for no answer is told; it may come again, for nothing is owed for it."""
        try:
            events.append(self._speech.layouts[command].decode(frame))
        except RemoteProtocolError as error:
            events.append(self._refuse(command, frame, error.hint))

    def _take_login(self, command: int, frame: bytes, events: list[Event]) -> None:
        """A login is told; :meth:`accept` or :meth:`reject` goes on."""
        try:
            pdu = self._speech.layouts[command].decode(frame)
        except RemoteProtocolError as error:
            self._refuse(command, frame, error.hint)
            error.fatal = True
            raise
        self._login = (command, self._header.sequence(frame))
        self._speech.use(self._protocol.version_of_login(pdu))
        self._speech.bar(pdu)
        self._move(Trigger.GET_LOGIN)
        events.append(pdu)

    def _take_login_answer(self, command: int, frame: bytes, events: list[Event]) -> None:
        """The answer to our login; its layout tells the version."""
        found = self._asked.take(self._header.sequence(frame), command)
        if found is None:
            raise RemoteProtocolError(
                "an answer to no login", hint=Hint.COMMAND, fatal=True, command=command
            )
        self._speech.use(self._protocol.version_of_answer(frame))
        try:
            pdu = self._speech.layouts[command].decode(frame)
        except RemoteProtocolError as error:
            error.fatal = True
            raise
        events.append(Answered(found[0], pdu))
        if self._protocol.accepted(pdu):
            self._move(Trigger.LET_IN)
        else:
            self._move(Trigger.TURNED_AWAY)
            events.append(self._close(Reason.REFUSED))

    def _refuse(self, command: int, frame: bytes, hint: Hint) -> BadRequest:
        """Queue the answer that says no, where the command has one."""
        answer = self._speech.refusal(frame, hint)
        if answer is not None:
            self._out.append(answer)
        return BadRequest(command, self._header.sequence(frame), hint, answer is not None)

    def accept(
        self, answer: PDU, *, version: int | None = None, window: int | None = None
    ) -> None:
        """Let the peer in that has just logged in. The sequence number is filled in.

        :param version: speak this one from now on instead of the peer's own.
        :param window: the account's window, for a session that began before it was known.
        :raises LocalProtocolError: when nobody waits, or the answer does not let in.
        """
        self._answer_login(answer, Trigger.LET_IN, version)
        if window is not None:
            self._asked.window = window

    def reject(self, answer: PDU) -> None:
        """Turn the peer away that has just logged in; write what is queued, then close.

        :raises LocalProtocolError: when nobody waits, or the answer lets in.
        """
        self._answer_login(answer, Trigger.TURNED_AWAY, None)

    def _answer_login(self, answer: PDU, trigger: Trigger, version: int | None) -> None:
        """Answer a login and move on."""
        if self._login is None or trigger not in self._row:
            raise LocalProtocolError(f"no login to answer while {self._state.name}")
        (command, sequence), version = self._login, version or self._speech.version
        layout = self._protocol.layouts[version][self._protocol.answers[command]]
        frame = layout.encode_as(answer, sequence)
        if self._protocol.accepted(answer) != (trigger == Trigger.LET_IN):
            raise LocalProtocolError(f"{answer!r} says the opposite of what is meant")
        self._out.append(frame)
        self._speech.use(version)
        self._move(trigger)
        if self._protocol.heartbeat is None:
            self._idle_s = self._limits.quiet_s
            self._beat_at = self._now + self._idle_s

    def respond(self, pdu: PDU) -> None:
        """Queue the answer to a request that :meth:`receive` told.

        Allowed after :class:`Closing` too, to a peer that has logged out.

        :raises LocalProtocolError: when no request of that number waits, the answer is of
            another kind, or a value does not fit.
        """
        self._heard.frame(pdu[self._header.sequence_at])
        self.respond_all((pdu,))

    def respond_all(self, pdus: Iterable[PDU]) -> None:
        """:meth:`respond` to those of these requests that still wait for it.

        :raises LocalProtocolError: when an answer is of another kind, or a value does not fit.
        """
        at, layouts = self._header.sequence_at, self._speech.answering
        self._out += self._heard.answer_run(pdus, at, layouts, self._now)

    def request(
        self, pdu: PDU | Stencil, token: object, now: float, values: tuple[bytes, ...] = ()
    ) -> None:
        """Queue a request; its answer comes back with ``token``. The number is filled in.

        :param pdu: the request, or a stencil of the version that is spoken.
        :param values: what goes into the stencil's holes.
        :raises LocalProtocolError: when the window has no room, the state allows no such
            request by hand, or a value does not fit.
        """
        stencil = pdu if isinstance(pdu, Stencil) else None
        layout = stencil.layout if stencil else self._speech.kinds.get(type(pdu))
        trigger = self._speech.puts.get(layout.command) if layout else None
        if layout is None or trigger is None or trigger not in self._row:
            raise LocalProtocolError(f"no {type(pdu).__name__} while {self._state.name}")
        counted = trigger == Trigger.PUT_REQUEST
        if counted and self._asked.counted >= self._asked.window:
            raise LocalProtocolError(f"{self._asked.window} requests are unanswered")
        sequence = self._number(now)
        self._out.append(
            stencil.fill(sequence, values) if stencil else layout.encode_as(pdu, sequence)
        )
        if (answer := self._protocol.answers.get(layout.command)) is None:
            return
        if trigger == Trigger.PUT_LOGIN and not isinstance(pdu, Stencil):
            self._speech.bar(pdu)
        until = now + self._limits.answer_s
        self._asked.add(sequence, token, until, answer, counted=counted)
        if not counted:
            self._move(trigger)

    def abandon(self) -> tuple[object, ...]:
        """The socket is gone: end at once. Tokens of unanswered requests, if not told yet."""
        if self._state == State.CLOSED:
            return ()
        return self._close(Reason.BROKEN).unanswered

    def outgoing(self) -> bytes:
        """All bytes queued since the last call, for one write."""
        data = b"".join(self._out)
        self._out.clear()
        return data

    def tick(self, now: float) -> list[Event]:
        """Do what is due: time-outs, heartbeats, and the end of a session that has died."""
        events: list[Event] = []
        if self._state == State.CLOSED:
            return events
        self._now = now
        if self._state < State.BOUND:
            if now >= self._login_deadline:
                events.append(self._close(Reason.NO_LOGIN))
            return events
        events.extend(TimedOut(token) for token in self._asked.expire(now))
        if self._state == State.LEAVING:
            if not self._asked.uncounted:
                events.append(self._close(Reason.WE_LEFT))
        elif now >= self._beat_at:
            self._beat_at = now + self._idle_s
            self._break_silence(events)
        return events

    def next_deadline(self) -> float | None:
        """When :meth:`tick` has something to do; None when never again."""
        if self._state == State.CLOSED:
            return None
        if self._state < State.BOUND:
            return self._login_deadline
        deadline = self._asked.next_deadline()
        if self._state == State.LEAVING:
            return deadline
        return self._beat_at if deadline is None else min(deadline, self._beat_at)

    def _break_silence(self, events: list[Event]) -> None:
        """Send a heartbeat. Where the protocol has none, an idle connection has done its work;
        the end that logged in logs out, as a courtesy whose answer nobody waits for."""
        if self._protocol.heartbeat is not None:
            if self._beats >= self._limits.beats_max:
                events.append(self._close(Reason.SILENT))
            else:
                self._beats += 1
                self._say(self._protocol.heartbeat)
        elif self._asked.next_deadline() is None and not self._heard.owed:
            if self._login is None:
                self._say(self._protocol.logout)
            events.append(self._close(Reason.IDLE))

    def _say(self, command: int) -> None:
        """Queue what has no content; it takes no room in the window."""
        layout = self._speech.layouts[command]
        self._out.append(layout.encode_as(layout.pdu(), self._number(self._now)))

    def _number(self, now: float) -> Hashable:
        """The next number that no waiting request of ours has, should the count go round."""
        while (number := self._numbers(now)) in self._asked:
            pass
        return number

    def _move(self, trigger: Trigger) -> None:
        """Follow the table."""
        self._state = self._row[trigger]
        self._row = TRANSITIONS[self._state]

    def _close(self, reason: Reason, error: RemoteProtocolError | None = None) -> Closing:
        """End the session, whatever its state."""
        self._state, self._row = State.CLOSED, TRANSITIONS[State.CLOSED]
        return Closing(reason, self._asked.tokens(), error)
