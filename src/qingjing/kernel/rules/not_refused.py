"""After a refusal it stops, under any name (Order 31 Art 18, SAMR Order 37 Art 16)."""

from qingjing.kernel.kinds import is_marketing
from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.vector import GroundsState
from qingjing.kernel.words import Kind


def fires(grounds: GroundsState, declared: Kind, read: Kind) -> bool:
    """The person refused marketing of this sender's group."""
    return grounds is GroundsState.REFUSED and is_marketing(declared, read)


RULE = Rule(
    name="not_refused",
    duty="D-018",
    fires=fires,
    zh="用户已拒收该主体的营销短信",
    en="The person refused marketing of this sender's group",
    remedy_zh="停止发送;用户重新明示同意前不得再发",
    remedy_en="Stop; nothing may be sent until the person explicitly agrees anew",
)
