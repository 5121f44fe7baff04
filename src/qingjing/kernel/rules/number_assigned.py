"""Empty numbers are soon somebody else's."""

from qingjing.kernel.kinds import is_marketing
from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.words import Kind, NumberState


def fires(number: NumberState, declared: Kind, read: Kind) -> bool:
    """The number is out of service."""
    return number is NumberState.EMPTY and is_marketing(declared, read)


RULE = Rule(
    name="number_assigned",
    duty="D-016",
    fires=fires,
    zh="号码已停机或为空号",
    en="The number is out of service",
    remedy_zh="从名单中删除该号码",
    remedy_en="Take the number off the list",
)
