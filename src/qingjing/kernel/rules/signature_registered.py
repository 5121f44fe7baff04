"""Every signature is registered under a real name (签名实名制)."""

from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.vector import SignatureState


def fires(signature: SignatureState) -> bool:
    """The signature is not registered."""
    return signature is SignatureState.UNREGISTERED


RULE = Rule(
    name="signature_registered",
    duty="D-011",
    fires=fires,
    zh="签名未登记",
    en="The signature is not registered",
    remedy_zh="登记签名及其权属证明",
    remedy_en="Register the signature with proof of ownership",
)
