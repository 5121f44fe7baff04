"""Screenshots of SMS: their layout, and the whole way where the extra is installed."""

from __future__ import annotations

import struct
import unicodedata
import zlib
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qingjing.desk.entries import BEIJING
from qingjing.text import ocr
from qingjing.text.ocr import PictureError
from qingjing.text.screenshot import Line, moment, read_screen


def at(year: int, month: int, day: int, hour: int, minute: int) -> datetime:
    """A Beijing time."""
    return datetime(year, month, day, hour, minute, tzinfo=BEIJING)


TAKEN = at(2026, 11, 24, 14, 30)
AD = "【示例商城】双11抢先购今晚8点开始,爆款低至5折,戳s.example.cn/x拒收请回复R"
CODE = "【示例银行】您的验证码是482913,5分钟内有效,请勿告诉他人。"
LONG = "【青禾优选】尊敬的会员,您有3张满200减50元券将于今晚过期,点击t.example.cn/9a领取,回T退订"


def line(text: str, left: float, top: float, *, wide: float = 300, sure: float = 1.0) -> Line:
    """A line of 30 pixels' height."""
    return Line(text, left, top, left + wide, top + 30, sure)


def test_a_conversation_is_laid_out_in_sender_times_and_bubbles() -> None:
    """Lines that stand close are one bubble; a time holds for those below it."""
    found = read_screen(
        [
            line("9:41", 20, 10, wide=60),
            line("106900001234", 250, 90, wide=220),
            line("昨天 20:11", 280, 170, wide=160),
            line("【示例商城】今晚8点,", 60, 230),
            line("低至5折 拒收请回复R", 45, 270, sure=0.8),
            line("第二条", 45, 360, wide=90),
            line("T", 600, 440, wide=80),
        ],
        720,
    )

    assert found.sender == "106900001234"
    assert [one.text for one in found.bubbles] == [
        "【示例商城】今晚8点,低至5折 拒收请回复R",
        "第二条",
        "T",
    ]
    assert [one.mine for one in found.bubbles] == [False, False, True]
    assert found.bubbles[0].time == "昨天 20:11"
    assert found.bubbles[0].sure == 0.8
    assert found.missing == ()


def test_what_is_not_on_the_screen_is_asked_for() -> None:
    """A crop without head shows neither number nor time."""
    found = read_screen([line("【示例商城】低至5折 拒收请回复R", 45, 40, wide=500)], 720)

    assert found.missing == ("sender", "time")
    assert read_screen([], 720).missing == ("sender", "time", "text")


@given(
    st.lists(
        st.builds(
            Line,
            st.text(max_size=12),
            *[st.floats(0, 2000, allow_nan=False)] * 4,
            st.floats(0, 1),
        )
    ),
    st.floats(1, 4000),
)
def test_every_set_of_lines_is_laid_out_and_no_bubble_is_empty(
    lines: list[Line], width: float
) -> None:
    """Total, whatever was read off the picture."""
    assert all(one.text for one in read_screen(lines, width).bubbles)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("今天 14:05", at(2026, 11, 24, 14, 5)),
        ("今天14:31", None),
        ("昨天 下午8:11", at(2026, 11, 23, 20, 11)),
        ("11月3日 周二 上午9:12", at(2026, 11, 3, 9, 12)),
        ("12月25日 10:00", at(2025, 12, 25, 10, 0)),
        ("2024年2月29日 晚上11:59", at(2024, 2, 29, 23, 59)),
        ("2025/2/29 10:00", None),
        ("星期日 09:00", at(2026, 11, 22, 9, 0)),
        ("中午12:30", None),
        ("25:00", None),
        ("上周", None),
    ],
)
def test_a_time_as_shown_becomes_a_moment_or_nothing(
    words: str, meant: datetime | None
) -> None:
    """Nothing is guessed: without a day, or with one that cannot be, there is no moment."""
    assert moment(words, TAKEN) == meant


@given(st.text(alphabet="今昨天上下午周一日月年0123456789: /", max_size=16))
def test_no_moment_lies_a_day_after_the_screen(words: str) -> None:
    """Total, and nothing was received after it was seen, but for dates with a year."""
    found = moment(words, TAKEN)

    assert found is None or "年" in words or "/" in words or found <= TAKEN + timedelta(days=1)


def _bomb(side: int) -> bytes:
    """A PNG of a few bytes that says it is so many pixels wide and high."""

    def chunk(name: bytes, data: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + crc

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows)


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (b"GIF89a" + bytes(100), "no picture"),
        (b"<svg onload='x'/>", "no picture"),
        (bytes(ocr.BYTES_MAX + 1), "bytes"),
        (_bomb(6_000), "pixels"),
        (_bomb(40_000), "pixels"),
    ],
    ids=["gif", "svg", "large", "many pixels", "bomb"],
)
def test_a_harmful_picture_is_refused_before_it_is_decoded(picture: bytes, said: str) -> None:
    """Type and size are looked at first."""
    pytest.importorskip("PIL", reason="the extra ocr is not installed")
    pytest.importorskip("rapidocr", reason="the extra ocr is not installed")

    with pytest.raises(PictureError, match=said):
        ocr.lines(picture)


def _pictures() -> list[tuple[str, bytes, str, list[str], tuple[str, ...]]]:
    import phone_screen as phone

    two = [("time", "昨天 20:11"), ("in", AD), ("time", "今天 14:05"), ("in", CODE)]
    many = [("time", "11月3日 周二 上午9:12"), ("in", LONG), ("in", AD), ("out", "退订")]
    one = [("in", LONG)]
    return [
        ("light", phone.draw("106900001234", two), "106900001234", [AD, CODE], ()),
        ("dark", phone.draw("10690000", two, phone.DARK), "10690000", [AD, CODE], ()),
        ("many", phone.draw("106900005678", many), "106900005678", [LONG, AD, "退订"], ()),
        ("small", phone.draw("10655", two, size=24), "10655", [AD, CODE], ()),
        ("crop", phone.draw("1069", one, crop=155), "", [LONG], ("sender", "time")),
    ]


@pytest.mark.slow
def test_pictures_of_screens_are_read_with_their_numbers_times_and_texts() -> None:
    """Light, dark, small, several bubbles, one's own answer, and a crop."""
    pytest.importorskip("rapidocr", reason="the extra ocr is not installed")
    font = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
    if not font.exists():
        pytest.skip("fonts-noto-cjk is not installed")
    for name, picture, sender, texts, missing in _pictures():
        found = read_screen(*ocr.lines(picture))

        assert found.sender == sender, name
        assert found.missing == missing, name
        assert len(found.bubbles) == len(texts), (name, found)
        for bubble, text in zip(found.bubbles, texts, strict=True):
            read = "".join(unicodedata.normalize("NFKC", bubble.text).split())
            alike = SequenceMatcher(None, read, text).ratio()
            assert alike >= 0.97, (name, bubble.text)
