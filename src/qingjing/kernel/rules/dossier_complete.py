"""Not knowing is no permission: a gap never passes."""

from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.vector import GapState


def fires(gap: GapState) -> bool:
    """Something the decision needs could not be looked up."""
    return gap is GapState.SOME


RULE = Rule(
    name="dossier_complete",
    duty="D-002",
    fires=fires,
    zh="判定所需的事实不全",
    en="Something the decision needs could not be looked up",
    remedy_zh="稍后重试;持续出现请检查账本与索引",
    remedy_en="Send again later; if it lasts, check ledger and index",
)
