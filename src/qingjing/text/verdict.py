"""What the words alone say: the kind by their sums, in a fixed order, and UNCLEAR for a guess.

Order 31 draws the line: a text that introduces or sells goods, services or opportunities is
commercial, also when it hangs on a notice (mixed). The model takes this verdict as one sign
among others.
"""

from __future__ import annotations

import re
from typing import Final

from qingjing.kernel.words import Category, Kind
from qingjing.text.normalise import Normal
from qingjing.text.weigh import OWN_ENOUGH, Tally

ENOUGH: Final = 4
"""The sum that makes a kind: one unmistakable word, or two that are usual in it."""

ILLEGAL_ENOUGH: Final = 5
"""More than for the others, because it names a crime: one word beyond doubt, or several."""

MIXED_ENOUGH: Final = 5
"""What a promotion in such a text must weigh: 免费办理 is said in honest notices as well."""

LURE_MAX: Final = 3
"""Words of fraud (改期, 退票) that an honest notice may hold if it gives no way to call."""

# What the person has, and what became of it. What is given away, or was only looked at, is no
# such thing; and who invites on the same breath sells.
_OWN = (
    r"您(?![^,。!]{0,14}?(?:礼|奖|券|红包|额度|福利|名额|优惠|特权|权益"
    r"|看|关注|收藏|心仪|想要|喜欢|浏览|专属))"
)
_INVITES: Final = re.compile(
    r"欢迎(?![致来]电)|体验|选购|换购|推荐|新品|新款|活动|享|赠|等您来"
)
_TOLD: Final = re.compile(rf"{_OWN}(?:的|在|于)?[^,。!¥%]{{1,24}}?(?:已|将于|将在)")
_DONE: Final = re.compile(
    rf"{_OWN}[^。!¥%]{{1,24}}?(?:已[^,。!]{{0,8}}?(?:完成|完毕|完工|好|到店|到货|出库|备齐)"
    r"|(?:延误|晚点|推迟|延期|顺延|改期|改至|改签|取消|停运|停播|停演)"
    r"|(?:完成|完毕|到店|到货|就绪)[,。])"
)
_LETTER: Final = re.compile(r"\w")
# What decoding with the wrong table leaves behind.
_BROKEN: Final = re.compile(r"[\ufffd\ue000-\uf8ff\U000f0000-\U0010ffff]|锟斤拷|烫烫")


def own(sums: list[int]) -> int:
    """How much says that a text is about something the person has."""
    return max(sums[Kind.VERIFICATION], sums[Kind.SERVICE])


def decide(
    sums: list[int], *, asking: bool, offers: bool, addressed: bool, strong: bool
) -> tuple[Kind, bool]:
    """The kind by the sums, and whether it is mixed. The first that holds is the answer.

    ``offers``: an asking has an offer of its own. ``strong``: one promoting word at least is
    more than usual; a tariff notice of many weak words (套餐, 次月, 办理) is no promotion.
    """
    commercial, illegal = sums[Kind.COMMERCIAL], sums[Kind.ILLEGAL]
    verification, service = sums[Kind.VERIFICATION], sums[Kind.SERVICE]
    public, personal = sums[Kind.PUBLIC], sums[Kind.PERSONAL]
    mine = own(sums)
    if not addressed:
        # Chat says 免费 and 银行 too; what speaks against a sender counts when none shows.
        commercial -= personal
        illegal -= personal
    if illegal >= ILLEGAL_ENOUGH and illegal > max(commercial, public + verification, service):
        return Kind.ILLEGAL, False
    if asking:
        # What would be sent has to be named, and its names sell: they alone are no offer.
        offer = commercial >= (ENOUGH if offers else 4 * ENOUGH)
        return (Kind.COMMERCIAL if offer else Kind.ASKING), False
    if public >= ENOUGH and public > max(mine, commercial):
        return Kind.PUBLIC, False
    if mine >= OWN_ENOUGH:
        if commercial >= MIXED_ENOUGH and strong:
            return Kind.COMMERCIAL, True
        if commercial >= OWN_ENOUGH and commercial > mine:
            return Kind.UNCLEAR, False
        return (Kind.VERIFICATION if verification > service else Kind.SERVICE), False
    if commercial >= ENOUGH:
        return Kind.COMMERCIAL, False
    if not addressed and personal >= 2 and commercial <= 0:
        return Kind.PERSONAL, False
    return Kind.UNCLEAR, False


def told(text: str, tally: Tally, *, reachable: bool) -> bool:
    """Whether a signed text tells what became of something of the person's own.

    Only where nothing speaks for a promotion or a crime: what is sold also comes as 您的额度已.
    A sentence that tells an outcome outweighs the names of things and places (轮胎, 门店).
    """
    if (
        tally.kinds[Kind.ILLEGAL] > (1 if reachable else LURE_MAX)
        or tally.selling >= OWN_ENOUGH
    ):
        return False
    match = None if _INVITES.search(text) else _DONE.search(text)
    if match is None and tally.kinds[Kind.COMMERCIAL] <= 1:
        match = _TOLD.search(text)
    if match is None:
        return False
    tally.add(Kind.SERVICE, Category.OTHER, match.group(), OWN_ENOUGH)
    return True


def unreadable(normal: Normal) -> bool:
    """Nothing to read, or so much broken that what is left may mislead."""
    text = normal.text
    if _LETTER.search(text) is None:
        return True
    if text.isascii():
        return False
    return len(_BROKEN.findall(text)) * 10 > len(text)
