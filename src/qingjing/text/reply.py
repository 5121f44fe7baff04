"""What a person's reply means (上行): a refusal in whatever words, or an honest UNCLEAR.

Order 31 forbids any obstacle to refusal, and insisting on the exact suffix is one; so keyword,
copied notice and free words all count. A negated refusal (不退订) is UNCLEAR; a question why
the opt-out failed is a refusal. Consent has to be the whole reply: what is mixed, hedged or
asked is none. UNCLEAR holds marketing and goes to a person.
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

_QUOTED_LENGTH: Final = 8
"""So many characters behind a 【signature】 make a reply a message sent on, not an answer."""

_CLAUSE: Final = re.compile(r"[,.!;:?、。\n~…()\[\]]+")
_NOT_WORD: Final = re.compile(r"[\W_]+")
_NOT_LATIN: Final = re.compile(r"[^a-z0-9]+")
_NOT = (
    r"(?:不要|不耍|不雅|8要|不许|不准|请勿|勿要|弗要|唔要|唔好|莫要|不必|不用|无需|不需要|可不可以不|能不能不|别|(?<!先)勿|莫|甭|咪|嫑|覅"
    r"|表(?=再|在|发|烦))"
)
_OFTEN = r"(?:再|在|又|给我|给本人|向我|往我|跟我|老是?|一直|总是?|天天|搁这|乱|瞎|来)*"
_SENT: Final = (
    rf"(?<!先){_NOT}{_OFTEN}(?:发送|发|法了|推送|推|传|来短信|短信|send|spam|整了)"
    r"(?!货|票|错|快递|顺丰|漏|圆通|申通|韵达|中通|邮政|开|折|扰到|真|达|给别人)"
    rf"|{_NOT}(?:再|在|老|一直|天天)+(?:给我|跟我|来)*(?:打电话|打|联系|来|烦|嘈)|表烦"
    rf"|(?:{_NOT}|少){_OFTEN}(?:打搅|打扰|骚扰|浪费|轰炸|推销|烦我)|\A(?:别|甭|莫|勿)来了?\Z"
    r"|什么时候能?不发"
)
_WORD_OUT = (
    r"(?:退订|退定|拒收|取消订阅|取消这?种?短信|取消短信|退不|停止?发|关掉|不收到|不发|才能退)"
)
_KEY_SAID = r"(?:回复?了?过?(?:td|[trn])|(?<![a-z])(?:td|[trn])了)"
_FAILED: Final = (
    rf"(?:为什么|为何|为啥|怎么|咋|凭什么|如何|怎样|哪里)(?!要|会|被|又被|给我).{{0,8}}?{_WORD_OUT}"
    r"|(?:退订|退定|拒收|取消|退).{0,3}(?:不了|不掉|不成|没用|无效|失败|没反应|不管用|怎么弄)"
    r"|(?:无法|没法|没办法|不能|不让|不给)(?:我)?(?:退订|拒收|取消订阅)"
    rf"|(?:退订|拒收|{_KEY_SAID}).{{0,8}}(?:还在|还|又|怎么还|仍|照样)(?:给我|一直|在)?(?:发|收到|来)"
    rf"|{_KEY_SAID}.{{0,3}}(?:没用|没反应|无效)|回过(?:td|[trn])|\A(?:td|[trn])(?:没用|没反应|无效)"
    r"|退了?(?:好?几|[0-9一二三四五六七八九十百千多]+)(?:遍|次)|(?:怎么|咋)(?:没法|不能|无法)退"
    r"|(?:怎么|为什么|咋)(?:还|又|老|一直|总)(?:给我|在|是)*(?:发|收到)(?!货|票)"
    r"|how(?:to|doi|cani)(?:unsubscribe|stop|optout)"
)
# The opt-out itself is undone, regretted or asked about, whatever else the clause says.
_UNDONE: Final = (
    r"(?:取消|撤销|撤回|恢复|误|错误|被)(?:了|我的|发)?(?:退订|拒收|投诉|举报)"
    r"|(?:退订|拒收)(?:是|按|点|回)?(?:误|错|不小心|作废|不算)|(?:投诉|举报)(?:已|都)?(?:取消|撤销|撤回)"
    r"|(?:什么时候|何时|谁让.{0,6}|谁)(?:退订|拒收)|被.{0,4}拉黑|不小心"
    r"|是(?:退订|拒收)(?:吗|么)|(?:退订|拒收)(?:怎么|要|会)?(?:是什么|是啥|什么意思|收费|要钱|扣费)"
)
_NEGATED: Final = (
    r"(?:不要|不想|不用|不会|不必|不需要?|不是|没想|没说|没要|没有|(?<!投诉)(?<!举报)不|没|别|勿|未|并非)"
    r"(?:再|想|要|会|打算|能|给我|把我|帮我|进行|说要?|是)*"
    r"(?:退订|拒收|取消|停止|停发|停|拉黑|屏蔽|投诉|举报|报警|起诉)(?!不)"
    r"|(?:为什么|为何|为啥|干嘛|怎么)(?:要|会|被|给我)(?:退订|拒收|取消)"
    r"|(?:dont|donot|never|not)(?:wantto|want|ever|please)?(?:stop|unsubscribe|cancel|optout|remove)"
)
# Parcels are refused (拒收) and dropped in lockers; that is about goods, not about messages.
_GOODS: Final = (
    r"快递|包裹|这单|这件|订单|外卖|退回|驿站|柜子|预约|门口"
    r"|酒店|机票|车票|挂号|发票|安装|送货|取消会员(?!短信)"
)
# A need, a wish or a business of the advertiser's is denied, and nothing else is said.
_DECLINED: Final = (
    r"(?:我|本人|俺|咱|老子|家里|人在.{2}|(?:已经?)?[办买有]过?了|已经|已|以后|暂时|目前|现在|暂|完全|真的|确实|一点|从来|对你们[^不没]{0,6}?|对此)*"
    r"(?:不|没有?|无|木有|莫得|唔)(?:再|太|想|会|打算|任何|此|啥)*"
    r"(?:需要|要|用|买|办|办理|办卡|贷款|借钱|借|考虑|参加|接收|接受|愿意|意愿|意向|同意|感兴趣|兴趣|需求|必|想再?收)"
    r"(?:再|给我|接收|接受|收到|收|发|推送|这个|这些|这种|贷款|办卡|东西|短信|信息|广告|营销|服务|业务|你们|的|需求|任何)*"
    r"(?:了|啦|哈|啊)*"
)
_HELPED: Final = (
    r"(?:有|请|转|找|请问|转接|你们)*(?:人工)?客服(?:在吗|呢|电话|热线)?(?:是|为)?(?:多少|几号|什么)?"
    r"|(?:你们?|您|这|这个|这条)?(?:是)?(?:谁|哪里|哪个?公司|哪家(?:公司)?|什么公司|哪一?家)(?:发|发来)?(?:的)?(?:短信)?"
    r"|(?:联系)?电话(?:是)?多少|怎么联系你们"
    r"|(?:请问)?(?:你|您|这|那)?们?是?(?:谁|哪位|哪里|干嘛的|做什么的|什么公司)(?:呀|啊|啦)?"
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
    heard: frozenset[str]
    out_whole: frozenset[str]
    out_anywhere: re.Pattern[str]
    out_phrase: re.Pattern[str]
    in_whole: frozenset[str]
    help_whole: frozenset[str]
    complaint: re.Pattern[str]
    complaint_phrase: re.Pattern[str]
    courtesy: re.Pattern[str]


class _Reply(msgspec.Struct, frozen=True):
    """A reply taken apart: its clauses and their cores, and whether it ends by asking.

    ``latin`` has its Latin words alone, a space between them. ``core`` is all clauses without
    courtesy, said once.
    """

    clauses: tuple[str, ...]
    core: str
    latin: str
    asks: bool


# Words that sound or look like 退订 and 拒收 and are picked for them on a keyboard.
_TYPED: Final = r"(?:[退褪推]|tui)[定丁仃叮汀订顶钉]|[据巨拒][收手]"

_SENT_RE: Final = re.compile(_SENT)
_FAILED_RE: Final = re.compile(_FAILED)
_UNDONE_RE: Final = re.compile(_UNDONE)
_NEGATED_RE: Final = re.compile(_NEGATED)
_GOODS_RE: Final = re.compile(_GOODS)
_DECLINED_RE: Final = re.compile(_DECLINED)
_HELPED_RE: Final = re.compile(_HELPED)


@cache
def _words() -> _Words:
    """The package's own reply words, read at first use."""
    text = (files(__package__) / "replies.toml").read_text(encoding="utf-8")
    data: dict[str, Any] = tomllib.loads(text)
    key = f"{_any(data['keywords'])}|\u0442d?"  # the Cyrillic letter is typed for its look
    refuse = f"{_any(data['refusing'])}|{_TYPED}"
    say = "(?:回复|回信|回个|回|复|答复|发送|发|编辑短信|编辑|reply|text|txt|send)?"
    courtesy = _any(data["courtesy"])
    out, complaint = data["opt_out"], data["complaint"]
    numbers = _any(complaint["numbers"])
    return _Words(
        keyword=re.compile(
            f"{say}(?:{key})(?:即可|可以|可|发送|一下)?(?:{refuse}|短信)?"
            f"|{say}(?:{refuse})(?:请)?{say}(?:{key})?(?:{refuse})?"
        ),
        heard=frozenset(data["heard"]),
        out_whole=frozenset(out["whole"]),
        out_anywhere=re.compile(
            f"{_any(out['anywhere'])}|取消.{{0,4}}(?:短信|推送|订约)|(?:关闭|关掉).{{0,2}}(?:短信|推送)"
            r"|(?:把|将|给).{0,4}短信.{0,2}[停退关]|退了.{0,2}短信"
            r"|(?:移出|移除|删掉|删除|删了|剔除).{0,6}(?:名单|列表|群发)"
            r"|从.{0,6}(?:名单|列表|系统).{0,3}(?:移|删|去掉)"
        ),
        out_phrase=re.compile(
            rf"\b(?:{_any(out['phrases'])})\b|\bunsu[a-z]{{3,9}}\b"
            r"|\b(?:quit|stop|never|dont|do not) (?:text|messag|send|contact|call|spam)"
            r"(?:e|ing)?\b"
            r"|\A(?:(?:just|please|pls|plz|ok|yes|no|hi) )*sto+p+"
            r"(?: (?:please|pls|plz|thanks))*\Z"
        ),
        in_whole=frozenset(data["opt_in"]["whole"]),
        help_whole=frozenset(data["help"]["whole"]),
        complaint=re.compile(
            rf"{_any(complaint['anywhere'])}|(?<![0-9])(?:{numbers})(?![0-9])"
        ),
        complaint_phrase=re.compile(rf"\b(?:{_any(complaint['phrases'])})\b"),
        courtesy=re.compile(f"^(?:{courtesy})+|(?:{courtesy})+$"),
    )


