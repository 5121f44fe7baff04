"""What a person's reply means (上行): a refusal in whatever words, or an honest UNCLEAR.

Order 31 forbids any obstacle to refusal, and insisting on the exact suffix is one; so keyword,
copied notice and free words all count. A negated refusal (不退订) is UNCLEAR; a question why
the opt-out failed is a refusal. UNCLEAR holds marketing and goes to a person.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec

from qingjing.kernel.words import ReplyMeaning
from qingjing.text.normalise import normalise

LENGTH_MAX: Final = 200
"""Longer replies are letters, in which 取消 may mean anything: a person reads them."""

_QUOTED_LENGTH: Final = 30
"""A reply with a 【signature】 longer than this is a message sent on, not an answer to one."""

_CLAUSE: Final = re.compile(r"[,.!;:?、。\n~…()\[\]]+")
_NOT_WORD: Final = re.compile(r"[\W_]+")
_SENT: Final = (
    r"(?:不要|别|不许|不准|请勿|勿|莫|甭|少)(?:再|又|给我|给本人|向我|往我|跟我|老是?|一直|总是?|天天|乱|瞎|来)*"
    r"(?:发送|发|推送|推|打电话|打|联系|来短信|短信)(?!货|票|错|快递|顺丰|漏|圆通|申通|韵达|中通|邮政|开|折|扰到)"
)
_FAILED: Final = (
    r"(?:为什么|为何|为啥|怎么|咋|凭什么|如何|怎样)(?!要|会|被|又被|给我).{0,8}(?:退订|拒收|取消订阅|取消短信|退不)"
    r"|(?:退订|拒收|取消|退).{0,3}(?:不了|不掉|不成|没用|无效|失败|没反应|不管用)"
    r"|(?:无法|没法|没办法|不能|不让|不给)(?:我)?(?:退订|拒收|取消订阅)"
    r"|(?:退订|拒收|回复?了?(?:td|[trn])).{0,8}(?:还在|还|又|怎么还|仍|照样)(?:给我|一直|在)?(?:发|收到)"
    r"|(?:怎么|为什么|咋)(?:还|又|老|一直|总)(?:给我|在|是)*(?:发|收到)(?!货|票)"
)
# The opt-out itself is undone or regretted, whatever else the clause asks.
_UNDONE: Final = r"(?:取消|撤销|撤回|恢复|误|错误|被)(?:了|我的|发)?(?:退订|拒收|投诉|举报)"
_NEGATED: Final = (
    r"(?:不要|不想|不用|不会|不必|不需要?|不是|没想|没说|没要|没有|没|别|勿|未|并非|不)"
    r"(?:再|想|要|会|打算|能|给我|把我|帮我|进行|说要?|是)*"
    r"(?:退订|拒收|取消|停止发送|停发|停|拉黑|屏蔽|投诉|举报|报警|起诉)"
    r"|(?:为什么|为何|为啥|干嘛|怎么)(?:要|会|被|给我)(?:退订|拒收|取消)"
    r"|(?:dont|donot|never|not)(?:stop|unsubscribe|cancel|optout|remove)"
)


class ReplyReading(msgspec.Struct, frozen=True):
    """What a reply means, and the words or rule that say so."""

    meaning: ReplyMeaning
    why: str

    @property
    def refuses(self) -> bool:
        """True when marketing must stop: OPT_OUT, and COMPLAINT as well.

        Who threatens to complain has refused in the plainest words.
        """
        return self.meaning in (ReplyMeaning.OPT_OUT, ReplyMeaning.COMPLAINT)


class _Words(msgspec.Struct, frozen=True):
    """``replies.toml``, compiled."""

    keyword: re.Pattern[str]
    out_whole: frozenset[str]
    out_anywhere: re.Pattern[str]
    in_whole: frozenset[str]
    help_whole: frozenset[str]
    complaint: re.Pattern[str]
    courtesy: re.Pattern[str]
    sent: re.Pattern[str]
    undone: re.Pattern[str]
    failed: re.Pattern[str]
    negated: re.Pattern[str]


@cache
def _words() -> _Words:
    """The package's own reply words, read at first use."""
    text = (files(__package__) / "replies.toml").read_text(encoding="utf-8")
    data: dict[str, Any] = tomllib.loads(text)
    key, refuse = _any(data["keywords"]), _any(data["refusing"])
    say = "(?:回复|回信|回|复|发送|发|编辑)?"
    courtesy = _any(data["courtesy"])
    return _Words(
        keyword=re.compile(
            f"{say}(?:{key})(?:即可|可以|可)?(?:{refuse})?"
            f"|{say}(?:{refuse})(?:请)?{say}(?:{key})?(?:{refuse})?"
        ),
        out_whole=frozenset(data["opt_out"]["whole"]),
        out_anywhere=re.compile(_any(data["opt_out"]["anywhere"])),
        in_whole=frozenset(data["opt_in"]["whole"]),
        help_whole=frozenset(data["help"]["whole"]),
        complaint=re.compile(_any(data["complaint"]["anywhere"])),
        courtesy=re.compile(f"^(?:{courtesy})+|(?:{courtesy})+$"),
        sent=re.compile(_SENT),
        undone=re.compile(_UNDONE),
        failed=re.compile(_FAILED),
        negated=re.compile(_NEGATED),
    )


