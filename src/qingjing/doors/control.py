"""The control door: what commands do to the ledger while a service has it open.

One process writes a ledger. A command that finds it taken puts its verb to the running service
over a unix socket in the ledger's folder, for its owner alone; the service runs the verb in its
own loop, in a transaction of its own, between two turns of the gateway. What was answered is
committed: the next release knows it. Either way a verb is run by a ``Clerk``, and a command
does not know by which.

A message is four octets of length and one JSON object. The data are those of the verb's own
signature; files are read by the command and never by the service.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from traceback import extract_tb
from typing import Any, Concatenate, Final, NamedTuple, ParamSpec, Protocol, TypeVar
from typing import get_type_hints as hints

import msgspec
import structlog

from qingjing.desk.entries import InputError, Problem
from qingjing.desk.ports import Ledger, Transaction
from qingjing.desk.send import Desk, NoRulebookError
from qingjing.kernel.rulebook import RulebookError
from qingjing.kernel.words import Phone

_log = structlog.get_logger("qingjing.control")

SOCKET: Final = "control.sock"
CALL_MAX: Final = 1 << 18
"""Octets of a call: a register file of about 1,500 entries, which takes some 100 ms to record.
Customers wait for so long, as they do for a full turn (``limits.batch_max``)."""
ANSWER_MAX: Final = 1 << 24
"""Octets of an answer: it may say more than was asked, such as all facts of a person."""
ANSWER_S: Final = 60.0
"""How long an answer is waited for. A turn takes a fraction of a second."""

_LENGTH: Final = struct.Struct("!I")
_PEER: Final = struct.Struct("3i")  # struct ucred: process, user, group

P = ParamSpec("P")
R = TypeVar("R")
Writing = Callable[Concatenate[Ledger, Transaction, P], R]
"""A verb that records; it is run in a transaction of its own."""
Asking = Callable[Concatenate[Desk, P], R]
"""A verb that only looks."""


class DoorError(Exception):
    """The running service cannot do it; nothing was recorded. The text names the remedy."""


class NoDoorError(DoorError):
    """No service listens in this folder."""


class UnansweredError(DoorError):
    """The service was asked and did not answer: whether it was recorded is not known."""


class Clerk(Protocol):
    """Whoever has the ledger open, and runs verbs on it."""

    async def write(self, verb: Writing[P, R], /, *args: P.args, **given: P.kwargs) -> R:
        """Run a verb that records; committed when this returns. InputError as the verb's."""
        ...

    async def ask(self, verb: Asking[P, R], /, *args: P.args, **given: P.kwargs) -> R:
        """Run a verb that only looks."""
        ...


class Own:
    """The clerk of a process that has the ledger open itself. ``when`` gives epoch ms."""

    def __init__(self, desk: Desk, when: Callable[[], int]) -> None:
        self._desk, self._when = desk, when

    async def write(self, verb: Writing[P, R], /, *args: P.args, **given: P.kwargs) -> R:
        """Run it here, in a transaction."""
        async with self._desk.ledger.transaction(self._when()) as t:
            return verb(self._desk.ledger, t, *args, **given)

    async def ask(self, verb: Asking[P, R], /, *args: P.args, **given: P.kwargs) -> R:
        """Run it here, when no transaction is half-way: what is not committed is not told."""
        async with self._desk.ledger.transaction(self._when()):
            return verb(self._desk, *args, **given)


