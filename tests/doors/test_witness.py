"""The witness over real HTTP: it signs what only grew, and finds out who rewrites."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import httpx
import msgspec
import pytest

from qingjing.desk.anchor import RefusedError, Wrong, judge, witness
from qingjing.doors import witness as door
from qingjing.kernel import chain, note
from qingjing.kernel.facts import decode, encode
from qingjing.kernel.note import Checkpoint, Key

SETTINGS = """
name = "log.example.cn/qingjing"
checkpoint_s = 1
[api]
port = 0
witnesses = ["{witness}"]
"""


class Web:
    """HTTP without a connection that is kept."""

    @staticmethod
    def get(url: str) -> httpx.Response:
        """One GET."""
        return httpx.get(url, trust_env=False, timeout=20)

    @staticmethod
    def post(url: str, content: str | bytes) -> httpx.Response:
        """One POST."""
        return httpx.post(url, content=content, trust_env=False, timeout=20)


HTTP = Web


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """One command in a folder, in a process of its own."""
    line = (sys.executable, "-m", "qingjing", *words)
    return subprocess.run(
        line, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )


class Service:
    """A program that listens, in a process of its own."""

    def __init__(self, folder: Path, *words: str, named: str) -> None:
        line = (sys.executable, "-m", "qingjing", *words)
        self.process = subprocess.Popen(
            line, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stderr is not None
        for told in self.process.stderr:
            if told.startswith(f"qingjing: {named}: listening on port"):
                self.url = f"http://127.0.0.1:{told.rsplit(' ', 1)[1].strip()}"
                return
        raise AssertionError("it does not listen")

    def stop(self) -> str:
        """End it as an operator does; what it said."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.communicate(timeout=60)[1]


@pytest.fixture
def houses(tmp_path: Path) -> tuple[Path, Path]:
    """An operator's folder with consents on record, and a witness's with its own key."""
    log, watch = tmp_path / "log", tmp_path / "watch"
    log.mkdir()
    watch.mkdir()
    public = command(watch, "witness", "create", "witness.example.cn").stdout.strip()
    (log / "qingjing.toml").write_text(SETTINGS.format(witness=public), "utf-8")
    key = command(log, "keys", "create", "--json").stdout
    (watch / "ledger.pub").write_text(msgspec.json.decode(key)["public_key"], "utf-8")
    party = ("register", "party", "qinghe", "--name", "青禾商城", "--role", "platform")
    made = command(log, *party, "--credit-code", "91110105MA00QHXC1P", "--group", "qinghe")
    assert made.returncode == 0, made.stderr
    consent(log, "13800138000", "2026-05-01 09:30")
    return log, watch


def consent(log: Path, number: str, given_at: str) -> None:
    """Record one consent."""
    words = ("--sender", "qinghe", "--purpose", "retail", "--act", "ticked", "--door", "web")
    done = command(log, "consent", "record", number, *words, "--given-at", given_at)
    assert done.returncode == 0, done.stderr


def served(log: Path) -> Service:
    """The operator's service, once it has signed."""
    made = Service(log, "serve", named="http")
    deadline = time.monotonic() + 30
    while HTTP.get(f"{made.url}/v1/log/checkpoint").status_code != 200:
        assert time.monotonic() < deadline, "nothing was signed"
        time.sleep(0.1)
    return made


def looked(watch: Path, url: str) -> subprocess.CompletedProcess[str]:
    """One look of the witness."""
    words = ("--log", url, "--log-key", "ledger.pub")
    return command(watch, "witness", "check", *words)


def rewritten(log: Path) -> None:
    """An operator with every key and all skill: one consent is made a year older, and leaves,
    tree and checkpoints are built anew, so that the ledger's own check finds nothing."""
    path = log / "data" / "ledger.db"
    shutil.rmtree(log / "data" / "snapshot", ignore_errors=True)
    with sqlite3.connect(path) as db:
        rows = db.execute("SELECT position, body FROM fact ORDER BY position").fetchall()
        for position, body in rows:
            recorded = decode(body)
            if recorded.fact.__struct_config__.tag == "consent.recorded/1":
                older = msgspec.structs.replace(
                    recorded.fact,
                    given_at=recorded.fact.given_at - 31_536_000_000,  # type: ignore[union-attr]
                )
                body = encode(msgspec.structs.replace(recorded, fact=older))
            leaf = chain.leaf_hash(body)
            query = "UPDATE fact SET body = ?, leaf = ? WHERE position = ?"
            db.execute(query, (body, leaf, position))
        db.execute("DELETE FROM checkpoint")
        db.execute("DELETE FROM meta WHERE name = 'frontier'")
    db.close()


