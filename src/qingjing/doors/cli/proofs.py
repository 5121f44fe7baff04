"""``qingjing prove`` and ``qingjing verify``: a decision handed out, and checked elsewhere.

``verify`` opens no settings, no keys and no database: it works on any machine.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import numpy as np
from cyclopts import App, Parameter

from qingjing.desk.bundle import BUNDLE_BYTES_MAX, TIME_MAX, BundleError, Proven, step_proven
from qingjing.desk.bundle import write as write_bundle
from qingjing.desk.consent import purposes_names
from qingjing.desk.entries import told
from qingjing.desk.prove import ProofError
from qingjing.desk.prove import prove as collect
from qingjing.desk.verify import Report, Result, erasures
from qingjing.desk.verify import verify as check
from qingjing.doors.cli import Lang
from qingjing.doors.cli.output import (
    BAD_INPUT,
    NEGATIVE,
    Json,
    Shared,
    complain,
    hand_out,
    say,
    say_json,
)
from qingjing.doors.cli.standing_proofs import (
    claim_object,
    claim_words,
    prove_absence,
    prove_presence,
)
from qingjing.kernel import facts as f
from qingjing.kernel.batch import names
from qingjing.kernel.note import NOTE_BYTES_MAX, Key, NoteError, parse_checkpoint, parse_note
from qingjing.kernel.register import FOREVER
from qingjing.kernel.rows import MOVE, Moved
from qingjing.kernel.rules import BY_NAME
from qingjing.kernel.words import Kind, Verdict

prove_app = App(name="prove", help="Write a proof that anyone can check: see docs/proofs.md.")
prove_app.command(prove_absence, name="absence")
prove_app.command(prove_presence, name="presence")


@prove_app.default
async def prove(
    message: Annotated[int, Parameter(help="the message's id in the ledger")],
    *,
    out: Annotated[Path | None, Parameter(help="write there, not to standard output")] = None,
    with_number: Annotated[
        bool, Parameter(negative="", help="show the number and the submitted bytes")
    ] = False,
    since: Annotated[
        Path | None, Parameter(help="an earlier checkpoint, to prove that the log only grew")
    ] = None,
    session: Shared,
) -> int:
    """Write the proof of one decision: a zip file that anyone can check with `qingjing verify`.

    It shows the text. It shows the person's number only with `--with-number`.

    ```
    qingjing prove 281474976710657 > bundle.zip
    qingjing prove 281474976710657 --with-number --since witness.txt --out bundle.zip
    ```
    """
    if out is None and sys.stdout.isatty():
        complain("a bundle is a zip file: send it to a file with > bundle.zip or --out")
        return BAD_INPUT
    try:
        size = 0
        if since is not None:
            kept = parse_note(_bytes(since, NOTE_BYTES_MAX))
            size = parse_checkpoint(kept.text).size
        key = Key.parse(session.house.public_key(session.settings))
        async with session.beside() as desk:
            bundle = collect(
                desk.ledger,
                message,
                session.now,
                key=key,
                include_number=with_number,
                since=size,
                imports=session.imports,
            )
        hand_out(write_bundle(bundle), out)
    except (ProofError, BundleError, NoteError, OSError) as error:
        complain(str(error))
        return BAD_INPUT
    return 0


def verify(
    bundle: Annotated[Path, Parameter(help="the file that `qingjing prove` wrote")],
    *,
    key: Annotated[
        Path | None, Parameter(help="public keys that you trust, one a line")
    ] = None,
    witnessed: Annotated[
        Path | None, Parameter(help="an earlier checkpoint that you or a witness kept")
    ] = None,
    as_json: Json = False,
    session: Shared,
) -> int:
    """Check a proof, and say what was decided, on which facts, under which rulebook.

    Needs nothing but the file. Without `--key` the key is taken from the bundle itself: compare
    the fingerprint with the one that the operator publishes. Exit code 1 when it does not hold.

    ```
    qingjing verify bundle.zip
    qingjing verify bundle.zip --key ledger.pub --witnessed witness.txt --lang zh
    qingjing verify bundle.zip --json
    ```
    """
    try:
        data = _bytes(bundle, BUNDLE_BYTES_MAX)
        keys = None if key is None else _keys(_bytes(key, NOTE_BYTES_MAX).decode())
        earlier = None if witnessed is None else _bytes(witnessed, NOTE_BYTES_MAX)
    except (NoteError, OSError, UnicodeDecodeError) as error:
        complain(str(error))
        return BAD_INPUT
    report = check(data, keys, earlier)
    if as_json:
        say_json(as_object(report))
    else:
        say(*in_words(report, session.lang))
    return 0 if report.ok else NEGATIVE


def as_object(report: Report) -> dict[str, Any]:
    """The report for programs: findings, the decision, and the same in words."""
    found = report.proven
    return {
        "ok": report.ok,
        "findings": msgspec.to_builtins(report.findings),
        "decision": None
        if found is None
        else {
            "message": int(found.row["message"]),
            "verdict": Verdict(int(found.row["verdict"])).name.lower(),
            "reasons": list(names(int(found.row["reasons"]))),
            "at": found.decision.at,
            "position": found.decision.position,
            "rulebook": found.batch.rulebook,
            "rulebook_digest": found.batch.rulebook_digest,
            "reader": found.batch.reader,
            "sender": found.lane.sender,
            "grounds": int(found.row["grounds"]),
            "facts": [fact.position for fact in found.earlier()],
            "erased": [fact.position for fact in erasures(found)],
        },
        "claim": None if report.claim is None else claim_object(report.claim),
        "words_en": in_words(report, "en"),
        "words_zh": in_words(report, "zh"),
    }


_MARKS: Final = {
    Result.HOLDS: "✓",
    Result.FAILS: "✗",
    Result.RECORD: "·",
    Result.DIFFERS: "?",
}
_VERDICTS: Final = {Verdict.PASS: "放行", Verdict.HOLD: "暂扣", Verdict.REFUSE: "拒绝"}
_STEPS_ZH: Final = {
    Moved.RELEASED: "已下发",
    Moved.STOPPED: "下发前拦停",
    Moved.ACCEPTED: "运营商已接收",
    Moved.REJECTED: "运营商拒收",
    Moved.UNKNOWN: "结果未知",
    Moved.REPORTED: "状态报告",
    Moved.TOLD: "已告知客户",
}


def in_words(report: Report, lang: Lang) -> list[str]:
    """The report for people: the answer, the decision, then every check."""
    chinese = lang == "zh"
    if report.ok:
        lines = ["验证通过" if chinese else "Verified"]
    else:
        lines = ["验证不通过" if chinese else "NOT verified"]
    if report.claim is not None:
        lines += ["", claim_words(report.claim, chinese)]
    if report.proven is not None:
        lines += ["", *_decision(report.proven, chinese)]
    lines += ["", "核对项:" if chinese else "Checks:"]
    lines += [
        f"{_MARKS[finding.result]} {finding.zh if chinese else finding.en}"
        for finding in report.findings
    ]
    return [plain(line) for line in lines]


def _decision(found: Proven, chinese: bool) -> Iterator[str]:
    """What was decided, when, for whom, on which facts, under which rulebook, and why."""
    row, lane, opened = found.row, found.lane, found.bundle.openings
    verdict, at = Verdict(int(row["verdict"])), when(found.decision.at)
    message, place = int(row["message"]), found.decision.position
    number = "***"
    lang: Lang = "zh" if chinese else "en"
    if opened.number is not None and opened.number.opens(row["original"].tobytes()):
        number = opened.number.number
    if chinese:
        yield f"短信{message}于北京时间{at}决定(第{place}条事实):{_VERDICTS[verdict]}"
        yield f"收件人{number};发送主体{lane.sender};端口{lane.port};签名【{lane.signature}】"
        yield f"规则集:{found.batch.rulebook}(SHA-256 {found.batch.rulebook_digest})"
    else:
        yield f"Message {message}, decided {at} Beijing time (fact {place}): {verdict.name}"
        yield f"To {number}, from {lane.sender}, port {lane.port}, signature {lane.signature}"
        yield f"Rulebook: {found.batch.rulebook} (SHA-256 {found.batch.rulebook_digest})"
    if opened.text is not None and opened.text.opens(found.text.commitment):
        yield ("正文:" if chinese else "Text: ") + opened.text.text
    for name in names(int(row["reasons"])):
        rule = BY_NAME[name]
        if chinese:
            yield f"理由 {name}:{rule.zh}。{rule.remedy_zh}"
        else:
            yield f"Reason {name}: {rule.en}. {rule.remedy_en}"
    yield "所依据的事实:" if chinese else "Facts:"
    for recorded in found.earlier():
        rests = recorded.position == row["grounds"]
        yield ("  * " if rests else "    ") + fact_words(recorded, lang)
    for step in found.bundle.moves:
        if step_proven(found, step):
            move = np.frombuffer(step.data, MOVE)[0]
            what, then = Moved(int(move["what"])), when(int(move["at"]))
            stat = move["stat"].decode("ascii", "replace")
            word = _STEPS_ZH[what] if chinese else what.name
            yield f"{'其后' if chinese else 'Then'} {then} {word} {stat}".rstrip()
    for recorded in erasures(found):
        yield f"{'其后' if chinese else 'Then'} {fact_words(recorded, lang)}"


def when(at: int) -> str:
    """A time of the record for people; a time that no calendar reaches as it stands."""
    return told(at) if 0 <= at < TIME_MAX else str(at)


def plain(text: str) -> str:
    """Foreign text as one line: nothing in it can move the cursor or pass for our own words."""
    return "".join(one if one.isprintable() else "�" for one in text)


_TITLES_ZH: Final[dict[type, str]] = {
    f.PartyRegistered: "主体登记",
    f.PartySuspended: "主体暂停",
    f.PartyReinstated: "主体恢复",
    f.PortRegistered: "端口登记",
    f.PortFiled: "端口报备",
    f.SignatureRegistered: "签名登记",
    f.SignatureFiled: "签名报备",
    f.GrantMade: "授权",
    f.GrantEnded: "授权终止",
    f.WordingRegistered: "展示文案",
    f.WordingStated: "文案所告知的条件",
    f.WordingShown: "展示记录",
    f.ShowingUsed: "展示已使用",
    f.AskingOpened: "征询",
    f.AskingPut: "已征询",
    f.ConsentRecorded: "同意或请求",
    f.ConsentsImported: "批量导入的同意",
    f.RefusalRecorded: "拒收",
    f.RefusalLifted: "撤回拒收",
    f.ReplyHeard: "用户回复",
    f.NumberNoted: "号码状态",
    f.PersonForgotten: "删除个人数据",
    f.RulebookAdopted: "采用规则集",
    f.ChangesListed: "变更清单",
}
_SILENT: Final = frozenset(
    (
        *("person", "handle", "words", "rulebook", "rows_root", "proof", "licences", "digest"),
        "replaced",
    )
)
"""Fields that name a person by key, or are long: the bundle holds them, people need not."""

_ANY_KIND: Final = (1 << len(Kind)) - 1
_TIMES: Final = frozenset(("given_at", "valid_from", "valid_until", "until"))


def fact_words(recorded: f.Recorded, lang: Lang) -> str:
    """One fact in a line: place, time, what it is, and what it says."""
    fact = recorded.fact
    tag = str(fact.__struct_config__.tag)
    title = _TITLES_ZH.get(type(fact), tag) if lang == "zh" else tag.split("/")[0]
    said = [
        f"{name} {_value(name, value)}"
        for name, value in msgspec.structs.asdict(fact).items()
        if name not in _SILENT and value not in ("", 0, None, ())
    ]
    return f"{recorded.position} {when(recorded.at)} {title}: {', '.join(said)}"


def _value(name: str, value: Any) -> str:
    if name in _TIMES:
        return "-" if value >= FOREVER else when(value)
    if name == "purposes":
        return "/".join(purposes_names(value))
    if name == "kinds":
        if value == _ANY_KIND:
            return "any"
        return "/".join(kind.name.lower() for kind in Kind if value >> kind & 1)
    if isinstance(value, Enum):
        return str(value.value) if isinstance(value.value, str) else value.name.lower()
    if isinstance(value, tuple):
        return "/".join(map(str, value))
    return str(value)


def _bytes(path: Path, most: int) -> bytes:
    """A file's bytes, one more than allowed at most: whoever reads them refuses the rest."""
    with path.open("rb") as file:
        return file.read(most + 1)


def _keys(text: str) -> list[Key]:
    """Public keys, one a line; empty lines and lines with # are passed over."""
    lines = (line.strip() for line in text.splitlines())
    return [Key.parse(line) for line in lines if line and not line.startswith("#")]
