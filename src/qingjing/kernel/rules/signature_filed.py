"""先登记后发送, carrier by carrier."""

from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.vector import SignatureState


def fires(signature: SignatureState) -> bool:
    """The signature is not filed with this carrier."""
    return signature is SignatureState.NOT_FILED


RULE = Rule(
    name="signature_filed",
    duty="D-013",
    fires=fires,
    zh="签名未在该运营商报备",
    en="The signature is not filed with this carrier",
    remedy_zh="向该运营商报备签名后再发送",
    remedy_en="File the signature with this carrier first",
)
