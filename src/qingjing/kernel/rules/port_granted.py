"""No lent or sublet ports (Order 31 Art 13, 违规转租)."""

from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.vector import PortState


def fires(port: PortState) -> bool:
    """The port is not granted to this sender."""
    return port is PortState.NOT_GRANTED


RULE = Rule(
    name="port_granted",
    duty="D-006",
    fires=fires,
    zh="该主体未获准使用此端口",
    en="The port is not granted to this sender",
    remedy_zh="使用本主体的端口,或登记授权",
    remedy_en="Use the sender's own port, or register the grant",
)
