"""What a detector raised becomes a finding only when a person stands for it."""

from __future__ import annotations

import pytest
from register_house import DAY, OFFERS, House

from qingjing.desk.entries import InputError
from qingjing.desk.findings import open_alarms
from qingjing.watch.alarm import Alarm, Evidence


def raised(house: House, **more: object) -> Alarm:
    """An alarm of a sublet port."""
    given = {
        "kind": "sublet_port",
        "port": OFFERS,
        "score": 0.97,
        "since": house.at - 3 * DAY,
        "at": house.at - 2 * DAY,
        "messages": 12,
        "words_zh": "端口疑似转租",
        "words_en": "the port seems sublet",
        "evidence": (Evidence("七个无关签名", "seven unrelated signatures", (4, 17)),),
    }
    return Alarm(**(given | more))  # type: ignore[arg-type]


def test_an_alarm_about_a_port_is_a_finding_against_its_holder() -> None:
    """With the detector's words, its rows, since when and how sure."""
    house = House()

    done = house.do(open_alarms, (raised(house),), "王敏")

    (fact,) = done.findings
    port = house.ledger.register.port(OFFERS)
    assert port is not None
    assert (fact.party, fact.what, fact.score) == (port.holder, "sublet_port", 0.97)
    assert fact.evidence == ("七个无关签名(日志行 4、17)",)
    assert fact.by == "王敏"
    assert fact.finding in house.ledger.register.oversight.findings


def test_the_same_alarm_again_opens_nothing_and_a_stranger_is_named() -> None:
    """A log may hold ports of others, for whom this register says nothing."""
    house = House()
    first = house.do(open_alarms, (raised(house),), "王敏").findings[0]

    done = house.do(open_alarms, (raised(house), raised(house, port="10690000")), "王敏")

    assert done.findings == (first,)
    assert done.left == ("10690000",)
    assert len(house.ledger.register.oversight.findings) == 1


def test_nobody_opens_a_finding_without_a_name() -> None:
    """Somebody answers for it."""
    house = House()
    with pytest.raises(InputError, match="by"):
        house.do(open_alarms, (raised(house),), " ")
