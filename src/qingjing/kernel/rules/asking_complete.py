"""Order 31 Art 18 on asking."""

from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.vector import AskingState


def fires(asking: AskingState) -> bool:
    """A request for consent must state type, frequency and term."""
    return asking is AskingState.INCOMPLETE


RULE = Rule(
    name="asking_complete",
    duty="D-035",
    fires=fires,
    zh="征求同意的短信未说明类型、频次和期限",
    en="A request for consent must state type, frequency and term",
    remedy_zh="写明拟发送短信的类型、频次和期限",
    remedy_en="State the type, frequency and term of what would be sent",
)
