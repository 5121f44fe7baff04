"""Every sender is a known party (Order 74: real identity of the sender)."""

from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.vector import SenderState


def fires(sender: SenderState) -> bool:
    """The sender is not registered."""
    return sender is SenderState.UNKNOWN


RULE = Rule(
    name="sender_known",
    duty="D-003",
    fires=fires,
    zh="发送主体未登记",
    en="The sender is not registered",
    remedy_zh="先登记主体及统一社会信用代码",
    remedy_en="Register the party with its unified social credit code",
)
