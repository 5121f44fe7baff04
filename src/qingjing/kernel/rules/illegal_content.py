"""Content that nobody may send (电信条例 §56, Order 31 Art 16)."""

from qingjing.kernel.kinds import effective
from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.words import Kind


def fires(declared: Kind, read: Kind) -> bool:
    """The text reads as illegal (gambling, fraud, invoices for sale)."""
    return effective(declared, read) is Kind.ILLEGAL


RULE = Rule(
    name="illegal_content",
    duty="D-001",
    fires=fires,
    zh="内容涉嫌违法",
    en="The text reads as illegal (gambling, fraud, invoices for sale)",
    remedy_zh="删除违法内容;误判请申请人工复核",
    remedy_en="Remove the illegal content; ask for a review if it was misread",
)
