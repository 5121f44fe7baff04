"""Pages as text: templates, the two languages, and the words for what the record says."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final, Literal

from jinja2 import Environment, PackageLoader, StrictUndefined

from qingjing.desk.entries import told
from qingjing.desk.ports import Ledger
from qingjing.desk.receipt import code_of
from qingjing.kernel.facts import ALL_GROUPS
from qingjing.kernel.vector import GroundsState
from qingjing.kernel.words import PURPOSE_ANY, Act, Category, Door

Lang = Literal["zh", "en"]
Pair = tuple[str, str]

ACTS: Final[dict[Act, Pair]] = {
    Act.TICKED: ("你勾选了方框", "you ticked a box"),
    Act.REPLIED: ("你回复了短信", "you answered a message"),
    Act.SIGNED: ("你签了字", "you signed"),
    Act.SPOKEN: ("你口头表示", "you said so"),
    Act.CONFIRMED: ("你作了确认", "you confirmed"),
    Act.REQUESTED: ("你主动请求", "you asked for it"),
    Act.DEFAULT: ("默认设置,不是你的行为", "set by default, no act of yours"),
    Act.PRE_TICKED: ("方框已预先勾选", "the box was ticked before you came"),
    Act.BUNDLED: ("与其他事项捆绑", "bundled with something else"),
    Act.SILENT: ("以沉默视为同意", "your silence was taken for it"),
    Act.UNKNOWN: ("方式不明", "nobody says how"),
}
DOORS: Final[dict[Door, Pair]] = {
    Door.REPLY: ("短信回复", "by reply"),
    Door.WEB: ("网页", "on the web"),
    Door.APP: ("应用", "in an app"),
    Door.CALL: ("电话", "by phone"),
    Door.PAPER: ("纸质", "on paper"),
    Door.COMPLAINT: ("投诉", "by complaint"),
    Door.CARRIER: ("运营商", "from the carrier"),
    Door.IMPORT: ("名单导入", "in an imported list"),
    Door.COMMAND: ("工作人员录入", "entered by staff"),
}
STATES: Final[dict[GroundsState, Pair]] = {
    GroundsState.CONSENT: ("有效", "holds"),
    GroundsState.REQUEST: ("有效", "holds"),
    GroundsState.NONE: ("已终止", "has ended"),
    GroundsState.REFUSED: ("已被你的拒收终止", "ended by your refusal"),
    GroundsState.UNCLEAR: ("暂停,等待人工阅读你的回复", "on hold until your reply is read"),
    GroundsState.EXPIRED: ("已过期", "has run out"),
    GroundsState.OTHER_CATEGORY: ("用途不符", "is for something else"),
    GroundsState.NOT_SHOWN: (
        "不成立:没有展示文案的证明",
        "is worth nothing: no proof of the words",
    ),
    GroundsState.NOT_EXPLICIT: ("不成立:不是你自己的行为", "is worth nothing: no act of yours"),
    GroundsState.LATE: ("晚于发送", "came after the sending"),
}
CATEGORIES: Final[dict[Category, Pair]] = {
    Category.OTHER: ("其他", "other"),
    Category.RETAIL: ("零售", "retail"),
    Category.FINANCE: ("金融", "finance"),
    Category.TELECOM: ("电信", "telecom"),
    Category.REAL_ESTATE: ("房产", "real estate"),
    Category.EDUCATION: ("教育", "education"),
    Category.TRAVEL: ("旅游", "travel"),
    Category.HEALTH: ("健康", "health"),
    Category.FOOD: ("食品", "food"),
    Category.ENTERTAINMENT: ("娱乐", "entertainment"),
    Category.AUTOMOTIVE: ("汽车", "cars"),
    Category.INVOICES: ("发票", "invoices"),
    Category.GAMBLING: ("赌博", "gambling"),
    Category.FRAUD: ("诈骗", "fraud"),
    Category.RECRUITMENT: ("招聘", "recruitment"),
}
STATS: Final[dict[str, Pair]] = {
    "DELIVRD": ("已送达", "delivered"),
    "": ("已发出,尚无回执", "sent, no report yet"),
    "UNKNOWN": ("已发出,结果不明", "sent, end unknown"),
}
_OTHER_STAT: Final = ("未送达", "not delivered")


def words(pairs: Mapping[Any, Pair], key: Any, lang: Lang) -> str:
    """The word for a value."""
    return pairs.get(key, _OTHER_STAT)[lang == "en"]


def purposes(mask: int, lang: Lang) -> str:
    """The purposes of a consent."""
    if mask == PURPOSE_ANY:
        return ("所有用途", "everything")[lang == "en"]
    found = [words(CATEGORIES, one, lang) for one in Category if one.bit & mask]
    return ("、", ", ")[lang == "en"].join(found)


class View:
    """The templates, with what they all use."""

    def __init__(self, ledger: Ledger) -> None:
        """``ledger`` has the register, for names."""
        self._ledger = ledger
        self._jinja = Environment(
            loader=PackageLoader("qingjing.doors.pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        folder = resources.files("qingjing.doors.pages") / "templates"
        self.style = (folder / "pages.css").read_text("utf-8")
        self.edition = hashlib.sha256(self.style.encode()).hexdigest()[:12]

    def page(self, name: str, lang: Lang, here: str, **more: Any) -> str:
        """A page. ``here`` is its address without the language, for the switch."""
        english = lang == "en"

        def say(zh: str, en: str) -> str:
            """One of the two."""
            return en if english else zh

        return self._jinja.get_template(f"{name}.html").render(
            lang=lang,
            here=here,
            say=say,
            edition=self.edition,
            day=lambda at: told(at)[:16],
            act=lambda value: words(ACTS, value, lang),
            door=lambda value: words(DOORS, value, lang),
            state=lambda value: words(STATES, value, lang),
            stat=lambda value: words(STATS, value, lang),
            purposes=lambda mask: purposes(mask, lang),
            receipt=lambda position: code_of(self._ledger, position),
            sender=self.sender,
            group=lambda value: self.group(value, lang),
            **more,
        )

    def sender(self, party: str) -> str:
        """The name of a party."""
        found = self._ledger.register.party(party)
        return found.name if found else party

    def group(self, group: str, lang: Lang) -> str:
        """A group by the names of its parties that send; of all, in words."""
        if group == ALL_GROUPS:
            return ("所有发送方", "every sender")[lang == "en"]
        found = [p.name for p in self._ledger.register.parties() if p.group == group]
        return ("、", ", ")[lang == "en"].join(found) or group