class Running:
    """The clerk that is a running service."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def write(self, verb: Writing[P, R], /, *args: P.args, **given: P.kwargs) -> R:
        """Have it recorded there."""
        found: R = await self._put(verb, (None, None, *args), given)
        return found

    async def ask(self, verb: Asking[P, R], /, *args: P.args, **given: P.kwargs) -> R:
        """Have it looked at there."""
        found: R = await self._put(verb, (None, *args), given)
        return found

    async def _put(self, verb: Callable[..., Any], args: Any, given: Any) -> Any:
        bound = inspect.signature(verb).bind(*args, **given).arguments
        own = {name: value for name, value in bound.items() if name not in _FIRST}
        call = _encoded({"verb": named(verb), "given": own})
        if len(call) > CALL_MAX:
            raise DoorError(
                f"these are {len(call)} bytes, and a running service takes {CALL_MAX} at once, "
                "so that its customers do not wait; hand them in in parts, or stop it first"
            )
        _send(self._writer, call)
        try:
            async with asyncio.timeout(ANSWER_S):
                answer = msgspec.json.decode(await _read(self._reader, ANSWER_MAX), type=Answer)
        except (OSError, EOFError, TimeoutError) as error:
            raise UnansweredError(
                f"the service did not answer ({error or 'it was too slow'}): whether this was "
                "recorded is not known; see if it runs, then look, or give the command again"
            ) from None
        if answer.problems is not None:
            raise InputError(answer.problems)
        if answer.error:
            raise DoorError(answer.error)
        return _decoded(answer.result, hints(verb)["return"])


class Call(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked: a verb by name, and its arguments by theirs."""

    verb: str
    given: dict[str, msgspec.Raw]


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What came of it: a result, or what is wrong with what was given, or another error."""

    result: msgspec.Raw = msgspec.Raw(b"null")
    problems: tuple[Problem, ...] | None = None
    error: str = ""


class Verbs(NamedTuple):
    """All that may be asked of a service."""

    writing: tuple[Callable[..., Any], ...]
    asking: tuple[Callable[..., Any], ...]


class Door:
    """The service's side: takes calls from ``open`` to ``close``.

    ``owner`` is the only user whose calls are taken. ``failed`` is told when the ledger broke.
    """

    def __init__(
        self,
        desk: Desk,
        verbs: Verbs,
        when: Callable[[], int],
        failed: Callable[[BaseException], None],
        owner: int,
    ) -> None:
        self._desk, self._failed, self._owner = desk, failed, owner
        clerk = Own(desk, when)
        self._verbs: dict[str, tuple[Callable[..., Any], Callable[..., Awaitable[Any]]]] = {
            named(verb): (verb, run)
            for run, some in ((clerk.write, verbs.writing), (clerk.ask, verbs.asking))
            for verb in some
        }
        self._idle: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        self._server: asyncio.Server | None = None
        self._path = Path()

    async def open(self, folder: Path) -> None:
        """Listen in the ledger's folder, for its owner alone; DoorError when that cannot be.

        The caller has the ledger open, so a socket that stands there is a dead one's.
        """
        self._path = folder / SOCKET
        listener = socket.socket(socket.AF_UNIX)
        try:
            self._path.unlink(missing_ok=True)
            with _address(folder) as address:
                listener.bind(address)
            # Before it listens nobody gets in, whatever the umask.
            self._path.chmod(0o600)
        except OSError as error:
            listener.close()
            remedy = "the ledger must be on a local disk that the service may write to"
            raise DoorError(f"{self._path} cannot be made: {error}; {remedy}") from None
        self._server = await asyncio.start_unix_server(self._begin, sock=listener)

    async def close(self) -> None:
        """Take no more calls; those that were taken are answered."""
        self._closing = True
        if self._server is not None:
            self._path.unlink(missing_ok=True)
            self._server.close()
        for writer in self._idle:
            writer.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's calls, one after the other."""
        with suppress(OSError, EOFError):  # it has gone, or says what nobody understands
            while not self._closing:
                self._idle.add(writer)
                data = await _read(reader, CALL_MAX)
                self._idle.discard(writer)
                answer = await self._answer(data, _peer(writer))
                _send(writer, msgspec.json.encode(answer))
                await writer.drain()
        self._idle.discard(writer)
        writer.close()

    async def _answer(self, data: bytes, user: int) -> Answer:
        if user != self._owner:
            return Answer(error="run this command as the user that the service runs as")
        try:
            call = msgspec.json.decode(data, type=Call)
            verb, run = self._verbs[call.verb]
            kinds, signature = hints(verb), inspect.signature(verb)
            given = {name: _decoded(raw, kinds[name]) for name, raw in call.given.items()}
            signature.bind(*(None for name in signature.parameters if name in _FIRST), **given)
        except (msgspec.MsgspecError, LookupError, TypeError) as error:
            return Answer(error=f"the service does not understand this ({error}); {_VERSIONS}")
        try:
            result = _encoded(await run(verb, **given))
            outcome = Answer(msgspec.Raw(result))
        except InputError as error:
            outcome = Answer(problems=error.problems)
        except (NoRulebookError, RulebookError) as error:
            outcome = Answer(error=str(error))
        except Exception as error:
            # A mistake in a verb is told and does no harm, unless it broke the ledger.
            place = extract_tb(error.__traceback__)[-1]
            wrong = f"{type(error).__name__} in {place.name}, line {place.lineno}"
            _log.error("command failed", verb=call.verb, error=wrong)
            outcome = Answer(error=f"the service cannot do this ({wrong}); tell its makers")
        self._sound()
        done = outcome.problems is None and not outcome.error
        _log.info("command", verb=call.verb, done=done)
        return outcome

    def _sound(self) -> None:
        """A verb or commit that failed half-way leaves a ledger that must be opened anew.

        What is on disk then is not known, so there is no answer, and the service ends.
        """
        try:
            _ = self._desk.ledger.position
        except Exception as broken:
            self._failed(broken)
            raise ConnectionAbortedError from broken


_FIRST: Final = frozenset(("ledger", "t", "desk"))
_VERSIONS: Final = "is it of another version? Start it anew"


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Running]:
    """The service that has the ledger in a folder open; NoDoorError when none listens."""
    mine = socket.socket(socket.AF_UNIX)
    try:
        with _address(folder) as address:
            mine.connect(address)
    except OSError as error:
        mine.close()
        raise NoDoorError(f"no service listens in {folder}: {error.strerror}") from None
    reader, writer = await asyncio.open_unix_connection(sock=mine)
    try:
        yield Running(reader, writer)
    finally:
        writer.close()


def named(verb: Callable[..., Any]) -> str:
    """A verb's name on the wire."""
    return f"{verb.__module__}.{verb.__qualname__}"


@contextmanager
def _address(folder: Path) -> Iterator[str]:
    """The socket's address. The kernel takes 107 octets, and a folder's path may have more."""
    opened = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{opened}/{SOCKET}"
    finally:
        os.close(opened)


def _peer(writer: asyncio.StreamWriter) -> int:
    """The user of the process at the other end, as the kernel knows it."""
    peer = writer.get_extra_info("socket")
    found = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    return int(_PEER.unpack(found)[1])


def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.writelines((_LENGTH.pack(len(data)), data))


async def _read(reader: asyncio.StreamReader, most: int) -> bytes:
    """One message; EOFError when the other end has gone or says what is too long."""
    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    if length > most:
        raise EOFError(f"a message of {length} bytes, where at most {most} are taken")
    return await reader.readexactly(length)


def _encoded(value: object) -> bytes:
    return msgspec.json.encode(value, enc_hook=_plain)


def _decoded(data: bytes | msgspec.Raw, kind: Any) -> Any:
    return msgspec.json.decode(data, type=kind, dec_hook=_typed)


def _plain(value: object) -> object:
    if isinstance(value, Phone):
        return int(value)
    raise NotImplementedError(f"{type(value)} does not go through the door")


def _typed(kind: type, value: Any) -> object:
    if kind is Phone:
        return Phone(value)
    raise NotImplementedError(f"{kind} does not come through the door")
