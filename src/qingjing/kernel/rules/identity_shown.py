"""True identity and contact (广告法 §43, SAMR Order 37 Art 16)."""

from qingjing.kernel.kinds import is_marketing
from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.vector import IdentityState
from qingjing.kernel.words import Kind


def fires(identity: IdentityState, declared: Kind, read: Kind) -> bool:
    """The text does not show who is sending."""
    return identity is IdentityState.MISSING and is_marketing(declared, read)


RULE = Rule(
    name="identity_shown",
    duty="D-032",
    fires=fires,
    zh="没有表明发送者的身份和联系方式",
    en="The text does not show who is sending",
    remedy_zh="写明发送者名称(及联系方式)",
    remedy_en="Name the sender (and a contact where asked)",
)
