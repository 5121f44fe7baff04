"""A notice with a promotion is a promotion."""

from qingjing.kernel.kinds import is_disguised
from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.words import Kind


def fires(declared: Kind, read: Kind) -> bool:
    """Marketing under a service declaration."""
    return is_disguised(declared, read)


RULE = Rule(
    name="kind_honest",
    duty="D-033",
    fires=fires,
    zh="以服务类名义发送营销内容",
    en="Marketing under a service declaration",
    remedy_zh="按营销短信申报,或删除营销内容",
    remedy_en="Declare it as marketing, or take the promotion out",
)
