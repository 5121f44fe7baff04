"""Unclear never becomes pass."""

from qingjing.kernel.kinds import effective
from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.vector import GroundsState
from qingjing.kernel.words import Kind


def fires(grounds: GroundsState, declared: Kind, read: Kind) -> bool:
    """The kind is unclear and no consent would carry it."""
    return effective(declared, read) is Kind.UNCLEAR and grounds not in (
        GroundsState.CONSENT,
        GroundsState.REQUEST,
    )


RULE = Rule(
    name="kind_clear",
    duty="D-034",
    fires=fires,
    zh="无法判断短信类别,且没有可依据的同意",
    en="The kind is unclear and no consent would carry it",
    remedy_zh="改写文本使类别明确,或由人工判定",
    remedy_en="Reword the text so that its kind is clear, or have it read",
)
