"""What was not on record cannot have been known."""

from qingjing.kernel.kinds import effective
from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.vector import GroundsState
from qingjing.kernel.words import Kind


def fires(grounds: GroundsState, declared: Kind, read: Kind) -> bool:
    """The consent was recorded after the send."""
    return grounds is GroundsState.LATE and effective(declared, read) is Kind.COMMERCIAL


RULE = Rule(
    name="grounds_before_send",
    duty="D-025",
    fires=fires,
    zh="同意记录晚于发送时间",
    en="The consent was recorded after the send",
    remedy_zh="先记录同意,再发送",
    remedy_en="Record the consent before sending",
)
