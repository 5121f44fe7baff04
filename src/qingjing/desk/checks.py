"""Checks: what became of each check of a proof, in words that a reader can follow."""

from __future__ import annotations

from enum import Enum
from typing import Any, Final

import msgspec

from qingjing.desk.bundle import Proven
from qingjing.kernel.vector import FIELDS


class Result(Enum):
    """What became of a check. DIFFERS proves nothing either way: a person should look."""

    HOLDS = "holds"
    FAILS = "fails"
    RECORD = "record"
    DIFFERS = "differs"


class Finding(msgspec.Struct, frozen=True):
    """One check, with a sentence in Chinese and in English."""

    check: str
    result: Result
    zh: str
    en: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The answer. ``ok``: nothing fails.

    ``proven`` is what was decided and on what, None when the log does not vouch for it;
    ``claim`` what is proved of a person's standing (``desk.standing_proof``). The doors say it
    in words.
    """

    ok: bool
    findings: tuple[Finding, ...]
    proven: Proven | None = None
    claim: Any = None

    def of(self, result: Result) -> tuple[Finding, ...]:
        """The findings with this result."""
        return tuple(finding for finding in self.findings if finding.result is result)


_LEAD: Final = {
    Result.HOLDS: ("", ""),
    Result.FAILS: ("不成立:", "Does not hold: "),
    Result.RECORD: ("仅据记录:", "Taken from the record: "),
    Result.DIFFERS: ("有出入,请人工查看:", "Differs, a person should look: "),
}

_CHECKS: Final = {
    "bundle": ("文件是格式唯一、未经改动的证明包", "the file is a bundle in its one form"),
    "signature": ("检查点由包内所附密钥签名", "the key in the bundle signed the checkpoint"),
    "trust": ("签名者是您信任的密钥", "the checkpoint is signed by a key that you trust"),
    "key": (
        "没有提供可信公钥,公钥取自证明包本身,请与公布的指纹核对",
        "the public key comes from the bundle itself: compare its fingerprint",
    ),
    "cosignatures": ("其他签名未核对", "further signatures were not checked"),
    "since": (
        "日志自早先状态起只增不改",
        "the log has only been added to since the earlier state",
    ),
    "witness": ("日志延续了所保存的检查点", "the log continues the checkpoint that was kept"),
    "inclusion": (
        "所有事实与该行均在日志所称位置",
        "every fact and the row are in the log where they claim",
    ),
    "before": (
        "所依据的事实均先于决定入账",
        "what the decision rests on was in the log before it",
    ),
    "parts": ("包内事实均与此决定有关", "every fact in the bundle has a part in this decision"),
    "moves": ("其后各步骤在日志之中", "the later steps of the message are in the log"),
    "text": ("所示正文即决定时的正文", "the text shown is the text that was decided"),
    "number": ("所示号码在所提交的原文之中", "the number shown is in the bytes submitted"),
    "rulebook": (
        "规则集与决定时所用的逐字节相同,且当日有效",
        "the rulebook is byte for byte the one that was decided under, and in force that day",
    ),
    "reader": (
        "正文由与本程序相同的识读器读出",
        "the text was read by the very reader that this program has",
    ),
    "erased": (
        "应用户要求已删除的内容不再出示",
        "what was erased at the person's request is not shown",
    ),
    "lane": (
        "由登记事实重算的路径与记录一致",
        "the path recomputed from the register is the recorded one",
    ),
    "reading": ("重读正文与记录一致", "the text reads as it was recorded"),
    "import": ("用户在导入文件之中", "the person stands in the imported file"),
    "reasons": (
        "由案例与规则集重算的理由一致",
        "the reasons follow from the case under the rulebook",
    ),
    "verdict": ("由理由重算的裁决一致", "the verdict follows from the reasons"),
    "absence": (
        "决定之前再无其他相关事实(此文件不证明不存在)",
        "no further fact changed this before the decision (this file does not prove absence)",
    ),
    "claim": (
        "主张与两个检查点由包内密钥签署",
        "the key in the file signed the claim and both checkpoints",
    ),
    "moment": (
        "当时的日志是现在日志的开头",
        "the log of that time is the beginning of the log of now",
    ),
    "time": ("见证人的时钟证实了时间", "a trusted witness's clock bears the time out"),
    "coverage": (
        "清单无遗漏地覆盖当时的全部事实",
        "the listings cover every fact of that time",
    ),
    "neighbours": (
        "清单中相邻两项之间没有所查的事实",
        "nothing of this person and name stands between the neighbours shown",
    ),
    "present": (
        "所示事实属于此人,且已在当时的日志中",
        "the fact shown is in the log of that time",
    ),
    "handle": (
        "号码与键值的对应(密钥保密;运营者已签字负责)",
        "that the keyed handle is this number's (the key is secret; the operator signed it)",
    ),
}
"""Every check but the fields of the case, as the sentence that should hold."""

_FIELDS_ZH: Final = dict(
    zip(
        (name for name, _kind in FIELDS),
        (
            *("声明类别", "读出类别", "依据", "发送主体", "端口", "签名", "转授权链", "用途"),
            *("同意频次", "本站上限", "运营商上限", "时段", "退订提示", "身份标识", "链接"),
            *("征询", "号码", "缺项"),
        ),
        strict=True,
    )
)
_KINDS: Final = dict(FIELDS)


class Findings(list[Finding]):
    """Findings as they are made."""

    def add(self, check: str, result: Result, detail: str = "") -> None:
        """Note one check."""
        (zh, en), (lead_zh, lead_en) = _CHECKS[check], _LEAD[result]
        tail = f" ({detail})" if detail else ""
        en = lead_en + en if lead_en else en[0].upper() + en[1:]
        self.append(Finding(check, result, f"{lead_zh}{zh}{tail}", f"{en}{tail}"))

    def judge(self, check: str, held: bool, detail: str = "") -> bool:
        """Note one check that holds or fails; the detail is told when it fails."""
        self.add(check, Result.HOLDS if held else Result.FAILS, "" if held else detail)
        return held

    def field(self, name: str, recorded: int, computed: int | None) -> None:
        """Compare one field of the case; None for what cannot be computed off-line."""
        word = _KINDS[name](recorded).name
        result, also = Result.HOLDS, ""
        if computed is None:
            result = Result.RECORD
        elif computed != recorded:
            known = computed in tuple(_KINDS[name])
            also = _KINDS[name](computed).name if known else str(computed)
            result = Result.FAILS
        zh, en = _LEAD[result]
        zh += f"{_FIELDS_ZH[name]}为{word}" + (f"(重算为{also})" if also else "")
        en += f"{name}: {word}" + (f" (recomputed: {also})" if also else "")
        self.append(Finding(f"field {name}", result, zh, en))

    @property
    def ok(self) -> bool:
        """Nothing fails so far."""
        return not any(finding.result is Result.FAILS for finding in self)
