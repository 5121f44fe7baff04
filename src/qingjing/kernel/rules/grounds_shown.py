"""Informed consent needs the words (PIPL §17)."""

from qingjing.kernel.kinds import effective
from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.vector import GroundsState
from qingjing.kernel.words import Kind


def fires(grounds: GroundsState, declared: Kind, read: Kind) -> bool:
    """There is no proof that the wording was shown."""
    return grounds is GroundsState.NOT_SHOWN and effective(declared, read) is Kind.COMMERCIAL


RULE = Rule(
    name="grounds_shown",
    duty="D-022",
    fires=fires,
    zh="无法证明向用户展示过同意文本",
    en="There is no proof that the wording was shown",
    remedy_zh="保存展示证据后重新征求同意",
    remedy_en="Keep proof of showing, and ask again",
)
