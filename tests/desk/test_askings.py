"""Askings: words first, once to each person, a yes in time is a consent, silence is a no."""

from __future__ import annotations

import pytest
from test_prove import ANNA, BO, MORNING, PORT, World, decided, holds, to, world

from qingjing.desk import askings, consent, wordings
from qingjing.desk.askings import Opened
from qingjing.desk.entries import InputError
from qingjing.desk.explain import Question, explain
from qingjing.desk.hear import hear
from qingjing.desk.wordings import Worded
from qingjing.kernel import facts as f
from qingjing.kernel.rows import MOVE_ROW, Moved, rows_root
from qingjing.kernel.words import Act, Category, Kind, Phone, Verdict
from qingjing.text.reading import read

DAY = 86_400_000
RETAIL = (
    "【青禾商城】想征求您的同意:今后向您发送家电促销短信,每月不超过2条,有效期一年。"
    "同意请回复Y,不回复视为拒绝。拒收请回复R"
)
LIKE = RETAIL.replace("每月不超过2条", "每月最多3条")
FINANCE = (
    "【青禾商城】可否向您发送贷款和理财产品的推荐信息?每季度1条,期限6个月。"
    "愿意接收请回复Y,未回复视为不同意。拒收请回复R"
)


def stated(made: World, text: str, purpose: str, name: str, at: int = MORNING - DAY) -> Worded:
    """The words of an asking."""
    return made.act(
        lambda t: wordings.state(
            made.ledger,
            t,
            name,
            "qinghe",
            text,
            (purpose,),
            per_count=2,
            per_days=30,
            term_days=365,
        ),
        at,
    )


def opened(
    made: World, text: str = RETAIL, purpose: str = "retail", name: str = "spring"
) -> Opened:
    """An asking that may go out."""
    wording = stated(made, text, purpose, f"w-{name}").wording
    return made.act(
        lambda t: askings.open_asking(made.ledger, t, name, wording), MORNING - 3_600_000
    )


def put(made: World, phone: Phone = ANNA, body: str = RETAIL, at: int = MORNING) -> int:
    """Ask somebody, through the gate; the message."""
    return made.submit(to(phone, body, declared=Kind.ASKING), at=at)


def leave(made: World, message: int, at: int = MORNING) -> None:
    """The message leaves."""
    row = MOVE_ROW.pack(message, at, b"", b"", 0, Moved.RELEASED, 0, 0)

    def verb(t: object) -> None:
        fact = f.MessagesMoved(node="1", count=1, rows_root=rows_root(row, MOVE_ROW.size))
        t.attach(t.append(fact), row, b"")  # type: ignore[attr-defined]  # a transaction

    made.act(verb, at)


def reply(made: World, words: str, phone: Phone = ANNA, at: int = MORNING + 60_000) -> None:
    """The person answers."""
    made.act(lambda t: hear(made.desk, t, phone, PORT, words), at)


def reasons(made: World, message: int) -> tuple[str, ...]:
    """Why it was refused; the proof must say the same."""
    report = made.verify(message)
    holds(report)
    return decided(report)[1]


def consents(made: World, phone: Phone = ANNA) -> list[f.ConsentRecorded]:
    """What a person agreed to."""
    facts = [one.fact for one in made.ledger.facts_of(made.ledger.find(phone).handle)]
    return [fact for fact in facts if isinstance(fact, f.ConsentRecorded)]


def sale(made: World, phone: Phone = ANNA, at: int = MORNING + 120_000) -> Verdict:
    """Would a promotion pass now?"""
    offer = to(phone)
    return explain(
        made.desk, Question("yuntong", PORT, phone, offer.body, Kind.COMMERCIAL), at
    ).verdict


@pytest.mark.parametrize(
    ("text", "category"), [(RETAIL, Category.RETAIL), (FINANCE, Category.FINANCE)]
)
def test_an_asking_has_the_category_of_what_it_asks_for(text: str, category: Category) -> None:
    """And not OTHER, as a text that sells nothing."""
    found = read(text)

    assert (found.kind, found.category) == (Kind.ASKING, category)


def test_a_yes_is_a_consent_under_the_words_that_were_asked() -> None:
    """With the terms of the words, by reply, and a promotion passes from then on."""
    made = world()
    opened(made)
    leave(made, put(made))
    assert sale(made) is Verdict.REFUSE

    reply(made, "Y")

    (fact,) = consents(made)
    assert (fact.act, fact.purposes, fact.per_count) == (Act.REPLIED, Category.RETAIL.bit, 2)
    assert fact.wording.startswith("w-spring@")
    assert fact.shown
    assert sale(made) is Verdict.PASS
    assert sale(made, BO) is Verdict.REFUSE


def test_silence_is_refusal_of_the_subject_for_ever() -> None:
    """A yes after the days stated is no answer, and the same is not asked again."""
    made = world()
    opened(made)
    leave(made, put(made))
    reply(made, "Y", at=MORNING + 7 * DAY)

    assert consents(made) == []
    assert "asking_once" in reasons(made, put(made, at=MORNING + 40 * DAY))


