"""Rulebooks: which holds when, which carrier's rule applies, and what a wrong book is told."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from msgspec import structs

import qingjing
from qingjing.kernel.rulebook import (
    MARKETING_KINDS,
    Cap,
    CarrierRule,
    Rulebook,
    RulebookError,
    canonical,
    choose,
    difference,
    digest,
    read_rulebook,
)
from qingjing.kernel.rules import BY_NAME, RULES
from qingjing.kernel.words import Carrier, Kind, Verdict

FOLDER: Final = Path(qingjing.__file__).parent / "rulebooks"
OLD, NEW = (
    read_rulebook((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    for name in ("order31-2015", "order74-2026")
)
SHIPPED: Final = (OLD, NEW)
BEIJING: Final = timezone(timedelta(hours=8))
HELD: Final = {"dossier_complete", "refusal_clear", "kind_clear"}
FIRST_DAY: Final = date(2026, 5, 1)

SMALL: Final = """
name = "small"
version = 1
title_zh = "小"
title_en = "Small"
since = 2026-05-01
[rules]
not_refused = "refuse"
quiet_hours = "hold"
house_cap = "off"
"""


def ms(moment: datetime) -> int:
    """Epoch milliseconds."""
    return int(moment.timestamp() * 1000)


def with_carriers(*rules: CarrierRule) -> Rulebook:
    """The small book with these carrier rules."""
    return structs.replace(read_rulebook(SMALL), carriers=rules)


def test_the_package_ships_these_two_books() -> None:
    """Every file of the folder is read here, so none can be broken unnoticed."""
    assert sorted(path.name for path in FOLDER.iterdir()) == [
        "order31-2015.toml",
        "order74-2026.toml",
    ]
    assert [book.name for book in SHIPPED] == ["order31-2015", "order74-2026"]


@pytest.mark.parametrize("book", SHIPPED, ids=lambda book: book.name)
def test_a_shipped_book_names_every_rule_in_policy_order(book: Rulebook) -> None:
    """A reader of the book reads the whole policy, most important first."""
    assert [rule.name for rule in RULES] == list(book.rules)


@pytest.mark.parametrize("book", SHIPPED, ids=lambda book: book.name)
def test_a_shipped_book_holds_what_cannot_be_known_and_refuses_the_rest(book: Rulebook) -> None:
    """A gap, an unclear reply and an unclear kind wait; nothing is off."""
    for name in BY_NAME:
        assert book.effect(name) is (Verdict.HOLD if name in HELD else Verdict.REFUSE)


@pytest.mark.parametrize("book", SHIPPED, ids=lambda book: book.name)
def test_what_a_shipped_book_calls_unverified_is_there(book: Rulebook) -> None:
    """Each entry is a path to a field, a rule, or a field of a carrier's rule."""
    carriers = {rule.carrier for rule in book.carriers}
    fields = {field.name for field in msgspec.structs.fields(Rulebook)}
    columns = {field.name for field in msgspec.structs.fields(CarrierRule)}

    assert len(set(book.unverified)) == len(book.unverified) > 0
    for entry in book.unverified:
        match entry.split("."):
            case ["rules", rule]:
                assert rule in BY_NAME
            case ["carriers", carrier, column]:
                assert carrier in carriers
                assert column in columns
            case [field]:
                assert field in fields
            case _:
                pytest.fail(f"{entry} is no path")


@pytest.mark.parametrize("book", SHIPPED, ids=lambda book: book.name)
def test_what_no_source_settles_is_called_unverified(book: Rulebook) -> None:
    """Hours, house cap, days of silence and the days of the complaint clock were not found."""
    open_points = {
        "open_hour",
        "close_hour",
        "house_cap",
        "asking_silence_days",
        "forward_days",
    }

    assert open_points <= set(book.unverified)


@pytest.mark.parametrize("book", SHIPPED, ids=lambda book: book.name)
@pytest.mark.parametrize("carrier", list(Carrier))
def test_no_shipped_book_lets_marketing_go_without_a_way_to_refuse(
    book: Rulebook, carrier: Carrier
) -> None:
    """On every day, at every carrier, a commercial text carries a notice."""
    day = book.since
    last = book.until or date(2030, 1, 1)
    while day <= last:
        assert book.carrier_rule(carrier, day).notice in ("commercial", "all")
        day += timedelta(days=1)


