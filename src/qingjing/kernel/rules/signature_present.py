"""The sender's name is shown (签名)."""

from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.vector import SignatureState


def fires(signature: SignatureState) -> bool:
    """The text has no signature."""
    return signature is SignatureState.ABSENT


RULE = Rule(
    name="signature_present",
    duty="D-010",
    fires=fires,
    zh="短信没有签名",
    en="The text has no signature",
    remedy_zh="在文首加上【签名】",
    remedy_en="Put 【signature】 at the head of the text",
)
