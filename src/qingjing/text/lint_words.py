"""What the sentences of a consent screen say: of marketing by SMS, and how they take consent.

Sentences are looked at as written but for NFKC, case and white space. A sentence that ties
sending to a consent of its own (只有您另行同意后) takes none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from qingjing.text.asking import Asking, find_states
from qingjing.text.normalise import normalise

_SELL = (
    "商业性?|营销|推广|推销|促销|广告|优惠|特惠|折扣|打折|特价|降价|团购|特卖|大促|秒杀|满减|红包|新品|上新|福利|"
    "(?<!账户)(?<!账号)(?<!登录)活动|会员专享|会员权益|会员日|品牌资讯|推荐|楼盘|理财|贷款|保险|课程|出游|体检"
)
_MESSAGE = "短信息?|简讯|信息|资讯|消息|推送"
_PUSHED = r"(?:app|应用|系统|站内|push|邮件|公众号|微信)[^,。;]{0,4}(?:推送|消息|通知)"
MARKETS: Final = re.compile(
    rf"(?:{_SELL})[^,。;!?:()]{{0,12}}?(?:{_MESSAGE})"
    r"|短信[^。;!?]{0,24}?(?:推荐|推广|推销|营销)"
    rf"|短信[^。;!?]{{0,24}}?(?:告知|介绍|推送|发送)[^。;!?]{{0,24}}?(?:{_SELL}|感兴趣)"
    r"|(?:marketing|promotion(?:s|al)?|commercial|advertising|offers?|deals?|discounts?)\b"
    r"[^.;!?]{0,40}?\b(?:sms|texts?|text messages?|messages?|mobile)\b"
    r"|\b(?:sms|texts?|text messages?)\b[^.;!?]{0,30}?"
    r"\b(?:marketing|promotion(?:s|al)?|offers?|deals?)\b"
)
"""Words that name marketing messages, so far as they may come by SMS."""

_AGAINST: Final = re.compile(
    r"不(?:想|愿意?|希望|需要|要|再|同意|会|得|将|予)?(?:再)?(?:接收|收到|同意|发送|向|通过|为|以|默认)|拒绝|拒收|屏蔽"
    r"|拦截|免打扰|剔除|过滤|排除|关闭|取消|退订|停止|未同意|未经|冒充|举报|勿|防止|禁止|利用|为什么|如何"
    r"|\b(?:do not|don't|never|no|stop|without|opt out of)\b"
)
_GIVES: Final = re.compile(
    r"同意|授权|许可|允许|有权|(?:可以?|将|会)(?:不定期|定期|随时|长期)?(?:向|通过|以|给)|视为|默认|自动订阅|即订阅|并订阅"
    r"|并接收|\b(?:agree|consent|authori[sz]e|enrol)"
)
_CONDITION: Final = re.compile(
    r"(?:仅|只)[^。;]{0,6}(?:在|有|当|于|会)?[^。;]{0,24}(?:同意|勾选|订阅|开启)[^。;]{0,6}(?:后|时|前提|情况|才)"
    r"|未经|未获|须(?:另行)?|需(?:另行|要另行)|另行(?:取得|征|明确|单独|同意)|单独(?:同意|征|取得|勾选)|征得您|征求您|是否"
    r"|经您(?:另行|单独|明确|主动)[^。;]{0,4}同意|不会|不得|不将|不因|之后才|才会|后方可"
    r"|如(?:果)?您(?:已|曾)?[^。;]{0,8}(?:同意|订阅|开启|勾选)(?:了|后|,)"
    r"|\bonly (?:if|when|after)\b"
)
_NO_CONDITION: Final = re.compile(
    r"(?:无需|无须|毋需|不需|不必|不再|不另行?)[^。;]{0,6}?(?:另行|单独|再次|同意|征)"
)
_SENTENCE: Final = re.compile(r"[^。;!?\n]+[。;!?]*|\n+")
_CLAUSE: Final = re.compile(r"[,。;()\[\]:、!?]")

TERMS: Final = re.compile(
    r"(?:用户|服务|注册|会员|使用|平台|隐私|个人信息|客户|入会|交易|登录|软件|许可)[^,。;《》]{0,8}?(?:协议|条款|政策|章程|须知|授权书|声明|规则)"
    r"|《[^《》]{2,24}(?:协议|条款|政策|章程|授权书|须知)》"
    r"|terms (?:of|and)|privacy (?:policy|notice)|user agreement|\bterms\b"
)
_REFERS: Final = re.compile(
    r"(?:详见|参见|查看|按照|根据|依据|依照|详情见|\bsee\b|\bper\b)[^。;]{0,12}\Z"
)
_SERVES = (
    "成为(?:[^,。;]{0,4})会员|加入会员|注册|登录|登陆|下单|提交(?:订单|注册|申请|信息|资料|表单|预约)|支付|付款|购买|领取|领券|参与|参加|抽奖|入会|开卡|开户|"
    "绑定|验证手机|继续(?!使用|浏览|访问)|下一步|预约|申请|试用|认证"
)
SERVED: Final = re.compile(
    rf"(?:{_SERVES})[^。;]{{0,14}}?(?:即|则|视为|表示|代表|视同|等于)[^。;]{{0,12}}?(?:同意|授权|接受|许可|订阅|接收|允许)"
    r"|by (?:creating|signing|registering|logging|placing|clicking|continuing|submitting|"
    r"joining|entering)"
    r"[^.;]{0,60}?you[^.;]{0,12}?(?:agree|consent|authori[sz]e|opt in)"
)
"""An act for something else (registering, buying) that is said to consent."""
SERVES_AND_SENDS: Final = re.compile(
    rf"\A(?:立即|免费|一键)?(?:{_SERVES})[^。;]{{0,6}}?(?:并|且|和|及|同时)"
)
"""A button that does something else and consents on the way."""

SILENCE: Final = re.compile(
    r"(?:不|未|没有)[^,。;视]{0,3}?(?:回复|勾选|提出|操作|反对|异议|取消|拒绝|选择|关闭|明确|退订|答复|反馈)[^。;]{0,14}?"
    r"(?:视为|视同|默认|即|则|表示|代表)(?:您|用户|会员|为|已|被|将|愿意|自动|其)*(?:同意|接受|授权|订阅|接收|愿意|许可)"
    r"|继续(?:使用|浏览|访问|停留)[^。;]{0,16}?(?:即|则|视为|表示|代表|视同)[^。;]{0,8}?(?:同意|接受|授权|许可|订阅)"
    r"|(?<!不会)(?<!不得)(?<!非)(?<!不)默认(?:您|为|已|用户|会员|将|被)*(?:同意|开启|接收|订阅|勾选|开通|授权)"
    r"|沉默(?:视为|即)(?:同意|接受)"
    r"|unless you (?:later )?(?:opt out|uncheck|untick|tell|unsubscribe|object|notify)"
    r"|by continuing to (?:use|browse)[^.;]{0,40}(?:agree|consent)"
    r"|automatically (?:enrol|subscrib|opt)|enrolled automatically|deemed to (?:have )?consent"
)
OUT_BOX: Final = re.compile(
    r"(?:不(?:想|愿意?|希望|要|需要|同意)?(?:再)?(?:接收|收到)|拒绝(?:接收|收到)?|请勿(?:向我)?发送|不要(?:向我|给我)?发送)"
    r"|\b(?:do not|don't|please don't) (?:send|want|text|wish|contact)|\bopt(?: me)? out\b"
)

_PARTNERS = (
    "合作伙伴|合作方|合作商[家户]?|合作机构|合作企业|合作品牌|关联方|关联公司|关联企业|关联机构|第三方(?:机构|公司|商家|平台|服务商|企业)?|商业伙伴|业务伙伴|"
    "生态伙伴|集团成员|成员企业|旗下(?:各)?品牌|入驻商[家户]|其他商[家户]|优质商[家户]"
)
UNNAMED: Final = re.compile(
    rf"(?:{_PARTNERS})(?![^。;]{{0,3}}[(][^)]{{0,40}}(?:公司|集团|名单|清单))(?![^。;]{{0,8}}(?:清单|名单|名录))"
    r"|\b(?:partners?|affiliates?|third part(?:y|ies)|selected (?:companies|brands))\b"
)
FORCED: Final = re.compile(
    r"(?:不同意|不勾选|未勾选|不授权|拒绝|未同意)[^。;]{0,24}?(?:无法|不能|不可|不予|无权|将不|不提供|不得)[^。;]{0,14}?"
    r"(?:注册|完成|使用|预约|下单|继续|提交|办理|享受|参加|领取|登录|服务|申请|加入|购买)"
    r"|必选|必须勾选|\(required\)"
)
NO_WAY_BACK: Final = re.compile(
    r"(?<!并非)(?<!不是)(?:不可撤[销回]|不得撤[销回]|不能撤[销回]|不可取消|永久有效|永久授权|长期有效|无限期|终身有效)"
    r"|(?:费用?|资费|话费)[^。;]{0,10}?由(?:您|用户|会员|客户|本人|其)(?:自行|自己)?(?:承担|负担|支付)|irrevocabl"
)
BURDEN: Final = re.compile(
    r"(?:取消|退订|撤[回销]|拒绝|关闭|停止|不(?:想|愿意?|希望|再)接收)[^。;]{0,40}?"
    r"(?:书面|邮寄|传真|营业厅|柜台|到店|前台|身份证|现场|审核|工作日|致电|拨打|电话(?:联系|申请|办理)|联系客服|客服热线)"
)
EASY: Final = re.compile(
    r"回复?(?:短信)?[a-z0-9]{1,4}(?![a-z0-9])|直接回复|短信回复|一键|点击|设置(?:页|中|里)?[^。;]{0,6}关闭|随时(?:可)?关|reply"
)

YES: Final = re.compile(
    r"\A(?:立即|马上|我|确认|一键|好的?[,，]?|是[,，]?)?(?:同意|接受|开启|接收|订阅|允许|愿意|打开|开通|是的?|需要|好的|想要"
    r"|agree|accept|allow|subscribe|yes|ok|sure|turn on|enable)"
)
NO: Final = re.compile(
    r"不(?!错过|容错过|限|要错过)|否|拒绝|取消|跳过|关闭|以后再说|稍后|下次|算了|[×✕]|残忍|逛逛"
    r"|no\b|decline|skip|not now|reject|later|close|cancel|don't"
)

_TYPE_MORE: Final = re.compile(r"(?:打折|特价|降价|上新|新品)[^,。;!]{0,8}?(?:短信|消息|信息)")
_TYPE_EN: Final = re.compile(
    r"\b(?:offers|discounts?|deals|sales|new (?:arrivals|products)|promotional|coupons?|news)\b"
)
_FREQUENCY_EN: Final = re.compile(
    r"\d+\s*(?:messages?|texts?|msgs?)?\s*(?:a|per|each|every|/)\s*(?:day|week|month|quarter|year|mo)\b"
)
_TERM_MORE: Final = re.compile(
    r"自[^,。;]{0,10}?起\s?[0-9一二两三四五六十半]+\s?(?:个月|年|天|日)"
    r"|(?<![每\d一二两三四五六半])(?:半|一|两|二|三|[0-9]{1,3})\s?(?:年|个月|季度)(?![^,。;]{0,8}?[0-9一二两三四至-]\s?[条次封])"
    r"|\b(?:for|within|valid)\s[^.;]{0,10}?\d+\s(?:days?|months?|years?)|\buntil\b[^.;]{0,16}?\d"
)
_VAGUE_TERM: Final = re.compile(r"长期|永久|终身|无限期|不定期")


def clean(text: str) -> str:
    """A text as these patterns look at it: NFKC, simplified, lower case, spaces collapsed."""
    return re.sub(r"[^\S\n]+", " ", normalise(text).text).strip()


def sentences(text: str) -> Iterator[tuple[int, str]]:
    """The sentences of a clean text with their offsets."""
    for match in _SENTENCE.finditer(text):
        if match.group().strip():
            yield match.start(), match.group().strip()


def markets(text: str) -> bool:
    """Whether a text speaks of receiving marketing, in a clause that is not against it."""
    for match in MARKETS.finditer(text):
        if re.search(_PUSHED, match.group()):
            continue
        before = _CLAUSE.split(text[: match.start()])[-1]
        if _AGAINST.search(before + match.group()) is None:
            return True
    return False


def refuses_box(label: str) -> bool:
    """Whether a box is one to tick for not being sent marketing."""
    for match in MARKETS.finditer(label):
        before = _CLAUSE.split(label[: match.start()])[-1]
        if OUT_BOX.search(before + match.group()):
            return True
    return False


def takes(sentence: str) -> bool:
    """Whether a sentence itself takes consent to marketing messages, unconditionally."""
    if not markets(sentence) or _GIVES.search(sentence) is None:
        return False
    return _CONDITION.search(_NO_CONDITION.sub("", sentence)) is None


def agrees_to_terms(label: str) -> bool:
    """Whether a label has its reader agree to terms, not only look into them."""
    return any(
        _REFERS.search(label[: match.start()]) is None for match in TERMS.finditer(label)
    )


def states(text: str) -> Asking:
    """Which of type, frequency and term a screen states (Order 31 Art 18), in zh or en."""
    found = find_states(text)
    return Asking(
        type=found.type
        or any(more.search(text) is not None for more in (_TYPE_MORE, _TYPE_EN)),
        frequency=found.frequency or _FREQUENCY_EN.search(text) is not None,
        term=found.term or _TERM_MORE.search(_VAGUE_TERM.sub("", text)) is not None,
    )
