"""Carriers limit marketing per number and signature."""

from qingjing.kernel.kinds import is_marketing
from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.vector import Over
from qingjing.kernel.words import Kind


def fires(carrier_cap: Over, declared: Kind, read: Kind) -> bool:
    """Over the carrier's cap for one number."""
    return carrier_cap is Over.YES and is_marketing(declared, read)


RULE = Rule(
    name="carrier_cap",
    duty="D-028",
    fires=fires,
    zh="超过运营商对同一号码的发送上限",
    en="Over the carrier's cap for one number",
    remedy_zh="等到下一周期再发送",
    remedy_en="Wait for the next period",
)
