"""Consent is explicit (民法典 §1033, PIPL §14)."""

from qingjing.kernel.kinds import effective
from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.vector import GroundsState
from qingjing.kernel.words import Kind


def fires(grounds: GroundsState, declared: Kind, read: Kind) -> bool:
    """The consent was no act of the person (default, pre-ticked, bundled, silent)."""
    return grounds is GroundsState.NOT_EXPLICIT and effective(declared, read) is Kind.COMMERCIAL


RULE = Rule(
    name="grounds_explicit",
    duty="D-021",
    fires=fires,
    zh="同意不是用户的明示行为(默认、预勾选、捆绑或沉默)",
    en="The consent was no act of the person (default, pre-ticked, bundled, silent)",
    remedy_zh="重新取得单独、主动勾选的同意",
    remedy_en="Obtain a separate consent by the person's own act",
)
