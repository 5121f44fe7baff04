"""Codes are used within their term (码号资源使用)."""

from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.vector import PortState


def fires(port: PortState) -> bool:
    """Port or grant is outside its validity."""
    return port is PortState.EXPIRED


RULE = Rule(
    name="port_valid",
    duty="D-007",
    fires=fires,
    zh="端口或授权不在有效期内",
    en="Port or grant is outside its validity",
    remedy_zh="续期端口许可或授权",
    remedy_en="Renew the port's licence or the grant",
)
