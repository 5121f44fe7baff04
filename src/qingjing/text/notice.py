"""The opt-out notice of a message (退订提示): which words, which keyword, and does it work.

Order 31 requires that the message itself tells a convenient way to refuse; the wordings are
those in use (拒收请回复R, 回T退订, 退订回N …). A notice that asks for a login, a link or
a call, that leaves out 回, or that hides amid the text is found and called unusable.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

BURIED_AFTER: Final = 20
"""Characters of other text after a notice beyond which it counts as buried.

A tail signature or a short link may follow a notice; a further sentence may not, because a
reader looks for the way out at the end.
"""

_REFUSE = "退订|拒收|拒绝|拒接|取消订阅|取消|关闭|屏蔽|不再接收|停止接收"
_KEY = r"tdzd|tdqx|td|qx|stop|00000|0000|[a-z](?![a-z.])|[0-9](?![0-9.])"
_SAY = r"请?(?:直接)?(?:回[复覆]|回信|回|编辑短信|编辑|发送|发)"
_GAP = r"[\s:\"'“”‘’()\[\]「」-]{0,3}"
_WHAT = r"(?:此类|本类|该类|商业|营销|推广|本)?(?:短信息|短信|信息|消息|服务|业务|推送)?"

_FORMS: Final = re.compile(
    # The look-ahead is for speed alone: it drops most places at once.
    r"(?=[退拒取关屏不停如若想请直回编发复tqrns])(?:"
    # 拒收请回复R, 退订回N或者TD, 如需取消此类短信请回复TD, 退订回T退订 (doubled)
    rf"(?:如不需要|如需|如要|若要|想)?(?:{_REFUSE}){_WHAT},?{_GAP}{_SAY}{_GAP}(?P<a>{_KEY})"
    rf"(?:{_GAP}或者?{_GAP}(?:{_KEY}))?(?:{_GAP}(?:{_REFUSE}))?"
    # 回T退订, 回复TD退订, 回复TDZD可退订, 发送TD到10086退订
    rf"|{_SAY}{_GAP}(?P<b>{_KEY})(?:{_GAP}或者?{_GAP}(?:{_KEY}))?{_GAP}"
    rf"(?:[至到]\s?[0-9]{{3,12}})?,?(?:即可|可以|可|以)?{_GAP}(?:{_REFUSE}){_WHAT}"
    # 复TD退订: one character short of an instruction, so that a copied reply does not match
    rf"|(?P<trick>复{_GAP}(?P<c>{_KEY}){_GAP}(?:{_REFUSE}))"
    # TD退订, T退订: the keyword glued to the word, and often to a link; but a link that ends
    # in qx before 拒收请回复R is no keyword
    rf"|(?P<d>tdzd|td|qx|(?<![a-z0-9])[trn]){_GAP}(?:{_REFUSE})(?!(?:订阅)?{_WHAT},?{_GAP}{_SAY})"
    # Reply R, reply STOP to unsubscribe
    rf"|(?:reply|txt|text|send)\s+['\"]?(?P<e>{_KEY})\b['\"]?"
    r"(?:\s+(?:to|for)\s+(?:unsubscribe|opt[ -]?out|stop|cancel|refuse|end))?)"
)
_REFUSED: Final = re.compile(_REFUSE)
_TRIGGER: Final = re.compile(rf"{_REFUSE}|reply|txt|text|send")
_REACH: Final = 24
"""How far before its refusing word a notice may begin: 发送TD到106912345678即可退订."""
_ELSEWHERE: Final = re.compile(
    rf"(?:{_REFUSE}){_WHAT},?{_GAP}(?:请|可|可以)?"
    r"(?:(?P<login>(?:前往|进入|打开|在|到|去)?(?:登录|登陆|app|我的|个人中心|小程序|公众号|设置))"
    r"|(?P<call>(?:致电|拨打|电话|联系)|(?:1[3-9][0-9]{9}|[48]00[0-9-]{7,9}))"
    r"|(?P<link>(?:点击|点|戳|访问|打开|进入|见)?[\s:>→-]{0,3}"
    r"(?:链接|https?://|[a-z0-9-]+(?:\s?\.\s?[a-z0-9-]+)+)))"
)
_REASONS: Final = {
    "login": "it asks for a login instead of a reply",
    "call": "it asks for a call instead of a reply",
    "link": "it gives a link alone, no reply",
}
_TRICK: Final = "it says 复 without 回, so that a copied reply may not be taken"
_BURIED: Final = "it is buried: more text follows it"
# What may stand between a notice and the end: a signature, a link, punctuation.
_TAIL: Final = re.compile(
    r"【[^【】]{1,32}】|\[[^\[\]]{1,32}\]|(?:https?://)?[a-z0-9-]+(?:\.[a-z0-9-]+)+[\w/?=&%.-]*"
    r"|[\s,。.!;、]+"
)


class Notice(msgspec.Struct, frozen=True):
    """One opt-out notice. ``words`` are normalised; ``keyword`` is upper case, or None.

    ``why`` says why it is not usable and is empty otherwise. ``doubled`` marks a suffix that
    was added twice. ``start`` and ``end`` are offsets in the normalised text.
    """

    words: str
    keyword: str | None
    usable: bool
    why: str
    doubled: bool
    start: int
    end: int


def find_notice(text: str) -> Notice | None:
    """The notice of a normalised text, or None. The last form counts, being nearest the end."""
    trigger = _TRIGGER.search(text)
    if trigger is None:
        return None
    found = list(_FORMS.finditer(text, max(0, trigger.start() - _REACH)))
    if not found:
        return _elsewhere(text)
    last = found[-1]
    keyword = next(last[name] for name in "abcde" if last[name] is not None).upper()
    first = last
    # Forms that stand side by side are one doubled notice, and masked as a whole.
    for earlier in reversed(found[:-1]):
        if first.start() - earlier.end() > 2:
            break
        first = earlier
    why = ""
    if last["trick"] is not None:
        why = _TRICK
    elif len(_TAIL.sub("", text[last.end() :])) > BURIED_AFTER:
        why = _BURIED
    return Notice(
        words=text[first.start() : last.end()],
        keyword=keyword,
        usable=not why,
        why=why,
        doubled=len(found) > 1 or _said_twice(last.group()),
        start=first.start(),
        end=last.end(),
    )


def _said_twice(words: str) -> bool:
    """Whether one form holds its refusing word twice, as in 退订回T退订."""
    return len(_REFUSED.findall(words)) > 1


def _elsewhere(text: str) -> Notice | None:
    """A notice that sends the person somewhere instead of taking a reply."""
    match = _ELSEWHERE.search(text)
    if match is None or match.lastgroup is None:
        return None
    return Notice(
        words=match.group(),
        keyword=None,
        usable=False,
        why=_REASONS[match.lastgroup],
        doubled=False,
        start=match.start(),
        end=match.end(),
    )