def _any(words: Iterable[str]) -> str:
    """An alternation, the longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=lambda w: (-len(w), w)))


def read(body: str) -> ReplyReading:
    """Read a reply. Total over every string: what is not understood is UNCLEAR."""
    text = normalise(body).text.replace("'", "").replace("’", "")
    before, bracket, behind = text.partition("【")
    if bracket and len(behind.partition("】")[2].strip()) >= _QUOTED_LENGTH:
        own = read(before) if before.strip() else None
        if own is not None and own.refuses:
            return own
        return ReplyReading(ReplyMeaning.UNCLEAR, "it quotes a message")
    if len(text) > LENGTH_MAX:
        return ReplyReading(ReplyMeaning.UNCLEAR, "too long for a reply")
    clauses = [clean for part in _CLAUSE.split(text) if (clean := _NOT_WORD.sub("", part))]
    asks = "?" in text
    if not clauses:
        if asks:
            return ReplyReading(ReplyMeaning.HELP, "a question mark alone")
        return ReplyReading(ReplyMeaning.UNCLEAR, "no words")
    reply = _Reply(
        clauses=tuple(clauses),
        core=_core(clauses),
        latin=_NOT_LATIN.sub(" ", text).strip(),
        asks=asks,
    )
    return _refusal(reply) or _answer(reply)


def _refusal(reply: _Reply) -> ReplyReading | None:
    """COMPLAINT or OPT_OUT, UNCLEAR for a refusal that is taken back, or None for none.

    Clause by clause, because 不要,退订 refuses and 不要退订 does not.
    """
    words = _words()
    out: str | None = None
    taken_back: str | None = None
    for clause in reply.clauses:
        if undone := _UNDONE_RE.search(clause):
            taken_back = undone.group()
            continue
        goods = _GOODS_RE.search("".join(reply.clauses)) is not None
        if (failed := _FAILED_RE.search(clause)) and not goods:
            out = out or failed.group()
        elif negated := _NEGATED_RE.search(clause):
            taken_back = negated.group()
            continue
        if complaint := words.complaint.search(clause):
            return ReplyReading(ReplyMeaning.COMPLAINT, complaint.group())
        found = words.out_anywhere.search(clause) or _SENT_RE.search(clause)
        if found and not goods:
            out = out or found.group()
    if taken_back is not None:
        return ReplyReading(ReplyMeaning.UNCLEAR, f"taken back: {taken_back}")
    if complaint := words.complaint_phrase.search(reply.latin):
        return ReplyReading(ReplyMeaning.COMPLAINT, complaint.group())
    if out is None and (phrase := words.out_phrase.search(reply.latin)):
        out = phrase.group()
    out = out or _whole(reply)
    return None if out is None else ReplyReading(ReplyMeaning.OPT_OUT, out)


def _whole(reply: _Reply) -> str | None:
    """A refusal that is the whole reply, or all of it beside words that add nothing to it."""
    # A keyword takes a question mark (T?); words such as 不要? ask something.
    if _words().keyword.fullmatch(reply.core):
        return reply.core
    if not reply.asks and _declines(reply.core):
        return reply.core
    last = _core([reply.clauses[-1]])
    if not reply.asks and _DECLINED_RE.fullmatch(last) and not _GOODS_RE.search(reply.core):
        return last  # what stands before is the reason
    refused = None
    for clause in reply.clauses:
        core = _core([clause])
        if _words().keyword.fullmatch(core) or _declines(core):
            refused = core
        elif not _adds_nothing(clause, core):
            return None
    # The last word counts: 同意?不同意 refuses, 不要? asks.
    return None if refused is not None and reply.asks and len(reply.clauses) == 1 else refused


def _declines(core: str) -> bool:
    return core in _words().out_whole or _DECLINED_RE.fullmatch(core) is not None


def _adds_nothing(clause: str, core: str) -> bool:
    words = _words()
    known = words.heard | words.in_whole | words.help_whole
    return not core or clause in known or core in known


def _answer(reply: _Reply) -> ReplyReading:
    """HELP, OPT_IN or UNCLEAR, for a reply that refuses nothing."""
    words = _words()
    whole = "".join(reply.clauses)
    asked = {whole, reply.core}
    if asked & words.help_whole or any(_HELPED_RE.fullmatch(one) for one in asked):
        return ReplyReading(ReplyMeaning.HELP, whole)
    # A consent must be unmistakable: 同意? is a question.
    said = all(c in words.in_whole or _core([c]) in words.in_whole for c in reply.clauses)
    if not reply.asks and (asked & words.in_whole or said):
        return ReplyReading(ReplyMeaning.OPT_IN, reply.core)
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
