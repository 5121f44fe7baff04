"""Carriers record each access code (Order 31 Art 7)."""

from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.vector import PortState


def fires(port: PortState) -> bool:
    """The port is not registered."""
    return port is PortState.UNKNOWN


RULE = Rule(
    name="port_known",
    duty="D-005",
    fires=fires,
    zh="端口号未登记",
    en="The port is not registered",
    remedy_zh="登记端口号及其许可证",
    remedy_en="Register the port with its licence",
)
