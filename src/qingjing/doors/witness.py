"""The witness as a service: it fetches, checks, keeps, countersigns, and answers who asks.

State is one file of JSON lines, only ever added to: each checkpoint that was countersigned, and
each that speaks against its log. A line is on disk before its countersignature leaves.

It pulls from the log's own API, and takes what a log pushes by C2SP ``tlog-witness``
(``POST /add-checkpoint``); ``GET /checkpoint`` shows the last head that it countersigned.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from qingjing.desk.anchor import Paths, RefusedError, Witness, Wrong, judge, signed, witness
from qingjing.kernel.chain import HASH_SIZE
from qingjing.kernel.note import Checkpoint, Key, Note, NoteError, parse_checkpoint, parse_note

if TYPE_CHECKING:
    import httpx

WAIT_S: Final = 20.0
"""How long a log may take to answer: a path over a billion facts takes it milliseconds."""
PUSH_MAX: Final = 1 << 16
"""Octets of a pushed checkpoint: 63 hashes of a path and a note with its signatures."""
_PATH_MAX: Final = 63
_HEAD: Final = "PRIVATE+KEY+"
_OWN_DOING: Final = (Wrong.SHRUNK, Wrong.REWRITTEN)


class WitnessError(Exception):
    """State, key or log cannot be used; the text names the remedy."""


class Line(msgspec.Struct, frozen=True):
    """One line of the state: when (epoch ms), the note as it came, and what was wrong ("" when
    it was countersigned, and then the countersignature stands in the note)."""

    at: int
    note: str
    wrong: str = ""


class Book:
    """The state file. ``opened`` holds a lock on it: two writers would sign two histories."""

    def __init__(self, path: Path, file: Any) -> None:
        self._file, self.guard = file, threading.Lock()
        self.lines: list[Line] = []
        whole = 0
        for raw in file.read().splitlines(keepends=True):
            if raw.endswith(b"\n"):  # a last line without its end was never answered for
                try:
                    self.lines.append(msgspec.json.decode(raw, type=Line))
                except msgspec.DecodeError as error:
                    where = f"{path}, line {len(self.lines) + 1}"
                    remedy = "restore it from a backup: a witness without memory is none"
                    raise WitnessError(f"{where}: {error}; {remedy}") from None
                whole += len(raw)
        file.truncate(whole)
        file.seek(whole)

    @property
    def last(self) -> Line | None:
        """The last line that was countersigned."""
        return next((line for line in reversed(self.lines) if not line.wrong), None)

    @property
    def head(self) -> Checkpoint | None:
        """Its checkpoint."""
        return parse_checkpoint(parse_note(self.last.note.encode()).text) if self.last else None

    def keep(self, line: Line) -> None:
        """Add a line, on disk when this returns. The same conviction is not kept twice."""
        if line.wrong and any(known.note == line.note for known in self.lines):
            return
        self._file.write(msgspec.json.encode(line) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.lines.append(line)


@contextmanager
def opened(path: Path) -> Iterator[Book]:
    """The state file, made when there is none; WitnessError when another process has it."""
    try:
        made = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise WitnessError(f"state file {path}: {error.strerror}; check the path") from None
    with open(made, "rb+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            problem = f"another process has the state file {path} open"
            raise WitnessError(f"{problem}; one witness writes it: stop the other") from None
        yield Book(path, file)


class Post(NamedTuple):
    """A witness at its post: own key, the log's key, what it saw, the clock (epoch ms)."""

    own: Witness
    log: Key
    book: Book
    now: Callable[[], int]

    def take(self, data: bytes, paths: Paths, *, asked: bool) -> bytes:
        """Check a log's checkpoint against the last seen; the note with our line below it.

        ``asked``: it came from the log itself. RefusedError when it is not to be countersigned;
        a fork is kept whoever brought it, what else is wrong when the log itself said it.
        """
        found, point = signed(data, self.log)
        while True:
            last = self.book.head
            grows = last is not None and last.size < point.size
            path = paths(last.size, point.size) if last and grows else ()
            with self.book.guard:  # asking takes time, and a push may come in between
                if self.book.head == last:
                    return self._taken(data, found, point, path, asked)

    def _taken(
        self,
        data: bytes,
        found: Note,
        point: Checkpoint,
        path: Sequence[bytes],
        asked: bool,
    ) -> bytes:
        known, last = self.book.last, self.book.head
        try:
            if point.origin != self.log.name:
                raise RefusedError(Wrong.FOREIGN, detail=repr(point.origin))
            judge(last, point, path)
        except RefusedError as error:
            if error.wrong is Wrong.FORKED or (asked and error.wrong in _OWN_DOING):
                self.book.keep(Line(self.now(), data.decode(), error.wrong.value))
            raise
        if known is not None and last == point:
            return known.note.encode()  # nothing new: the time of the first sight stands
        whole = self.own.cosign(found, self.now() // 1000).encode()
        self.book.keep(Line(self.now(), whole.decode()))
        return whole


class Log:
    """A log behind its HTTP API."""

    def __init__(self, url: str, client: httpx.Client) -> None:
        self._url, self._client = url.rstrip("/"), client

    def checkpoint(self) -> bytes:
        """Its newest checkpoint, as it says; WitnessError when it does not say."""
        return str(self._ask("GET", "/v1/log/checkpoint")["note"]).encode()

    def paths(self, first: int, second: int) -> list[bytes]:
        """The path that it offers; an empty one when it has none to offer."""
        where = f"/v1/log/consistency?first={first}&second={second}"
        try:
            return _hashes(self._ask("GET", where)["path"])
        except _NoneSuchError:
            return []

    def countersign(self, note: bytes) -> bool:
        """Hand a countersigned checkpoint back; does the log know this witness?"""
        try:
            self._ask("POST", "/v1/log/cosignatures", {"note": note.decode()})
        except _NoneSuchError:
            return False
        return True

    def _ask(self, method: str, where: str, body: Any = None) -> dict[str, Any]:
        import httpx  # here, as it would make every other command slower

        try:
            answer = self._client.request(method, self._url + where, json=body, timeout=WAIT_S)
            if answer.status_code in (400, 404, 422):
                raise _NoneSuchError(f"{where}: {answer.text[:200]}")
            answer.raise_for_status()
            found: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise WitnessError(f"log {self._url}: {error}; see if it runs") from None
        return found


class _NoneSuchError(WitnessError):
    """The log answers that there is no such thing."""


def check(post: Post, log: Log) -> tuple[Checkpoint, bool]:
    """One round: fetch, check, keep, countersign, hand back. The head, and whether the log
    took the countersignature. RefusedError or WitnessError as they say."""
    whole = post.take(log.checkpoint(), log.paths, asked=True)
    return parse_checkpoint(parse_note(whole).text), log.countersign(whole)


def application(post: Post) -> Any:
    """The witness's own door, as an ASGI application of two routes."""

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        route, body, more = (scope["method"], scope["path"]), b"", True
        while more and len(body) <= PUSH_MAX:
            piece = await receive()
            body, more = body + piece.get("body", b""), piece.get("more_body", False)
        status, text, kind = 404, "no such thing\n", "text/plain; charset=utf-8"
        if route == ("GET", "/checkpoint"):
            last = post.book.last
            status, text = (200, last.note) if last else (404, "nothing was seen yet\n")
        elif route == ("POST", "/add-checkpoint"):
            status, text = _pushed(post, body)
            kind = "text/x.tlog.size" if status == 409 else kind
        head = [(b"content-type", kind.encode())]
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": text.encode()})

    return serve


def _pushed(post: Post, body: bytes) -> tuple[int, str]:
    """What C2SP ``tlog-witness`` answers to an added checkpoint: status and body."""
    head, blank, data = body.partition(b"\n\n")
    first, *hashes = head.decode("ascii", "replace").split("\n")
    old = first.removeprefix("old ")
    if len(body) > PUSH_MAX or not blank or not (old.isascii() and old.isdigit()):
        return 400, "not an add-checkpoint request\n"
    try:
        path = _hashes(hashes)
        last = post.book.head
        if int(old) != (last.size if last else 0):
            signed(data, post.log)
            return 409, f"{last.size if last else 0}\n"
        whole = parse_note(post.take(data, lambda *_: path, asked=False))
    except RefusedError as error:
        # 409 is kept for a head that the pusher could catch up with.
        status = {Wrong.UNSIGNED: 403, Wrong.FOREIGN: 404}.get(error.wrong, 422)
        return status, error.en + "\n"
    except WitnessError as error:
        return 400, f"{error}\n"
    own = (post.own.key.name, post.own.key.id)
    lines = [line for line in whole.signatures if (line.name, line.key_id) == own]
    return 200, "".join(line.text() + "\n" for line in lines)


def _hashes(found: Any) -> list[bytes]:
    """Hashes as base64, at most as many as a path can have."""
    try:
        path = [base64.b64decode(one, validate=True) for one in found]
    except (TypeError, ValueError, binascii.Error):
        raise WitnessError("the path is not base64; have the log mended") from None
    if len(path) > _PATH_MAX or any(len(one) != HASH_SIZE for one in path):
        raise WitnessError("the path is none: too long, or not of hashes; have the log mended")
    return path


def create(path: Path, name: str, seed: bytes) -> Key:
    """Make a witness's key file, mode 0600; its public key. WitnessError when it is there."""
    try:
        made = witness(name, seed)
        material = base64.b64encode(bytes([made.key.kind]) + seed).decode()
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(file, "w", encoding="utf-8") as out:
            out.write(f"{_HEAD}{name}+{made.key.id.hex()}+{material}\n")
    except NoteError as error:
        raise WitnessError(f"{error}; name it like a web address without https://") from None
    except OSError as error:
        remedy = "a key is never overwritten"
        raise WitnessError(f"key file {path}: {error.strerror}; {remedy}") from None
    return made.key


def load(path: Path) -> Witness:
    """Read a witness's key file; WitnessError when it is damaged or open to others."""
    try:
        if path.stat().st_mode & 0o077:
            raise WitnessError(f"key file {path} is open to others; run `chmod 600 {path}`")
        name, key_id, material = (
            path.read_text("utf-8").strip().removeprefix(_HEAD).split("+", 2)
        )
        found = witness(name, base64.b64decode(material, validate=True)[1:])
        if found.key.id.hex() != key_id:
            raise ValueError("the id is not that of the key")
    except OSError as error:
        remedy = "make one with `qingjing witness create`"
        raise WitnessError(f"key file {path}: {error.strerror}; {remedy}") from None
    except ValueError:
        raise WitnessError(f"key file {path} is damaged; restore it from its backup") from None
    return found
