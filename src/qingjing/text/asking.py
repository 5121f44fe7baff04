"""Requests for consent (Order 31 Art 18): is one made, what does it state, does it sell.

A request has to name what would be sent, and those names sell; so they alone are no offer. An
offer is what sells here and now: a price, a discount, a link, a hurry.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from qingjing.text import extract
from qingjing.text.extract import Notice

_MARK = r"[\"'“”‘’「」]?"
_YES = (
    rf"请?(?:直接)?(?:回[复覆]?|点击|发送|reply)\s?{_MARK}"
    rf"(?:y|yes|ty|dy|ok|1|是|同意|愿意)(?![a-z0-9]){_MARK}"
)
_NUMBER = r"[0-9一二两三四五六七八九十半]"
_UNIT = r"(?:天|日|周|星期|个?月|季度?|半年|年)"
_ASKED: Final = re.compile(
    rf"{_YES}.{{0,12}}?(?:同意|订阅|接收|确认|表示|即|授权)"
    rf"|(?:同意|愿意|授权|希望|许可|允许).{{0,70}}?{_YES}"
    rf"|(?:订阅|接收|可以)[^。;]{{0,10}}?{_YES}"
    r"|征[求得][^。;]{0,8}?(?:同意|许可|意见|授权)"
    r"|(?:是否|可否|能否)[^。;?]{0,6}?(?:同意|愿意|允许|接收|收到|订阅|向您|给您)"
    r"|(?:不|未|没有)回复?[^。;]{0,6}?视为(?:拒绝|不)"
)
_ASKS: Final = re.compile(r"同意|愿意|订阅|接收|征求|征得|可否|能否|许可|允许|授权")
# What is asked about: messages that would be sent.
_SENDING: Final = re.compile(
    r"(?:发|接收|收到|推送|订阅|推荐)[^。;!?]{0,40}?(?:短信|信息|资讯|消息|推送|通知)"
    r"|(?:短信|信息|资讯|消息|通知)[^。;!?]{0,10}?(?:接收|收到|推送|订阅)"
)
# What sells here and now, as against the name of what would be sent.
_OFFERED: Final = re.compile(
    r"(?:即|就|立|还|再|均?可)(?:可|得|获|享|送|赠|领)|秒杀|抢|限时|限量|仅限|[今明]天|今[日晚]|最后|倒计时"
    r"|截止|领取|免费|买[一二三0-9]+|特价|低至|到手|包邮|现货|名额"
)
_TYPE: Final = re.compile(
    r"(?:优惠|促销|新品|活动|会员|理财|保险|课程|旅游|房产|家电|服装|餐饮|美妆|母婴|生鲜|商品|贷款|"
    r"权益|出行|套餐|流量|汽车|折扣|上新|护理|健康|图书|演出|影讯|保养|线路|茶叶)[^,。;!]{0,8}?"
    r"(?:短信|信息|资讯|通知|消息|推送|类|提醒)"
    r"|[\u4e00-\u9fff]{2}类[^,。;!]{0,6}?(?:短信|信息|资讯|通知|消息|推送)|(?:类型|类别|内容)[:为是]"
)
_FREQUENCY: Final = re.compile(
    rf"(?:每|平均|一|[0-9]+)(?:[两二三0-9]+)?个?{_UNIT}[^,。;]{{0,8}}?{_NUMBER}+"
    rf"(?:\s?[-~至到]\s?{_NUMBER}+)?\s?[条次封篇则]"
    rf"|{_NUMBER}+\s?[条次封篇则][/每一]?{_UNIT}|频[次率度][^,。;]{{0,10}}?{_NUMBER}+"
)
_TERM: Final = re.compile(
    rf"(?:有效期|期限|为期|持续|期间|时限)[^,。;]{{0,6}}?(?:{_NUMBER}|至|到|为)"
    rf"|{_NUMBER}+\s?(?:个月|年|天)(?:之?内|有效|有效期|期?止|期)|[至到]\s?20[0-9]{{2}}\s?[年./-]"
)


class Asking(msgspec.Struct, frozen=True):
    """What a request for consent states of what Order 31 Art 18 demands of it."""

    type: bool
    frequency: bool
    term: bool

    @property
    def complete(self) -> bool:
        """True when type, frequency and term are all stated."""
        return self.type and self.frequency and self.term


def asks(text: str, *, named: bool, own: bool) -> bool:
    """Whether a normalised text asks for agreement to messages that would be sent.

    ``named``: words for such messages were found. ``own``: it is about something the person
    has; agreement to a delivery or a bill is no consent to marketing.
    """
    if _ASKS.search(text) is None or _ASKED.search(text) is None:
        return False
    return named or (not own and _SENDING.search(text) is not None)


def offers_besides(text: str, notice: Notice | None) -> bool:
    """Whether an asking has a price, a discount or a hurry of its own, outside its notice."""
    if notice is not None:
        text = text[: notice.start] + text[notice.end :]
    return (
        bool(extract.find_discounts(text))
        or bool(extract.find_prices(text))
        or _OFFERED.search(text) is not None
    )


def find_states(text: str) -> Asking:
    """What an asking states of what is demanded of it."""
    return Asking(
        type=_TYPE.search(text) is not None,
        frequency=_FREQUENCY.search(text) is not None,
        term=_TERM.search(text) is not None,
    )
