"""No commercial SMS without consent or request (Order 31 Art 18, 消法 §29)."""

from qingjing.kernel.kinds import effective
from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.vector import GroundsState
from qingjing.kernel.words import Kind


def fires(grounds: GroundsState, declared: Kind, read: Kind) -> bool:
    """No consent or request of this person to this sender."""
    return grounds is GroundsState.NONE and effective(declared, read) is Kind.COMMERCIAL


RULE = Rule(
    name="grounds_present",
    duty="D-020",
    fires=fires,
    zh="没有该用户对该发送主体的同意或请求",
    en="No consent or request of this person to this sender",
    remedy_zh="取得用户的明示同意后再发送",
    remedy_en="Obtain the person's explicit consent first",
)