@pytest.mark.parametrize(
    ("moment", "name"),
    [
        (datetime(2015, 6, 29, 23, 59, 59, 999_000, BEIJING), None),
        (datetime(2015, 6, 30, tzinfo=BEIJING), "order31-2015"),
        (datetime(2026, 4, 30, 23, 59, 59, 999_000, BEIJING), "order31-2015"),
        (datetime(2026, 5, 1, tzinfo=BEIJING), "order74-2026"),
        (datetime(2026, 4, 30, 15, 59, 59, 999_000, UTC), "order31-2015"),
        (datetime(2026, 4, 30, 16, tzinfo=UTC), "order74-2026"),
        (datetime(2040, 1, 1, tzinfo=BEIJING), "order74-2026"),
    ],
)
def test_the_book_is_chosen_by_the_day_in_beijing(moment: datetime, name: str | None) -> None:
    """The change comes at midnight in Beijing, to the millisecond; before 2015 is none."""
    found = choose(SHIPPED, ms(moment))

    assert (found and found.name) == name


def test_of_several_books_in_force_the_one_adopted_last_holds() -> None:
    """An operator's stricter book takes the shipped one's place from its first day."""
    own = structs.replace(NEW, name="own", since=date(2026, 7, 1))
    books = (OLD, NEW, own)
    june = choose(books, ms(datetime(2026, 6, 30, tzinfo=BEIJING)))
    july = choose(books, ms(datetime(2026, 7, 1, tzinfo=BEIJING)))

    assert june == NEW
    assert july == own


def test_the_two_orders_differ_in_the_days_that_records_are_kept() -> None:
    """Five months until 2026-04-30, six from then on."""
    assert (OLD.retention_months, NEW.retention_months) == (5, 6)
    assert OLD.until == NEW.since - timedelta(days=1)


def test_china_unicom_wants_its_wording_on_every_text_under_order_74() -> None:
    """拒收请回复R, verification codes too, from 2026-05-01; nothing of the kind before."""
    after = NEW.carrier_rule(Carrier.UNICOM, FIRST_DAY)
    before = OLD.carrier_rule(Carrier.UNICOM, FIRST_DAY - timedelta(days=1))

    assert (after.notice, after.keywords) == ("all", ("R",))
    assert (before.notice, before.keywords) == ("commercial", ())


@pytest.mark.parametrize(
    ("day", "links"), [(date(2025, 5, 19), True), (date(2025, 5, 20), False)]
)
def test_china_telecom_takes_no_links_from_its_day_on(day: date, *, links: bool) -> None:
    """And goes on taking none under the new order; the others are not touched."""
    assert OLD.carrier_rule(Carrier.TELECOM, day).links is links
    assert OLD.carrier_rule(Carrier.MOBILE, day).links is True
    assert NEW.carrier_rule(Carrier.TELECOM, FIRST_DAY).links is False


@pytest.mark.parametrize(
    ("day", "filing"), [(date(2025, 4, 10), False), (date(2025, 4, 11), True)]
)
def test_filing_is_asked_for_from_the_day_that_a_source_knows_it(
    day: date, *, filing: bool
) -> None:
    """Messages of earlier years are not judged by a duty that came later."""
    assert OLD.carrier_rule(Carrier.MOBILE, day).filing is filing


def test_a_carriers_own_rule_goes_before_a_newer_one_for_any() -> None:
    """What a carrier says itself is not undone by a general rule."""
    own = CarrierRule(carrier="unicom", since=date(2026, 5, 1), source="own")
    general = CarrierRule(carrier="any", since=date(2026, 6, 1), source="general")
    for rules in ((own, general), (general, own)):
        book = with_carriers(*rules)

        assert book.carrier_rule(Carrier.UNICOM, date(2026, 7, 1)) == own
        assert book.carrier_rule(Carrier.MOBILE, date(2026, 7, 1)) == general


def test_the_newest_rule_that_has_begun_holds() -> None:
    """A rule of tomorrow does not hold today; of one day, the last written holds."""
    first = CarrierRule(carrier="any", since=date(2026, 5, 1), source="first")
    second = CarrierRule(carrier="any", since=date(2026, 6, 1), source="second")
    amended = structs.replace(second, source="amended")
    book = with_carriers(second, first, amended)

    assert book.carrier_rule(Carrier.MOBILE, date(2026, 5, 31)) == first
    assert book.carrier_rule(Carrier.MOBILE, date(2026, 6, 1)) == amended


