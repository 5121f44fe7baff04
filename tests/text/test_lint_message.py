"""Message lint: the gate's own rules for a text, by carrier and day, and what it costs."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

import qingjing
from qingjing.desk.entries import moment
from qingjing.desk.texts import read_body, view_of
from qingjing.kernel.rulebook import Rulebook, choose, read_rulebook
from qingjing.kernel.words import Carrier, Kind, Verdict
from qingjing.text import lint_message
from qingjing.text.lint_message import Draft, MessageLint, lint, measure_parts, signed
from qingjing.text.reading import read

ROOT: Final = Path(__file__).parents[2]
BOOKS: Final = tuple(
    read_rulebook(path.read_text(encoding="utf-8"))
    for path in sorted((Path(qingjing.__file__).parent / "rulebooks").glob("*.toml"))
)
CODE: Final = "【青禾商城】验证码482913,5分钟内有效。"
SALE: Final = "【青禾商城】秋装上新,全场满200减50"


def book_at(at: int) -> Rulebook:
    """The shipped book of a time."""
    found = choose(BOOKS, at)
    assert found is not None
    return found


def ask(
    body: str,
    when: str = "2026-11-11 12:00",
    carriers: tuple[Carrier, ...] = (Carrier.MOBILE, Carrier.UNICOM, Carrier.TELECOM),
    **given: Any,
) -> MessageLint:
    """Lint as the command does."""
    at = moment(when)
    draft = Draft(body=body, **given)
    return lint(draft, read(body), view_of(read_body(body)), book_at(at), carriers, at)


def found(answer: MessageLint, code: str) -> tuple[str, ...]:
    """For which carriers something was found."""
    return next((f.carriers for f in answer.findings if f.code == code), ())


def test_a_sound_text_may_leave_everywhere() -> None:
    """Signature at the head, the notice that all take, no link: nothing to say."""
    answer = ask(SALE + ",拒收请回复R")

    assert set(answer.verdicts.values()) == {Verdict.PASS}
    assert answer.findings == ()
    assert answer.mended == ""


def test_a_notice_that_one_carrier_does_not_take_is_refused_there_alone() -> None:
    """China Unicom wants R from 2026-05-01; T is a notice for the others."""
    answer = ask(SALE + ",回T退订")

    assert found(answer, "notice_present") == ("unicom",)
    assert answer.verdicts["mobile"] is Verdict.PASS
    assert answer.mended == SALE + ",拒收请回复R"
    assert "unicom: R" in answer.findings[0].remedy_en
    assert answer.findings[0].quote == "回T退订"


def test_the_day_chooses_the_book() -> None:
    """On the last day of Order 31 the same text passes at China Unicom."""
    before, after = (
        ask(SALE + ",回T退订", when) for when in ("2026-04-30 12:00", "2026-05-01 12:00")
    )

    assert (before.rulebook, after.rulebook) == ("order31-2015", "order74-2026")
    assert before.verdicts["unicom"] is Verdict.PASS
    assert after.verdicts["unicom"] is Verdict.REFUSE


def test_a_missing_notice_is_added_in_the_mended_text() -> None:
    """With what it then costs; and mending mends."""
    answer = ask(SALE)

    assert found(answer, "notice_present") == ("mobile", "unicom", "telecom")
    assert answer.mended == SALE + " 拒收请回复R"
    assert set(ask(answer.mended).verdicts.values()) == {Verdict.PASS}


def test_a_missing_signature_is_added_when_it_is_known() -> None:
    """Without one to add nothing is made up."""
    assert found(ask("秋装上新,拒收请回复R"), "signature_present")
    assert ask("秋装上新,拒收请回复R").mended == ""
    mended = ask("秋装上新,拒收请回复R", signature="青禾商城").mended
    assert mended == "【青禾商城】秋装上新,拒收请回复R"


def test_links_are_refused_where_and_when_a_carrier_takes_none() -> None:
    """China Telecom since 2025-05-20, and the link is quoted as it is written."""
    text = SALE + ",戳 s.example.cn/Ab12 拒收请回复R"
    answer = ask(text)

    assert found(answer, "links_accepted") == ("telecom",)
    assert "s.example.cn/Ab12" in [finding.quote for finding in answer.findings]
    assert not found(ask(text, "2025-05-19 12:00"), "links_accepted")


def test_marketing_under_a_service_declaration_is_told_with_its_words() -> None:
    """The part that sells is quoted."""
    answer = ask(
        "【青禾商城】您的订单已发货,单号8812。另有满200减50券待领,拒收请回复R",
        declared=Kind.SERVICE,
    )
    honest = next(f for f in answer.findings if f.code == "kind_honest")

    assert answer.counts_as is Kind.COMMERCIAL
    assert "满200减50" in honest.quote


def test_an_unusable_notice_is_quoted() -> None:
    """One that asks for a login instead of a reply."""
    answer = ask(SALE + ",退订请登录APP", carriers=(Carrier.MOBILE,))
    codes = {finding.code for finding in answer.findings if finding.effect == "refuse"}

    assert codes & {"notice_usable", "notice_present"}
    assert any("退订" in finding.quote for finding in answer.findings)


def test_an_asking_has_to_state_type_frequency_and_term() -> None:
    """Order 31 Art 18; nothing declared means asking where the text asks."""
    lacking = ask("【青禾商城】是否同意接收我们的优惠短信?同意请回复Y,拒收请回复R")
    whole = ask(
        "【青禾商城】是否同意接收服装类促销短信?每月不超过2条,有效期一年,同意请回复Y,拒收请回复R"
    )

    assert lacking.declared is Kind.ASKING
    assert found(lacking, "asking_complete")
    assert not found(whole, "asking_complete")


def test_hours_are_those_of_the_book() -> None:
    """At half past nine in the evening marketing waits, and the hours are told."""
    answer = ask(SALE + ",拒收请回复R", "2026-11-11 21:30")
    quiet = next(f for f in answer.findings if f.code == "quiet_hours")

    assert "8:00-21:00" in quiet.remedy_zh


@pytest.mark.parametrize(
    ("length", "parts", "room"),
    [(0, 1, 70), (70, 1, 0), (71, 2, 63), (134, 2, 0), (135, 3, 66), (201, 3, 0)],
)
def test_length_counts_as_suppliers_bill_it(length: int, parts: int, room: int) -> None:
    """70 characters in one SMS, 67 in each part of a longer one."""
    assert measure_parts("字" * length) == (length, parts, room)


def test_an_emoji_counts_as_two() -> None:
    """It takes two UTF-16 units."""
    assert measure_parts("🎁")[0] == 2


@pytest.mark.parametrize(("extra", "cut"), [(1, "1"), (8, "8"), (9, "")])
def test_a_few_characters_too_many_are_told(extra: int, cut: str) -> None:
    """So many can be cut from any text; more is a matter of taste."""
    body = SALE + "好" * (70 + extra - len(SALE) - 7) + ",拒收请回复R"
    assert len(body) == 70 + extra
    saved = [f for f in ask(body).findings if f.code == "part_saved"]

    assert [finding.zh for finding in saved] == ([f"只多出{cut}字就多计一条"] if cut else [])


@pytest.mark.parametrize(
    ("body", "given", "code"),
    [
        ("【温馨提示】秋装上新,拒收请回复R", {}, "signature_form"),
        ("【QINGHE】秋装上新,拒收请回复R", {}, "signature_form"),
        ("秋装上新,拒收请回复R【青禾商城】", {}, "signature_tail"),
        ("[青禾商城]秋装上新,拒收请回复R", {}, "signature_lookalike"),
        (SALE + ",拒收请回复R", {"signature": "青禾优选"}, "signature_differs"),
        (SALE + "【限时】抢,拒收请回复R", {}, "brackets_in_text"),
        (SALE + "好" * 500 + ",拒收请回复R", {}, "too_long"),
        (SALE + ",退订回T退订", {}, "notice_doubled"),
        (CODE + "回T退订", {"declared": Kind.VERIFICATION}, "notice_on_code"),
        (SALE + ",戳 t.cn/Ab12 拒收请回复R", {}, "short_link"),
        (SALE + ",详询13800138000,拒收请回复R", {}, "number_in_text"),
        (SALE + ",拒收请回复R", {"port": "10690x"}, "port_form"),
        (SALE + ",拒收请回复R", {"port": "106390001"}, "port_use"),
    ],
)  # fmt: skip
def test_advice_is_given_beside_the_rules(body: str, given: dict[str, Any], code: str) -> None:
    """What carriers and suppliers stumble over, named and with a remedy."""
    answer = ask(body, **given)
    advice = next(f for f in answer.findings if f.code == code)

    assert advice.effect == "advice"
    assert "{" not in advice.zh + advice.en + advice.remedy_zh + advice.remedy_en


def test_all_advice_is_tested_and_stands_on_the_page() -> None:
    """``docs/lint.md`` has a row for each; duties are rows of the register of law."""
    page = (ROOT / "docs" / "lint.md").read_text(encoding="utf-8")
    source = Path(__file__).read_text(encoding="utf-8")
    with (ROOT / "docs" / "law.csv").open(encoding="utf-8", newline="") as file:
        duties = {row["id"] for row in csv.DictReader(file)} | {"-"}
    for code, entry in lint_message.table().items():
        assert f"| `{code}` | " in page
        assert code == "disguised" or f'"{code}"' in source
        assert entry["duty"] in duties


def test_a_signature_is_put_once() -> None:
    """However it is written, and never before another."""
    assert signed("上新", "【青禾】") == signed("上新", "青禾") == "【青禾】上新"
    assert signed("【青禾】上新", "青禾") == "【青禾】上新"
    assert signed("上新", "") == "上新"


@given(st.text(max_size=200), st.sampled_from(list(Kind)), st.text(max_size=10))
def test_every_text_can_be_linted(body: str, declared: Kind, port: str) -> None:
    """Whatever is written and declared, an answer for each carrier."""
    answer = ask(body, declared=declared, signature="青禾", port=port)

    assert set(answer.verdicts) == {"mobile", "unicom", "telecom"}
    refused = any(finding.effect != "advice" for finding in answer.findings)
    assert refused == any(verdict for verdict in answer.verdicts.values())