def test_an_operator_who_rewrites_one_consent_is_caught_by_the_witness(
    houses: tuple[Path, Path],
) -> None:
    """Over HTTP between two processes: first all is well, then no skill helps the operator."""
    log, watch = houses
    service = served(log)
    first = looked(watch, service.url)
    kept = HTTP.get(f"{service.url}/v1/log/checkpoint").json()["note"]
    consent(log, "13900139000", "2026-05-02 10:00")
    grown = looked(watch, service.url)
    service.stop()
    rewritten(log)
    checked = command(log, "ledger", "verify")
    service = served(log)
    caught = looked(watch, service.url)
    chinese = command(
        watch,
        "--lang",
        "zh",
        "witness",
        "check",
        "--log",
        service.url,
        "--log-key",
        "ledger.pub",
    )
    listed = command(watch, "witness", "list", "--json")
    service.stop()

    assert first.returncode == 0, first.stderr
    assert "witness.example.cn" in kept
    assert grown.returncode == 0, grown.stderr
    assert "did not take" not in grown.stdout
    assert checked.returncode == 0, checked.stdout  # its own check finds nothing
    assert caught.returncode == 1
    assert "forked" in caught.stderr or "rewritten" in caught.stderr
    assert "改写" in chinese.stderr
    seen = msgspec.json.decode(listed.stdout)["seen"]
    assert [bool(one["wrong"]) for one in seen][-1]
    assert listed.returncode == 1


def test_a_serving_witness_signs_what_it_is_pushed_and_shows_its_last_head(
    houses: tuple[Path, Path],
) -> None:
    """By C2SP tlog-witness: 200 with a signature line, 409 with the size it has, 403, 400."""
    log, watch = houses
    service = served(log)
    words = ("--log", service.url, "--log-key", "ledger.pub", "--port", "0", "--every-s", "1")
    at_post = Service(watch, "witness", "serve", *words, named="witness")
    deadline = time.monotonic() + 30
    while HTTP.get(f"{at_post.url}/checkpoint").status_code != 200:
        assert time.monotonic() < deadline, "it never looked"
        time.sleep(0.1)
    shown = HTTP.get(f"{at_post.url}/checkpoint").text
    size = note.parse_checkpoint(note.parse_note(shown.encode()).text).size
    push = f"{at_post.url}/add-checkpoint"
    good = HTTP.post(push, content=f"old {size}\n\n{shown}")
    behind = HTTP.post(push, content=f"old 0\n\n{shown}")
    forged = HTTP.post(push, content=f"old {size}\n\n" + shown.replace("\n", "0\n", 2))
    garbage = HTTP.post(push, content=b"\xff\x00")
    at_post.stop()
    listed = command(watch, "witness", "list", "--json")
    service.stop()

    assert good.status_code == 200
    assert good.text.startswith("— witness.example.cn ")
    assert (behind.status_code, behind.text) == (409, f"{size}\n")
    assert forged.status_code == 403
    assert garbage.status_code == 400
    assert listed.returncode == 0
    seen = msgspec.json.decode(listed.stdout)["seen"]
    assert seen[-1]["size"] >= size
    assert at_post.process.returncode == 0


def heads(*leaves: bytes) -> tuple[Checkpoint, list[bytes]]:
    """A log's head and its leaf hashes."""
    hashes = chain.leaf_hashes(leaves)
    return Checkpoint("log", len(leaves), chain.root(hashes)), hashes


def test_each_wrong_has_its_name() -> None:
    """Shrunk, forked, rewritten, foreign; and growth is none."""
    old, _hashes = heads(b"1", b"2", b"3")
    new, grown = heads(b"1", b"2", b"3", b"4")
    other, _ = heads(b"1", b"X", b"3")
    path = chain.consistency(3, 4, chain.held(grown))
    judge(old, new, path)
    judge(None, old, ())
    foreign = msgspec.structs.replace(new, origin="another")
    rewritten, changed = heads(b"1", b"X", b"3", b"4")
    false = chain.consistency(3, 4, chain.held(changed))
    wrongs = []
    for last, now, way in (
        (new, old, ()),
        (old, other, ()),
        (old, rewritten, false),
        (old, new, ()),
        (old, foreign, path),
    ):
        with pytest.raises(RefusedError) as refused:
            judge(last, now, way)
        wrongs.append(refused.value.wrong)
        assert refused.value.zh
        assert str(refused.value) == refused.value.en

    assert wrongs == [
        Wrong.SHRUNK,
        Wrong.FORKED,
        Wrong.REWRITTEN,
        Wrong.REWRITTEN,
        Wrong.FOREIGN,
    ]