def test_a_carrier_without_any_rule_gets_the_strict_default() -> None:
    """Marketing carries a notice, and port and signature are filed."""
    found = with_carriers().carrier_rule(Carrier.BROADNET, FIRST_DAY)

    assert (found.notice, found.filing, found.cap) == ("commercial", True, Cap(0, 24))


def test_an_effect_is_what_the_book_says() -> None:
    """Refuse, hold, off; a rule that is younger than the book is no part of it."""
    book = read_rulebook(SMALL)

    assert book.effect("not_refused") is Verdict.REFUSE
    assert book.effect("quiet_hours") is Verdict.HOLD
    assert book.effect("house_cap") is Verdict.PASS
    assert book.effect("a_rule_of_later_days") is Verdict.PASS


def test_a_difference_is_told_field_by_field_in_words() -> None:
    """Rules and carrier rules are spelled out; what did not change is not told."""
    strict = CarrierRule(carrier="unicom", since=FIRST_DAY, notice="all", keywords=("R",))
    old = with_carriers(CarrierRule(carrier="unicom", since=FIRST_DAY))
    new = structs.replace(
        old,
        version=2,
        open_hour=9,
        rules={**old.rules, "house_cap": "hold"},
        carriers=(strict,),
    )

    assert difference(old, new) == [
        ("version", "1", "2"),
        ("open_hour", "8", "9"),
        ("rule house_cap", "off", "hold"),
        ("carrier unicom since 2026-05-01: notice", "commercial", "all"),
        ("carrier unicom since 2026-05-01: keywords", "()", "('R',)"),
    ]
    assert difference(old, old) == []


def test_what_only_one_book_has_is_told_against_nothing() -> None:
    """A rule of Unicom's that is new stands beside an empty word, and the other way round."""
    bare, ruled = with_carriers(), with_carriers(CarrierRule(carrier="unicom", since=FIRST_DAY))
    added = difference(bare, ruled)

    assert ("carrier unicom since 2026-05-01: notice", "", "commercial") in added
    assert [(name, new, old) for name, old, new in added] == difference(ruled, bare)


@pytest.mark.parametrize(
    ("wrong", "right", "told"),
    [
        ('title_en = "Small"', "", "title_en"),
        ("version = 1", "version = 1\nopne_hour = 9", "opne_hour"),
        ('house_cap = "off"', 'house_cap = "maybe"', "maybe"),
        ("since = 2026-05-01", 'since = "soon"', "since"),
        ("version = 1", "version = 1\nopen_hour = 22\nclose_hour = 8", "open_hour"),
        ("version = 1", "version = 1\nclose_hour = 25", "close_hour"),
        ("version = 1", "version = 1\nuntil = 2026-04-30", "until"),
        ("[rules]", '[[carriers]]\ncarrier = "unicon"\nsince = 2026-05-01\n[rules]', "unicon"),
        ("[rules]", '[[carriers]]\ncarrier = "unicom"\n[rules]', "since"),
        ("version = 1", "version =", "line 3"),
    ],
)
def test_a_wrong_book_is_told_what_is_wrong_with_it(wrong: str, right: str, told: str) -> None:
    """The message names the field, or the line where it is no TOML at all."""
    assert wrong in SMALL
    with pytest.raises(RulebookError, match="rulebook") as caught:
        read_rulebook(SMALL.replace(wrong, right, 1))

    assert told in str(caught.value)


@pytest.mark.parametrize("book", SHIPPED, ids=lambda book: book.name)
def test_a_book_comes_back_whole_from_its_canonical_bytes(book: Rulebook) -> None:
    """What a fact carries is the book, and the digest is of those bytes."""
    assert book == msgspec.json.decode(canonical(book), type=Rulebook)
    assert len(digest(book)) == 64


def test_two_books_have_one_digest_only_when_they_are_the_same() -> None:
    """One field more or less makes another book; the order of the rules makes none."""
    book = read_rulebook(SMALL)
    turned = structs.replace(book, rules=dict(reversed(book.rules.items())))
    changes: list[dict[str, Any]] = [{"version": 2}, {"close_hour": 21}, {"rules": {}}]

    assert digest(book) == digest(turned)
    for change in changes:
        assert digest(book) != digest(structs.replace(book, **change))


def test_marketing_is_selling_and_asking() -> None:
    """A port for marketing may carry both and nothing else."""
    assert {Kind.COMMERCIAL, Kind.ASKING} == {
        kind for kind in Kind if MARKETING_KINDS >> kind & 1
    }
