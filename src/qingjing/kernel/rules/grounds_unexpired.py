"""A consent lasts for the term that was stated (Order 31 Art 18)."""

from qingjing.kernel.kinds import effective
from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.vector import GroundsState
from qingjing.kernel.words import Kind


def fires(grounds: GroundsState, declared: Kind, read: Kind) -> bool:
    """The consent has expired."""
    return grounds is GroundsState.EXPIRED and effective(declared, read) is Kind.COMMERCIAL


RULE = Rule(
    name="grounds_unexpired",
    duty="D-024",
    fires=fires,
    zh="同意已过期",
    en="The consent has expired",
    remedy_zh="在期限届满前后重新征求同意",
    remedy_en="Ask again",
)