def _any(words: Iterable[str]) -> str:
    """An alternation, the longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=lambda w: (-len(w), w)))


def read(body: str) -> ReplyReading:
    """Read a reply. Total over every string: what is not understood is UNCLEAR."""
    text = normalise(body).text.replace("'", "").replace("’", "")
    if "【" in text and len(text) > _QUOTED_LENGTH:
        return ReplyReading(ReplyMeaning.UNCLEAR, "it quotes a message")
    if len(text) > LENGTH_MAX:
        return ReplyReading(ReplyMeaning.UNCLEAR, "too long for a reply")
    clauses = [clean for part in _CLAUSE.split(text) if (clean := _NOT_WORD.sub("", part))]
    asks = "?" in text
    if not clauses:
        if asks:
            return ReplyReading(ReplyMeaning.HELP, "a question mark alone")
        return ReplyReading(ReplyMeaning.UNCLEAR, "no words")
    return _refusal(clauses, asks=asks) or _answer(clauses, asks=asks)


def _refusal(clauses: list[str], *, asks: bool) -> ReplyReading | None:
    """COMPLAINT or OPT_OUT, UNCLEAR for a refusal that is taken back, or None for none.

    Clause by clause, because 不要,退订 refuses and 不要退订 does not.
    """
    words = _words()
    out: str | None = None
    taken_back: str | None = None
    for clause in clauses:
        if undone := words.undone.search(clause):
            taken_back = undone.group()
            continue
        if failed := words.failed.search(clause):
            out = out or failed.group()
        elif negated := words.negated.search(clause):
            taken_back = negated.group()
            continue
        if complaint := words.complaint.search(clause):
            return ReplyReading(ReplyMeaning.COMPLAINT, complaint.group())
        if found := words.out_anywhere.search(clause) or words.sent.search(clause):
            out = out or found.group()
    if taken_back is not None:
        return ReplyReading(ReplyMeaning.UNCLEAR, f"taken back: {taken_back}")
    if out is not None:
        return ReplyReading(ReplyMeaning.OPT_OUT, out)
    core = _core(clauses)
    # A keyword takes a question mark (T?); words such as 不要? ask something.
    if words.keyword.fullmatch(core) or (core in words.out_whole and not asks):
        return ReplyReading(ReplyMeaning.OPT_OUT, core)
    return None


def _answer(clauses: list[str], *, asks: bool) -> ReplyReading:
    """HELP, OPT_IN or UNCLEAR, for a reply that refuses nothing."""
    words = _words()
    core = _core(clauses)
    whole = "".join(clauses)
    if whole in words.help_whole or core in words.help_whole:
        return ReplyReading(ReplyMeaning.HELP, whole)
    # A consent must be unmistakable: 同意? is a question.
    if not asks and (core in words.in_whole or whole in words.in_whole):
        return ReplyReading(ReplyMeaning.OPT_IN, core)
    return ReplyReading(ReplyMeaning.UNCLEAR, "not understood")


def _core(clauses: list[str]) -> str:
    """The reply without courtesy, and said once: T T, 退订退订 are T and 退订."""
    courtesy = _words().courtesy
    core = "".join(courtesy.sub("", clause) for clause in clauses)
    if core.strip("0") == "":
        return core
    for size in range(1, len(core) // 2 + 1):
        if len(core) % size == 0 and core[:size] * (len(core) // size) == core:
            return core[:size]
    return core
