"""Filing per carrier, before use."""

from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.vector import PortState


def fires(port: PortState) -> bool:
    """The port is not filed with this carrier."""
    return port is PortState.NOT_FILED


RULE = Rule(
    name="port_filed",
    duty="D-008",
    fires=fires,
    zh="端口未在该运营商报备",
    en="The port is not filed with this carrier",
    remedy_zh="向该运营商报备后再发送",
    remedy_en="File the port with this carrier first",
)
