"""A suspension binds at the next message."""

from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.vector import SenderState


def fires(sender: SenderState) -> bool:
    """The sender is suspended."""
    return sender is SenderState.SUSPENDED


RULE = Rule(
    name="sender_free",
    duty="D-004",
    fires=fires,
    zh="发送主体已被暂停",
    en="The sender is suspended",
    remedy_zh="完成整改并申请恢复",
    remedy_en="Put right what led to the suspension and apply for reinstatement",
)
