"""A consent belongs to a person, not to a number (二次放号)."""

from qingjing.kernel.kinds import is_marketing
from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.words import Kind, NumberState


def fires(number: NumberState, declared: Kind, read: Kind) -> bool:
    """The number has a new owner; earlier consents ended."""
    return number is NumberState.RECYCLED and is_marketing(declared, read)


RULE = Rule(
    name="number_same_person",
    duty="D-017",
    fires=fires,
    zh="号码已重新分配,原同意失效",
    en="The number has a new owner; earlier consents ended",
    remedy_zh="向新机主重新征求同意",
    remedy_en="Ask the new owner",
)
