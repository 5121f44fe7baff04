"""No obstacle to refusal in any form (Order 31 Art 19)."""

from qingjing.kernel.kinds import is_marketing
from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.vector import NoticeState
from qingjing.kernel.words import Kind


def fires(notice: NoticeState, declared: Kind, read: Kind) -> bool:
    """The opt-out notice cannot be used."""
    return notice is NoticeState.UNUSABLE and is_marketing(declared, read)


RULE = Rule(
    name="notice_usable",
    duty="D-031",
    fires=fires,
    zh="退订提示无法使用",
    en="The opt-out notice cannot be used",
    remedy_zh="改为可直接回复的退订方式",
    remedy_en="Offer a refusal by simple reply",
)
