"""A number that is none cannot be anyone's consent."""

from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.words import NumberState


def fires(number: NumberState) -> bool:
    """The number is no Chinese mobile number."""
    return number is NumberState.INVALID


RULE = Rule(
    name="number_valid",
    duty="D-015",
    fires=fires,
    zh="号码不是有效的手机号码",
    en="The number is no Chinese mobile number",
    remedy_zh="更正号码",
    remedy_en="Correct the number",
)
