"""The demo's story of a run: what passed, what did not and why, one refusal, one proof."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final, Literal

import numpy as np
from rich.console import Console
from rich.table import Table

from qingjing.city import out
from qingjing.city.plan import Plan
from qingjing.city.scene import BUSY, Message
from qingjing.city.score import Score, reason_of
from qingjing.desk.bundle import write as bundle_bytes
from qingjing.desk.entries import told
from qingjing.desk.prove import prove
from qingjing.desk.send import Desk
from qingjing.desk.verify import Result, verify
from qingjing.kernel.facts import MessagesDecided
from qingjing.kernel.note import Key
from qingjing.kernel.rows import DECIDED
from qingjing.kernel.rules import BY_NAME
from qingjing.kernel.words import Verdict

BUNDLE: Final = "proof.zip"
_SHOWN: Final = "after_refusal_other_signature"
"""The violation that is explained and proved: a refusal that holds under every name."""
_MARKS: Final = {
    Result.HOLDS: "[green]✓[/green]",
    Result.FAILS: "[red]✗[/red]",
    Result.RECORD: "·",
    Result.DIFFERS: "[yellow]?[/yellow]",
}


class Story:
    """Told on a console, chapter by chapter, in Chinese or English."""

    def __init__(
        self, plan: Plan, score: Score, folder: Path, lang: Literal["en", "zh"]
    ) -> None:
        self.plan, self.score, self.folder = plan, score, folder
        self._chinese = lang == "zh"

    def _say(self, zh: str, en: str) -> str:
        return zh if self._chinese else en

    def _title(self, console: Console, number: int, zh: str, en: str) -> None:
        console.print(f"\n[bold]{number}. {self._say(zh, en)}[/bold]")

    def passed_and_refused(self, console: Console) -> None:
        """Numbers, and every reason with its sentence."""
        score = self.score
        self._title(console, 1, "放行与拒绝", "What passed and what did not")
        planted = sum(row.planted for row in score.rows)
        found = sum(row.found for row in score.rows)
        console.print(
            self._say(
                f"两个平台向三家运营商提交短信{score.messages}条:放行{score.passed}条,"
                f"拒绝{score.refused}条,暂扣{score.held}条。预埋违规{planted}条,"
                f"发现{found}条;正常短信{score.good}条,误拒{len(score.good_refused)}条。",
                f"Two platforms submitted {score.messages} messages to three carriers: "
                f"{score.passed} passed, {score.refused} were refused, {score.held} held. "
                f"{planted} violations had been planted and {found} were found; of "
                f"{score.good} good messages {len(score.good_refused)} were refused.",
            )
        )
        drawn = Table(box=None, pad_edge=False)
        drawn.add_column(self._say("条数", "count"), justify="right")
        for head in (self._say("规则", "rule"), "原因", "why", self._say("义务", "duty")):
            drawn.add_column(head, overflow="fold")
        answers = out.read(self.folder, out.ANSWERS, out.Answered)
        reasons = Counter(reason for row in answers if (reason := reason_of(row.results)))
        for reason, count in reasons.most_common():
            rule = BY_NAME.get(reason)
            words = (rule.zh, rule.en, rule.duty) if rule else ("", "", "")
            drawn.add_row(str(count), reason, *words)
        console.print(drawn)

    def refusal_takes_effect(self, console: Console) -> None:
        """One reply, and the message that waited for its carrier at that moment."""
        self._title(console, 2, "一条“退订”立即生效", "One opt-out takes effect")
        stopped = {
            truth.person: truth
            for truth in out.read(self.folder, out.TRUTH, out.Truth)
            if truth.violation == "queued_at_refusal"
        }
        heard = next(
            (
                reply
                for reply in out.read(self.folder, out.REPLIES, out.Heard)
                if reply.wave == BUSY and reply.person in stopped
            ),
            None,
        )
        if heard is None:
            return
        truth = stopped[heard.person]
        took = heard.acknowledged_at - heard.said_at
        received = {row.tag for row in out.read(self.folder, out.RECEIVED, out.Delivered)}
        console.print(
            self._say(
                f"{told(heard.said_at)} {heard.phone} 向端口 {heard.port} 回复“{heard.words}”。"
                f"{took} 毫秒后已入账并生效,对整个 {heard.group} 集团的全部端口和签名。",
                f"{told(heard.said_at)} {heard.phone} wrote “{heard.words}” to port "
                f"{heard.port}. {took} ms later it was on record and in force for the whole "
                f"group {heard.group}, on every port and signature.",
            ),
            markup=False,
        )
        left = truth.tag in received
        console.print(
            self._say(
                f"当时运营商正忙,短信 {truth.tag} 已受理并在排队:"
                f"{'仍被发出' if left else '没有发出,并已向平台报告 REJECTD'}。",
                f"The carrier was busy; message {truth.tag} had been taken and was queued: "
                f"{'it left all the same' if left else 'it never left, reported REJECTD'}.",
            )
        )

    def proved(self, console: Console, desk: Desk, key: Key, at: int) -> None:
        """One decision: its reasons, its proof signed at this time, and the proof changed."""
        self._title(console, 3, "一次判定,可以证明", "One decision, explained and proved")
        message = next(m for m in self.plan.messages if m.violation == _SHOWN)
        number = _message_id(desk, message)
        if number is None:
            return
        bundle = prove(desk.ledger, number, at, key=key)
        data = bundle_bytes(bundle)
        (self.folder / BUNDLE).write_bytes(data)
        report = verify(data, [key])
        console.print(message.body, markup=False)
        if report.proven is not None:
            for name in _reasons(int(report.proven.row["reasons"])):
                rule = BY_NAME[name]
                console.print(f"  {self._say(rule.zh, rule.en)} ({name}, {rule.duty})")
        for finding in report.findings:
            mark = _MARKS[finding.result]
            console.print(f"  {mark} {self._say(finding.zh, finding.en)}")
        changed = bytearray(data)
        changed[len(changed) // 2] ^= 1
        yes, no = self._say("通过", "holds"), self._say("不通过", "does not hold")
        console.print(
            self._say("证明包验证:", "The proof ")
            + (yes if report.ok else no)
            + self._say(";改动一个字节之后:", "; with one byte changed it ")
            + (yes if verify(bytes(changed), [key]).ok else no)
        )

    def where_next(self, console: Console) -> None:
        """What to look at."""
        self._title(console, 4, "接着看", "Where to look next")
        folder = self.folder
        for command, zh, en in (
            (
                f"qingjing verify {folder / BUNDLE}",
                "离线验证这次判定",
                "check that proof anywhere",
            ),
            (
                f"qingjing city score {folder}",
                "各类违规的得分",
                "the score, violation by violation",
            ),
            ("qingjing city run --seed 7 --out out/city-7", "另一座城市", "another city"),
            ("qingjing decide --help", "解释一条短信", "have one message explained"),
            ("qingjing rulebook show", "现行规则", "the rules in force"),
            ("docs/city.md, docs/concepts.md", "文档", "the documentation"),
        ):
            console.print(f"  {command}  [dim]{self._say(zh, en)}[/dim]", soft_wrap=True)


def _message_id(desk: Desk, message: Message) -> int | None:
    """The id of the refused message to this person in the ledger."""
    handle = desk.ledger.find(message.person.phone).handle
    for position in desk.ledger.batches_since(0):
        batch = desk.ledger.batch(position)
        if not isinstance(batch.recorded.fact, MessagesDecided):
            continue
        rows = np.frombuffer(batch.rows, dtype=DECIDED)
        there = (rows["handle"] == handle) & (rows["verdict"] == Verdict.REFUSE)
        if there.any():
            return int(rows["message"][there][0])
    return None


def _reasons(bits: int) -> list[str]:
    return [name for place, name in enumerate(BY_NAME) if bits >> place & 1]
