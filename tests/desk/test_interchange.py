"""Two installations: a complaint at one, answered from the log of the other, is decided."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import msgspec
import pytest
from test_prove import ANNA, MORNING, PORT, SALE, World, register_facts, to

from qingjing.desk import casepack, interchange, lead, send
from qingjing.desk.complaint import Complaint, receive
from qingjing.desk.entries import InputError, moment
from qingjing.desk.ports import Transaction
from qingjing.desk.texts import Reader
from qingjing.desk.trace import trace
from qingjing.kernel import facts as f
from qingjing.kernel.cases import CaseState
from qingjing.kernel.facts import CaseStep, Outcome
from qingjing.kernel.note import Key
from qingjing.kernel.words import PartyRole
from qingjing.ledger import check, memory
from qingjing.ledger.vault import KeyFile, Vault

DAY = 86_400_000
CODE = "91330100MA2CEXAM0U"


def installation(name: str) -> World:
    """An installation of its own keys, with shop, provider and port in its register."""
    ledger = memory.open_ledger(Vault(KeyFile.generate(name)), origin=name)
    made = World(ledger, send.Desk(ledger, Reader(bytes), node=1))

    def found(t: Transaction) -> None:
        for fact in register_facts():
            if isinstance(fact, f.PartyRegistered) and fact.party == "qinghe":
                fact = msgspec.structs.replace(fact, credit_code=CODE)
            t.append(fact)

    made.act(found, moment("2026-01-02"))
    return made


def trusting(one: World, party: str, other: World) -> None:
    """One installation takes what the other signs, for a party of its register."""
    one.act(lambda t: interchange.trust(one.ledger, t, party, other.ledger.key.text()))


def both() -> tuple[World, World]:
    """A centre that has the provider's key, and the provider that has the centre's."""
    centre, provider = installation("centre.example.cn"), installation("provider.example.cn")

    def register(t: Transaction) -> None:
        t.append(
            f.PartyRegistered(
                party="centre",
                name="受理中心",
                role=PartyRole.CENTRE,
                credit_code="",
                group="centre",
            )
        )

    provider.act(register)
    trusting(centre, "yuntong", provider)
    trusting(provider, "centre", centre)
    return centre, provider


def traced(made: World, number: str, at: int) -> f.ComplaintTraced:
    """A case traced and entered, and its lead forwarded."""
    case = made.ledger.cases.by_number(number)
    assert case is not None
    (found,) = trace(made.ledger, [case], at)
    made.act(lambda t: lead.enter(made.ledger, t, found), at)
    made.act(lambda t: lead.work(made.ledger, t), at)
    return found


def sent_in_shadow(provider: World) -> int:
    """A promotion that left although nobody had consented: the account is in shadow mode."""
    shadow = f.AccountShadowed(account="yuntong-1", shadow=True, reason="first days")
    provider.act(lambda t: t.append(shadow))
    return provider.submit(to(ANNA))


def complained(centre: World, *, disclose: bool) -> str:
    """Anna complains at the centre the day after; the receipt number of the forwarded lead."""
    given = Complaint(
        phone=ANNA.digits, words=f"{PORT}*{SALE}", door="reply", disclose=disclose
    )
    receipt = centre.act(lambda t: receive(centre.ledger, t, given), MORNING + DAY)
    traced(centre, receipt.number, MORNING + DAY)
    return receipt.number


@pytest.mark.parametrize("disclose", [True, False], ids=["named", "fingerprint"])
def test_a_back_dated_consent_ends_in_a_finding_against_the_sender(disclose: bool) -> None:
    """The centre has no message of its own; the provider's log shows that the consent came
    after the send; the finding is against the shop, not the provider, and no person decided."""
    centre, provider = both()
    sent_in_shadow(provider)
    provider.consented(at=MORNING + 3_600_000, given_at=MORNING - DAY)
    number = complained(centre, disclose=disclose)
    out = interchange.told(centre.ledger, number)
    assert (ANNA.digits in out.decode()) is disclose

    came = provider.act(lambda t: interchange.take(provider.ledger, t, out), MORNING + 2 * DAY)
    found = traced(provider, came.number, MORNING + 2 * DAY)
    assert (found.outcome, found.grounds, found.party) == ("ours", "NONE", "qinghe")
    assert found.late
    case = provider.ledger.cases.by_number(came.number)
    assert case is not None
    pack = casepack.pack(provider.ledger, case, MORNING + 2 * DAY)
    checked = provider.act(
        lambda t: lead.answer(provider.ledger, t, came.number, "qinghe", "有同意书", pack),
        MORNING + 2 * DAY,
    )
    assert checked == "late"
    answer = interchange.told(provider.ledger, came.number)

    back = centre.act(lambda t: interchange.take(centre.ledger, t, answer), MORNING + 3 * DAY)
    ended = centre.ledger.cases.by_number(back.number)
    assert ended is not None
    assert ended.state is CaseState.DECIDED
    decided = ended.last(CaseStep.DECIDED)
    assert decided is not None
    assert decided.fact.outcome is Outcome.UPHELD
    assert (decided.fact.party, decided.fact.reason, decided.fact.by) == (
        "qinghe",
        "late",
        "record",
    )
    state = interchange.told(centre.ledger, number)
    provider.act(lambda t: interchange.take(provider.ledger, t, state), MORNING + 3 * DAY)
    for made in (centre, provider):
        assert check.verify(made.ledger.store, made.ledger.key, folder=None).sound


def test_a_message_sent_twice_does_nothing_twice_and_another_under_its_id_is_refused() -> None:
    """Replayed after days or at once: the same answer, no further fact."""
    centre, provider = both()
    out = interchange.told(centre.ledger, complained(centre, disclose=True))
    first = provider.act(lambda t: interchange.take(provider.ledger, t, out))
    size = provider.ledger.position
    again = provider.act(lambda t: interchange.take(provider.ledger, t, out))

    assert (again.number, again.new) == (first.number, False)
    assert provider.ledger.position == size
    message = interchange.read(out)
    other = interchange.write(centre.ledger, msgspec.structs.replace(message, at=1))
    with pytest.raises(InputError, match="another content"):
        provider.act(lambda t: interchange.take(provider.ledger, t, other))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda data: data.replace(b"5\xe6\x8a\x98", b"9\xe6\x8a\x98", 1), "signature"),
        (lambda data: data.replace(b"interchange/1", b"interchange/2", 1), "interchange/1"),
        (lambda data: data[:-1] + b" }", "canonical"),
        (lambda data: data.replace(b'"to":"provider', b'"to":"somebody', 1), "signature"),
        (lambda _data: b"{}", "interchange/1"),
        (lambda data: data.replace(b'"origin":"centre', b'"origin":"center', 1), "id"),
    ],
)
def test_a_changed_message_is_refused(change: Callable[[bytes], bytes], problem: str) -> None:
    """Content, version, form, addressee and origin."""
    centre, provider = both()
    out = interchange.told(centre.ledger, complained(centre, disclose=True))
    out = out.replace("满200减50".encode(), "满200减5折".encode())
    centre_message = interchange.read(out)
    out = interchange.write(centre.ledger, centre_message)
    with pytest.raises(InputError, match=problem):
        provider.act(lambda t: interchange.take(provider.ledger, t, change(out)))


def test_what_a_stranger_signs_or_what_is_for_another_is_refused() -> None:
    """Trust is a fact, and ends by one."""
    centre, provider = both()
    out = interchange.told(centre.ledger, complained(centre, disclose=True))
    trusting(centre, "qinghe", centre)
    with pytest.raises(InputError, match="this installation is"):
        centre.act(lambda t: interchange.take(centre.ledger, t, out))
    provider.act(lambda t: interchange.trust(provider.ledger, t, "centre", ""))
    with pytest.raises(InputError, match="not trusted"):
        provider.act(lambda t: interchange.take(provider.ledger, t, out))


def test_the_shipped_schema_is_that_of_the_messages() -> None:
    """docs/interchange.schema.json is what others validate against."""
    path = Path(__file__).parents[2] / "docs" / "interchange.schema.json"

    assert json.loads(path.read_text("utf-8")) == interchange.schema()


VECTORS = json.loads(
    (Path(__file__).parents[2] / "docs" / "interchange-vectors.json").read_text("utf-8")
)


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda one: one["name"])
def test_the_published_vectors_are_taken_or_refused_as_they_say(
    vector: dict[str, object],
) -> None:
    """What others run over their own implementation; the valid ones fit the schema, too."""
    data = str(vector["message"]).encode()
    key = Key.parse(VECTORS["key"])
    if vector["valid"]:
        message = interchange.read(data, key)
        assert message.origin == key.name
        jsonschema.validate(json.loads(data), interchange.schema())
    else:
        with pytest.raises(InputError):
            interchange.read(data, key)
