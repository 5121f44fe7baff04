"""The stated frequency binds (Order 31 Art 18: 频次)."""

from qingjing.kernel.kinds import is_marketing
from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.vector import Over
from qingjing.kernel.words import Kind


def fires(consent_frequency: Over, declared: Kind, read: Kind) -> bool:
    """More often than the person agreed to."""
    return consent_frequency is Over.YES and is_marketing(declared, read)


RULE = Rule(
    name="consent_frequency",
    duty="D-026",
    fires=fires,
    zh="超过用户同意的频次",
    en="More often than the person agreed to",
    remedy_zh="等到下一周期再发送",
    remedy_en="Wait for the next period",
)
