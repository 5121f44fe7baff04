"""A consent binds its purpose (PIPL §14)."""

from qingjing.kernel.kinds import effective
from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.vector import GroundsState
from qingjing.kernel.words import Kind


def fires(grounds: GroundsState, declared: Kind, read: Kind) -> bool:
    """The consent is for another kind of marketing."""
    return (
        grounds is GroundsState.OTHER_CATEGORY and effective(declared, read) is Kind.COMMERCIAL
    )


RULE = Rule(
    name="grounds_for_category",
    duty="D-023",
    fires=fires,
    zh="同意的用途不包含此类营销",
    en="The consent is for another kind of marketing",
    remedy_zh="只发送同意范围内的内容,或另行征求同意",
    remedy_en="Send what the consent covers, or ask for this purpose",
)
