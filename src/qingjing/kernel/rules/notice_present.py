"""The way to refuse stands in the message (Order 31 Art 19, 广告法 §43)."""

from qingjing.kernel.kinds import is_marketing
from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.vector import NoticeState
from qingjing.kernel.words import Kind


def fires(notice: NoticeState, declared: Kind, read: Kind) -> bool:
    """The opt-out notice that the carrier asks for is missing."""
    return notice is NoticeState.MISSING_ALWAYS or (
        notice is NoticeState.MISSING and is_marketing(declared, read)
    )


RULE = Rule(
    name="notice_present",
    duty="D-030",
    fires=fires,
    zh="缺少运营商要求的退订提示",
    en="The opt-out notice that the carrier asks for is missing",
    remedy_zh="在文末加上“拒收请回复R”等提示",
    remedy_en="End the text with the notice, such as 拒收请回复R",
)
