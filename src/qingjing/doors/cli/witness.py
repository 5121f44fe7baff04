"""``qingjing witness``: watch another organisation's log, and countersign what only grew.

Needs no settings and no ledger: a key of its own, the log's public key, one state file.
"""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import App, Parameter

from qingjing.desk.anchor import RefusedError, Witness
from qingjing.desk.entries import told
from qingjing.doors import witness as post
from qingjing.doors.cli import Session
from qingjing.doors.cli.output import (
    BAD_INPUT,
    NEGATIVE,
    Json,
    Shared,
    complain,
    say,
    say_json,
    table,
)
from qingjing.kernel.note import Key, NoteError, parse_checkpoint, parse_note

if TYPE_CHECKING:
    import httpx
    import uvicorn

app = App(name="witness", help="Watch a log from outside: create, check, serve, list.")

EVERY_S: Final = 60
"""How often a log is asked: as often as it signs by default."""

Url = Annotated[str, Parameter(name="--log", help="where the log's API is, https://...")]
LogKey = Annotated[Path, Parameter(help="the log's public key: `qingjing keys show` there")]
OwnKey = Annotated[Path, Parameter(name="--key", help="the witness's own key file")]
State = Annotated[Path, Parameter(help="what the witness saw: back it up")]


@app.command
def create(
    name: Annotated[str, Parameter(help="the witness's name, such as witness.example.cn")],
    *,
    key: OwnKey = Path("witness.key"),
    as_json: Json = False,
) -> int:
    """Make the witness's key; its public half goes into the log's `api.witnesses`.

    ```
    qingjing witness create witness.example.cn --key witness.key
    ```
    """
    try:
        public = post.create(key, name, secrets.token_bytes(32)).text()
    except post.WitnessError as error:
        complain(str(error))
        return BAD_INPUT
    if as_json:
        say_json({"file": str(key), "public_key": public})
    else:
        say(public)
    return 0


@app.command
def check(
    *,
    log: Url,
    log_key: LogKey,
    key: OwnKey = Path("witness.key"),
    state: State = Path("witness.jsonl"),
    as_json: Json = False,
    session: Shared,
) -> int:
    """Look at the log once. Exit code 1 when it does not continue what was seen before.

    ```
    qingjing witness check --log https://sms.example.cn:7880 --log-key ledger.pub
    ```
    """
    try:
        with _post(session, log_key, key, state) as own, _client() as client:
            point, taken = post.check(own, post.Log(log, client))
    except RefusedError as error:
        if as_json:
            say_json({"ok": False, "wrong": error.wrong.value, "zh": error.zh, "en": error.en})
        else:
            complain(error.zh if session.lang == "zh" else error.en)
        return NEGATIVE
    except (post.WitnessError, NoteError, OSError) as error:
        complain(str(error))
        return BAD_INPUT
    if as_json:
        found = {"ok": True, "size": point.size, "root": point.root.hex(), "handed_back": taken}
        say_json(found)
    else:
        say(_good(point.size, taken, session))
    return 0


@app.command
async def serve(
    *,
    log: Url,
    log_key: LogKey,
    key: OwnKey = Path("witness.key"),
    state: State = Path("witness.jsonl"),
    every_s: Annotated[int, Parameter(help="seconds between two looks")] = EVERY_S,
    host: Annotated[str, Parameter(help="where to listen")] = "127.0.0.1",
    port: Annotated[int, Parameter(help="0: any free one")] = 7881,
    session: Shared,
) -> int:
    """Look at the log again and again until SIGTERM; take what it pushes; show the last head.

    What is wrong is told on standard error each time and kept in the state file.

    ```
    qingjing witness serve --log https://sms.example.cn:7880 --log-key ledger.pub
    ```
    """
    import uvicorn  # here, as it would make every other command slower

    from qingjing.doors.listening import Server

    until, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, until.set)
    try:
        with _post(session, log_key, key, state) as own, _client() as client:
            server = Server(  # signals are ours, above
                uvicorn.Config(
                    post.application(own),
                    host=host,
                    port=port,
                    lifespan="off",
                    log_config=None,
                    access_log=False,
                    timeout_keep_alive=5,
                    limit_concurrency=100,
                )
            )
            serving = asyncio.create_task(server.serve())
            while not (server.started or serving.done()):
                await asyncio.sleep(0.01)
            if server.started:
                complain(f"witness: listening on port {_port(server)}")
            while not (until.is_set() or serving.done()):
                await asyncio.to_thread(_look, own, post.Log(log, client), session)
                waiting = asyncio.create_task(until.wait())
                await asyncio.wait(
                    (waiting, serving), timeout=every_s, return_when="FIRST_COMPLETED"
                )
                waiting.cancel()
            server.should_exit = True
            await serving
    except (post.WitnessError, NoteError, OSError) as error:
        complain(str(error))
        return BAD_INPUT
    return 0


@app.command(name="list")
def list_seen(
    *, state: State = Path("witness.jsonl"), as_json: Json = False, session: Shared
) -> int:
    """Every checkpoint that the witness saw, and what was wrong with it.

    Exit code 1 when anything was.

    ```
    qingjing witness list --state witness.jsonl
    ```
    """
    try:
        with post.opened(state) as book:
            lines = book.lines
    except post.WitnessError as error:
        complain(str(error))
        return BAD_INPUT
    points = [parse_checkpoint(parse_note(line.note.encode()).text) for line in lines]
    if as_json:
        seen = [
            {"at": line.at, "size": point.size, "root": point.root.hex(), "wrong": line.wrong}
            for line, point in zip(lines, points, strict=True)
        ]
        say_json({"seen": seen})
    else:
        rows = [
            (told(line.at), point.size, point.root.hex()[:16], line.wrong)
            for line, point in zip(lines, points, strict=True)
        ]
        table(("时间", "事实", "根", "问题") if session.lang == "zh" else _HEADS, rows)
    return NEGATIVE if any(line.wrong for line in lines) else 0


_HEADS: Final = ("at", "facts", "root", "wrong")


def _look(own: post.Post, log: post.Log, session: Session) -> None:
    """One look; whatever it gives is told, and the next look comes."""
    try:
        point, taken = post.check(own, log)
        complain(_good(point.size, taken, session))
    except RefusedError as error:
        complain(error.zh if session.lang == "zh" else error.en)
    except post.WitnessError as error:
        complain(str(error))


def _good(size: int, taken: bool, session: Session) -> str:
    if session.lang == "zh":
        return f"日志只增不改,共{size}条事实,已见证" + ("" if taken else "(日志未收下副署)")
    note = "" if taken else "; the log did not take the countersignature: see api.witnesses"
    return f"the log only grew: {size} facts, countersigned{note}"


@contextmanager
def _post(session: Session, log_key: Path, key: Path, state: Path) -> Iterator[post.Post]:
    own: Witness = post.load(key)
    log = Key.parse(log_key.read_text("utf-8").strip())
    with post.opened(state) as book:
        yield post.Post(own, log, book, lambda: session.now)


def _client() -> httpx.Client:
    import httpx

    return httpx.Client(headers={"User-Agent": "qingjing-witness"}, trust_env=False)


def _port(server: uvicorn.Server) -> int:
    return int(server.servers[0].sockets[0].getsockname()[1])
