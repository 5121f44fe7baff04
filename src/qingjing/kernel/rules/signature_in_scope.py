"""不得扩大签名使用范围 (MIIT, 2021-10-25)."""

from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.vector import SignatureState


def fires(signature: SignatureState) -> bool:
    """The signature is used beyond its scope."""
    return signature is SignatureState.OUT_OF_SCOPE


RULE = Rule(
    name="signature_in_scope",
    duty="D-012",
    fires=fires,
    zh="签名超出登记的使用范围",
    en="The signature is used beyond its scope",
    remedy_zh="在登记的主体和端口内使用签名,或扩大登记",
    remedy_en="Use it within its registered senders and ports, or extend the registration",
)
