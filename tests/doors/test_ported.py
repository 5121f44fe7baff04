"""Numbers that moved to another network go where they are."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from gateway_house import CONSENTED, House, house
from test_gateway import OFFER, Talk, submit

from qingjing.doors import ported
from qingjing.doors.feeds import FeedError
from qingjing.kernel.numbers import Ported, carrier_of
from qingjing.kernel.words import Carrier, Phone

MOVED, STAYED = Phone(13800138000), Phone(13800138001)


def test_the_list_says_where_a_number_is_and_the_prefix_where_it_says_nothing(
    tmp_path: Path,
) -> None:
    """CSV in Chinese or English; the last row of a number counts."""
    path = tmp_path / "moved.csv"
    path.write_text(
        "手机号,运营商\n13800138000,电信\n+86 13800138002,unicom\n13800138000,联通\n".replace(
            "+86 ", "+86"
        ),
        "utf-8",
    )
    found = ported.read(path)
    assert len(found) == 2
    assert found(MOVED) is Carrier.UNICOM
    assert found(STAYED) is carrier_of(STAYED) is Carrier.MOBILE
    assert found(Phone(13800138002)) is Carrier.UNICOM


def test_a_parquet_list_is_read_alike(tmp_path: Path) -> None:
    """Numbers as integers."""
    table = pa.table({"phone": [int(MOVED)], "carrier": ["Telecom"]})
    pq.write_table(table, tmp_path / "moved.parquet")
    assert ported.read(tmp_path / "moved.parquet")(MOVED) is Carrier.TELECOM


@pytest.mark.parametrize("row", ["13800138000,vodafone", "123,mobile", "13800138000"])
def test_half_a_list_is_no_list(tmp_path: Path, row: str) -> None:
    """The row is named, the number masked."""
    path = tmp_path / "moved.csv"
    path.write_text(f"phone,carrier\n13800138009,mobile\n{row}\n", "utf-8")
    with pytest.raises(FeedError, match="row 3") as told:
        ported.read(path)
    assert "13800138000" not in str(told.value)


def test_columns_of_two_lengths_are_refused() -> None:
    """A number without a carrier is no entry."""
    with pytest.raises(ValueError, match="each number"):
        Ported([1, 2], [1])


def test_a_number_that_moved_leaves_over_its_new_carrier() -> None:
    """The message goes out over the other carrier's route."""
    with house() as running:

        async def move() -> None:
            look_up = Ported([int(CONSENTED)], [Carrier.TELECOM])
            running.desk.carrier_of = look_up

        running.call(move)
        talk: Talk = Talk(running)
        (answer,) = talk.send(submit(OFFER, CONSENTED))
        assert answer.Result == 0
        running.until(lambda: answer.Msg_Id in talk.client.reports)
        received = _received(running)
    assert received == {"mobile": 0, "unicom": 0, "telecom": 1}


def _received(running: House) -> dict[str, int]:
    return {name: len(carrier.received) for name, carrier in running.carriers.items()}
