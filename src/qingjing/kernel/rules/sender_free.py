"""A suspension binds at the next message."""

from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.vector import SenderState


def fires(sender: SenderState) -> bool:
    """Sender, port or signature is suspended."""
    return sender is SenderState.SUSPENDED


RULE = Rule(
    name="sender_free",
    duty="D-004",
    fires=fires,
    zh="发送主体、端口或签名已被暂停",
    en="The sender, its port or its signature is suspended",
    remedy_zh="完成整改并申请恢复,或对处置提出申诉",
    remedy_en="Put right what led to the suspension and apply for reinstatement, or appeal",
)
