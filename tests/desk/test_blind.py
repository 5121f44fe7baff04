"""Blind exchange: both find the common numbers, and neither file shows one."""

from __future__ import annotations

import hashlib
import io
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qingjing.__main__ import House
from qingjing.desk import blind
from qingjing.desk.blind import BlindError, Secret, answer, ask, match, point
from qingjing.doors.cli import main
from qingjing.kernel.words import Phone

SECRET = Secret(b"e" * 16, b"1" * 32)
OTHER = b"2" * 32
phones = st.lists(st.integers(13_000_000_000, 13_000_000_020).map(Phone), max_size=8)


@settings(max_examples=40, deadline=None)
@given(phones, phones, st.binary(min_size=32, max_size=32))
def test_the_asker_finds_exactly_its_own_numbers_that_are_refused(
    ours: list[Phone], theirs: list[Phone], key: bytes
) -> None:
    """Whatever the lists, also with repeated numbers and under any key."""
    found = match(answer(ask(ours, SECRET), theirs, key), SECRET)

    assert found == [place for place, phone in enumerate(ours) if phone in theirs]


def test_a_number_becomes_a_point_of_the_curve_and_never_of_its_twist() -> None:
    """By Euler's criterion over the Montgomery equation, for two hundred numbers."""
    prime = 2**255 - 19
    for number in range(13_800_138_000, 13_800_138_200):
        u = int.from_bytes(point(Phone(number), b"x" * 16), "little")
        assert u < prime
        assert pow(u**3 + 486_662 * u**2 + u, (prime - 1) // 2, prime) == 1


def test_no_value_can_be_tried_out_or_joined_with_another_exchange() -> None:
    """Neither hash nor point of a number is in a file, and no value comes twice."""
    phone = Phone.parse("13800138000")
    question = ask([phone], SECRET)
    replied = answer(question, [phone], OTHER)
    again = ask([phone], Secret(b"f" * 16, b"3" * 32))
    for data in (question, replied, again):
        assert phone.digits.encode() not in data
        assert hashlib.sha256(phone.digits.encode()).digest() not in data
        assert point(phone, SECRET.exchange) not in data
    assert not set(blind._read(question)[1]) & set(blind._read(again)[1])
    assert "hidden" in repr(SECRET)


def test_what_is_no_honest_file_is_refused_in_words() -> None:
    """Cut off, another exchange's, too long, of small order, no file at all."""
    ours = [Phone.parse("13800138000"), Phone.parse("13900139000")]
    question = ask(ours, SECRET)
    replied = answer(question, ours, OTHER)
    with pytest.raises(BlindError, match="cut off"):
        answer(question[:-1], ours, OTHER)
    with pytest.raises(BlindError, match="not a question"):
        answer(question[:-32], ours, OTHER)
    with pytest.raises(BlindError, match="not a question"):
        answer(replied, ours, OTHER)
    with pytest.raises(BlindError, match="not an answer"):
        match(question, SECRET)
    with pytest.raises(BlindError, match="another question"):
        match(replied, Secret(b"f" * 16, b"1" * 32))
    with pytest.raises(BlindError, match="1 are answered at once"):
        answer(question, ours, OTHER, most=1)
    with pytest.raises(BlindError, match="no point"):
        answer(question[:-32] + bytes(32), ours, OTHER)
    with pytest.raises(BlindError, match="not a file"):
        answer(b"\xff\x00", ours, OTHER)


def command(folder: Path, *words: str) -> tuple[int, str, str]:
    """One command of an organisation: exit code, output, complaints."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main.run(House(), ["--config", str(folder / "qingjing.toml"), *words])
    return code, out.getvalue(), err.getvalue()


@pytest.fixture
def organisation(tmp_path: Path) -> Path:
    """One with two refusals of its group, one of all, one lifted by consent, one of another."""
    (tmp_path / "qingjing.toml").write_text('name = "theirs"\n', "utf-8")
    assert command(tmp_path, "keys", "create")[0] == 0
    for party in ("qinghe", "other"):
        words = ("--name", party, "--role", "platform", "--group", party)
        code = "91110105MA00QHXC1P"
        assert (
            command(tmp_path, "register", "party", party, *words, "--credit-code", code)[0] == 0
        )
    for number, whose in (
        ("13800138000", ("--group", "qinghe")),
        ("13800138001", ("--all",)),
        ("13800138002", ("--group", "other")),
        ("13800138003", ("--group", "qinghe")),
    ):
        assert command(tmp_path, "consent", "refuse", number, *whose)[0] == 0
    return tmp_path


def test_two_organisations_find_the_common_refusals_over_files(organisation: Path) -> None:
    """By commands alone: 2 of 4 numbers, and no file that travels holds one."""
    folder = organisation
    numbers = ["13800138002", "13800138001", "13800139999", "13800138000"]
    (folder / "list.csv").write_text("phone\n" + "\n".join(numbers) + "\n", "utf-8")
    at = {name: str(folder / name) for name in ("list.csv", "q", "a", "r.csv", "s")}
    asked = command(
        folder, "share", "ask", at["list.csv"], "--out", at["q"], "--secret", at["s"]
    )
    said = command(folder, "share", "answer", at["q"], "--group", "qinghe", "--out", at["a"])
    found = command(
        *(folder, "share", "match", at["list.csv"], at["a"]),
        *("--out", at["r.csv"], "--secret", at["s"], "--json"),
    )
    again = command(
        folder, "share", "ask", at["list.csv"], "--out", at["q"], "--secret", at["s"]
    )

    assert (asked[0], said[0], found[0]) == (0, 0, 0), (asked, said, found)
    assert msgspec.json.decode(found[1]) == {"refused": 2, "numbers": 4}
    assert Path(at["r.csv"]).read_text("utf-8").split() == ["phone", numbers[1], numbers[3]]
    assert Path(at["s"]).stat().st_mode & 0o077 == 0
    assert again[0] == 2  # never over another secret
    for name in ("q", "a"):
        assert b"138001" not in Path(at[name]).read_bytes()


def test_a_refusal_list_goes_out_in_a_vendors_columns_and_comes_back(
    organisation: Path,
) -> None:
    """In GB 18030 with Chinese names; taken in twice it is recorded once."""
    folder, out = organisation, str(organisation / "black.csv")
    words = ("--columns", "手机号=phone,渠道=door", "--encoding", "gb18030")
    sent = command(folder, "share", "export", "--group", "qinghe", "--out", out, *words)
    text = Path(out).read_text("gb18030").splitlines()
    taken = command(
        folder, "share", "take", out, "--group", "other", "--door", "carrier", "--json"
    )
    again = command(folder, "share", "take", out, "--group", "other", "--json")
    shown = command(folder, "consent", "show", "13800138003", "--json")
    wrong = command(folder, "share", "take", out, "--group", "other", "--door", "web")
    unknown = command(
        folder, "share", "export", "--group", "qinghe", "--out", out + "2", "--columns", "a=b"
    )

    assert sent[0] == 0, sent
    assert text[0] == "手机号,渠道"
    assert sorted(text[1:]) == [f"1380013800{n},command" for n in (0, 1, 3)]
    assert msgspec.json.decode(taken[1]) == {"recorded": 3, "known": 0}
    assert msgspec.json.decode(again[1]) == {"recorded": 0, "known": 3}
    standings = {
        one["sender"]: one["standing"] for one in msgspec.json.decode(shown[1])["standings"]
    }
    assert standings["other"] == "refused"
    assert (wrong[0], unknown[0]) == (2, 2)
    assert "13800138003" not in "".join(
        part for run in (taken, again, wrong) for part in run[1:]
    )


def test_a_receipt_is_given_and_looked_up_by_commands(organisation: Path) -> None:
    """Of a refusal: words, code, SMS; the signed file is checked by the public key alone."""
    folder = organisation
    code, said, _ = command(
        folder, "consent", "receipt", "13800138000", "--group", "qinghe", "--page", "q.cn/r"
    )
    words = said.splitlines()
    looked = command(folder, "--lang", "zh", "consent", "check-receipt", words[1])
    wrong = command(folder, "consent", "check-receipt", "0000-0000-0000")
    signed = command(
        folder, "consent", "receipt", "13800138000", "--group", "qinghe", "--json"
    )[1]
    (folder / "receipt.json").write_text(signed, "utf-8")
    (folder / "key.pub").write_text(command(folder, "keys", "show")[1], "utf-8")
    key = ("--key", str(folder / "key.pub"))
    checked = command(folder, "consent", "check-receipt", str(folder / "receipt.json"), *key)
    (folder / "receipt.json").write_text(signed.replace("refusal", "consent"), "utf-8")
    changed = command(folder, "consent", "check-receipt", str(folder / "receipt.json"), *key)

    assert code == 0
    assert "q.cn/r" in words[2]
    assert looked[0] == 0
    assert "拒收qinghe的营销短信" in looked[1]
    assert wrong[0] == 1
    assert checked[0] == 0, checked
    assert "refusal, qinghe" in checked[1]
    assert changed[0] == 1
