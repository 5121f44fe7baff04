"""No reply is refusal; the same or similar asking is not repeated (Order 31 Art 18)."""

from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.vector import AskingState


def fires(asking: AskingState) -> bool:
    """This person was asked the same before and did not agree."""
    return asking is AskingState.REPEATED


RULE = Rule(
    name="asking_once",
    duty="D-036",
    fires=fires,
    zh="已就相同或相似内容征求过该用户,未获同意",
    en="This person was asked the same before and did not agree",
    remedy_zh="不得再次征求",
    remedy_en="Do not ask again",
)
