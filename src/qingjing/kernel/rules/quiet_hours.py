"""No legal hour is known; the hours are the book's own."""

from qingjing.kernel.kinds import is_marketing
from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.vector import HourState
from qingjing.kernel.words import Kind


def fires(hour: HourState, declared: Kind, read: Kind) -> bool:
    """Outside the hours for marketing."""
    return hour is HourState.QUIET and is_marketing(declared, read)


RULE = Rule(
    name="quiet_hours",
    duty="D-029",
    fires=fires,
    zh="不在允许发送营销短信的时段",
    en="Outside the hours for marketing",
    remedy_zh="在允许时段内发送",
    remedy_en="Send within the open hours",
)
