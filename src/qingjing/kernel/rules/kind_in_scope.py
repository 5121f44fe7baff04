"""No use beyond the approved purpose (Order 31 Art 13; 2020 draft on service ports)."""

from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.vector import ScopeState


def fires(scope: ScopeState) -> bool:
    """Port, signature or grant does not allow this kind of message."""
    return scope is ScopeState.FORBIDDEN


RULE = Rule(
    name="kind_in_scope",
    duty="D-009",
    fires=fires,
    zh="端口、签名或授权不允许此类短信",
    en="Port, signature or grant does not allow this kind of message",
    remedy_zh="改用许可此类用途的端口和签名",
    remedy_en="Use a port and signature approved for this kind",
)
