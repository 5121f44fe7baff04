"""A limit of the house, across all signatures of the group."""

from qingjing.kernel.kinds import is_marketing
from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.vector import Over
from qingjing.kernel.words import Kind


def fires(house_cap: Over, declared: Kind, read: Kind) -> bool:
    """Over the house cap for one person."""
    return house_cap is Over.YES and is_marketing(declared, read)


RULE = Rule(
    name="house_cap",
    duty="D-027",
    fires=fires,
    zh="超过本集团对同一用户的发送上限",
    en="Over the house cap for one person",
    remedy_zh="等到下一周期再发送",
    remedy_en="Wait for the next period",
)