def test_the_same_and_similar_is_asked_once_and_something_else_may_be() -> None:
    """Another frequency makes no other asking; a loan is another subject than goods."""
    made = world()
    assert opened(made).similar == ""
    assert opened(made, LIKE, name="summer").similar == "spring"
    assert opened(made, FINANCE, "finance", "loans").similar == ""
    assert reasons(made, put(made)) == ()

    assert reasons(made, put(made, body=LIKE)) == ("asking_once",)
    assert reasons(made, put(made, body=FINANCE)) == ()
    assert reasons(made, put(made, body=FINANCE)) == ("asking_once",)


def test_a_similar_asking_is_found_by_its_text_where_the_category_is_another() -> None:
    """Two words changed turn goods into insurance for the reader, and not for the law."""
    other = RETAIL.replace("家电促销", "保险理财")
    assert read(other).category is not read(RETAIL).category
    made = world()
    opened(made)
    assert opened(made, other, read(other).category.name, "other").similar == "spring"
    assert reasons(made, put(made)) == ()

    assert reasons(made, put(made, body=other)) == ("asking_once",)


def test_what_names_no_line_of_trade_counts_as_the_same_as_anything() -> None:
    """Whoever was asked about "our offers" was asked about loans, and the other way round."""
    vague = RETAIL.replace("家电促销", "会员优惠")
    assert read(vague).category is Category.OTHER
    made = world()
    assert reasons(made, put(made, body=vague)) == ()
    assert reasons(made, put(made, body=FINANCE)) == ("asking_once",)
    assert reasons(made, put(made, BO, FINANCE)) == ()
    assert reasons(made, put(made, BO, vague)) == ("asking_once",)


def test_a_no_ends_the_asking_and_a_later_yes_is_no_answer_to_it() -> None:
    """What was refused is not agreed to by a letter."""
    made = world()
    opened(made)
    leave(made, put(made))
    reply(made, "T")
    reply(made, "Y", at=MORNING + 90_000)

    assert consents(made) == []
    assert sale(made) is Verdict.REFUSE


def test_a_yes_out_of_the_blue_agrees_to_nothing() -> None:
    """Nobody asked; or the message never left; or it was answered already."""
    made = world()
    reply(made, "Y")
    opened(made)
    message = put(made)
    reply(made, "Y")
    assert consents(made) == []

    leave(made, message)
    reply(made, "Y")
    reply(made, "Y", at=MORNING + 70_000)
    assert len(consents(made)) == 1


def test_an_asking_that_was_not_opened_gets_no_consent_by_its_answer() -> None:
    """Its words were not registered: a yes is to nobody knows what."""
    made = world()
    opened(made)
    leave(made, put(made, body=LIKE))
    reply(made, "Y")

    assert consents(made) == []


def test_words_that_changed_since_cannot_be_agreed_to() -> None:
    """The asking of the older version waits for nothing."""
    made = world()
    opened(made)
    leave(made, put(made))
    stated(made, LIKE, "retail", "w-spring", at=MORNING)
    reply(made, "Y")

    assert consents(made) == []


@pytest.mark.parametrize(
    ("text", "purpose", "problem"),
    [
        (RETAIL, "finance", "asks for retail"),
        ("我同意接收青禾商城的促销短信,每月不超过2条,有效期一年", "retail", "no signature"),
        (RETAIL + ",现在下单低至5折", "retail", "is read as"),
    ],
)
def test_what_is_no_proper_asking_is_not_opened(text: str, purpose: str, problem: str) -> None:
    """No request, an offer besides, or another purpose than the words state."""
    made = world()
    with pytest.raises(InputError, match=problem):
        opened(made, text, purpose)


def test_a_name_is_taken_once_and_the_days_have_their_bounds() -> None:
    """Whatever the words are."""
    made = world()
    opened(made)
    wording = stated(made, LIKE, "retail", "x").wording
    for name, days, problem in (("spring", 7, "opened before"), ("y", 91, "no time to answer")):
        with pytest.raises(InputError, match=problem):
            made.act(
                lambda t, name=name, days=days: askings.open_asking(  # type: ignore[misc]
                    made.ledger, t, name, wording, silence_days=days
                )
            )


def test_an_asking_is_counted_by_how_it_ended() -> None:
    """Asked, agreed, refused, waiting; and silent once the days are over."""
    made = world()
    opened(made)
    people = [Phone(13_800_000_000 + n) for n in range(4)]
    for phone in people:
        leave(made, put(made, phone))
    reply(made, "Y", people[0])
    reply(made, "退订", people[1])

    (now,) = askings.tallies(made.ledger, "g-qinghe", MORNING + DAY)
    (then,) = askings.tallies(made.ledger, "g-qinghe", MORNING + 8 * DAY)

    assert now == ("spring", 4, 1, 1, 0, 2)
    assert then == ("spring", 4, 1, 1, 2, 0)


def test_a_refusal_outweighs_an_asking() -> None:
    """Who said no is not asked."""
    made = world()
    opened(made)
    made.act(lambda t: consent.refuse(made.ledger, t, ANNA.digits, "qinghe", door="web"))

    assert "not_refused" in reasons(made, put(made))
