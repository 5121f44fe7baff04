"""Unclear never becomes pass."""

from qingjing.kernel.kinds import is_marketing
from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.vector import GroundsState
from qingjing.kernel.words import Kind


def fires(grounds: GroundsState, declared: Kind, read: Kind) -> bool:
    """The person's reply was unclear; marketing waits for a human reading."""
    return grounds is GroundsState.UNCLEAR and is_marketing(declared, read)


RULE = Rule(
    name="refusal_clear",
    duty="D-019",
    fires=fires,
    zh="用户回复含义不明,待人工判断",
    en="The person's reply was unclear; marketing waits for a human reading",
    remedy_zh="人工阅读该回复并记录结论",
    remedy_en="Have the reply read and its meaning recorded",
)
