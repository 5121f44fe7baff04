"""An undeclared path is how ports are sublet."""

from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.vector import ChainState


def fires(chain: ChainState) -> bool:
    """The path from sender to carrier is not declared."""
    return chain is ChainState.UNDECLARED


RULE = Rule(
    name="chain_declared",
    duty="D-014",
    fires=fires,
    zh="发送链路未申报",
    en="The path from sender to carrier is not declared",
    remedy_zh="申报商户、代理、服务商的完整链路",
    remedy_en="Declare the whole chain: merchant, agents, provider",
)
