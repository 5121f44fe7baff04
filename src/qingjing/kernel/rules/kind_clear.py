"""Unclear never becomes pass: not even to a person who agreed, for the limits of marketing
could not be applied to what nobody can name."""

from qingjing.kernel.kinds import effective
from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.words import Kind


def fires(declared: Kind, read: Kind) -> bool:
    """The kind of the message is unclear."""
    return effective(declared, read) is Kind.UNCLEAR


RULE = Rule(
    name="kind_clear",
    duty="D-034",
    fires=fires,
    zh="无法判断短信类别",
    en="The kind of the message is unclear",
    remedy_zh="改写文本使类别明确,或申报为营销短信,或由人工判定",
    remedy_en="Reword the text, declare it as marketing, or have it read by a person",
)