def test_a_witness_remembers_over_a_restart_and_a_torn_last_line(tmp_path: Path) -> None:
    """What it signed is on disk before the signature leaves; half a line was never answered."""
    own = witness("witness.example.cn", bytes(32))
    state = tmp_path / "seen.jsonl"
    log = witness("log", b"1" * 32)
    key = Key("log", log.key.public_key)
    point, _hashes = heads(b"1", b"2")
    data = signed_by(log.seed, key, point)
    with door.opened(state) as book:
        door.Post(own, key, book, lambda: 1000).take(data, lambda *_: (), asked=True)
    whole = state.read_bytes()
    state.write_bytes(whole + b'{"at":5,"note":"torn')
    fork = signed_by(log.seed, key, heads(b"1", b"X")[0])
    with door.opened(state) as book:
        assert book.head == point
        with pytest.raises(RefusedError, match="forked"):
            door.Post(own, key, book, lambda: 1000).take(fork, lambda *_: (), asked=False)
    with door.opened(state) as book:
        assert [line.wrong for line in book.lines] == ["", "forked"]
        with pytest.raises(door.WitnessError, match="another process"), door.opened(state):
            pass


def test_a_stranger_who_pushes_an_old_head_or_a_wrong_path_convicts_nobody(
    tmp_path: Path,
) -> None:
    """Anyone can hand in a true head with a false path: it is refused, and not kept."""
    own, log = witness("witness.example.cn", bytes(32)), witness("log", b"1" * 32)
    key = Key("log", log.key.public_key)
    old = signed_by(log.seed, key, heads(b"1", b"2")[0])
    new = signed_by(log.seed, key, heads(b"1", b"2", b"3")[0])
    with door.opened(tmp_path / "seen.jsonl") as book:
        post = door.Post(own, key, book, lambda: 1000)
        post.take(old, lambda *_: (), asked=True)
        with pytest.raises(RefusedError):
            post.take(new, lambda *_: (bytes(32),), asked=False)
        path = chain.consistency(2, 3, chain.held(heads(b"1", b"2", b"3")[1]))
        post.take(new, lambda *_: path, asked=False)
        with pytest.raises(RefusedError, match="shrank"):
            post.take(old, lambda *_: (), asked=False)
        assert [line.wrong for line in book.lines] == ["", ""]


def signed_by(seed: bytes, key: Key, point: Checkpoint) -> bytes:
    """A checkpoint under a log's own signature."""
    from cryptography.hazmat.primitives.asymmetric import ed25519

    private = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
    text = point.text()
    return note.Note(text, (note.sign(text, key, private.sign),)).encode()


def test_a_key_open_to_others_or_damaged_is_not_used(tmp_path: Path) -> None:
    """And none is overwritten."""
    path = tmp_path / "witness.key"
    made = door.create(path, "witness.example.cn", b"2" * 32)
    assert door.load(path).key == made
    assert "seed hidden" in repr(door.load(path))
    with pytest.raises(door.WitnessError, match="never overwritten"):
        door.create(path, "witness.example.cn", b"3" * 32)
    os.chmod(path, 0o644)
    with pytest.raises(door.WitnessError, match="chmod 600"):
        door.load(path)
    os.chmod(path, 0o600)
    path.write_text("PRIVATE+KEY+witness.example.cn+00000000+BAAA\n", "utf-8")
    with pytest.raises(door.WitnessError, match="damaged"):
        door.load(path)


def test_absence_at_a_time_is_proved_by_a_running_service_and_verified_elsewhere(
    houses: tuple[Path, Path],
) -> None:
    """The service lists changes on its clock; witness and verifier need no trust in it."""
    log, watch = houses
    with (log / "qingjing.toml").open("r+", encoding="utf-8") as file:
        text = file.read()
        file.seek(0)
        file.write("listing_s = 1\n" + text)
    service = served(log)
    when = beijing_now()
    words = ("--number", "13900139000", "--sender", "qinghe", "--at", when)
    deadline = time.monotonic() + 60
    while command(log, "prove", "absence", *words, "--out", "no.zip").returncode:
        assert time.monotonic() < deadline, "nothing was listed"
        time.sleep(0.5)
    consent(log, "13900139000", "2026-05-02 10:00")
    false = command(
        log, "prove", "absence", *words[:4], "--at", beijing_now(), "--out", "x.zip"
    )
    audit = command(log, "ledger", "listing", "--check", "--json")
    said = service.stop()
    (watch / "no.zip").write_bytes((log / "no.zip").read_bytes())
    verified = command(watch, "--lang", "zh", "verify", "no.zip", "--key", "ledger.pub")

    assert verified.returncode == 0, verified.stdout + said
    assert "没有13900139000对qinghe的同意" in verified.stdout
    assert false.returncode == 2
    assert not (log / "x.zip").exists()
    listed = msgspec.json.decode(audit.stdout)["listings"]
    assert listed
    assert not [one for one in listed if one["problem"]]


def beijing_now() -> str:
    """The time of now as commands read it."""
    return datetime.now(timezone(timedelta(hours=8))).isoformat(timespec="milliseconds")
