"""The register's fold: what each state of a lane means, and how long a lane holds."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from qingjing.kernel import facts as f
from qingjing.kernel.register import FOREVER, Lane, Register
from qingjing.kernel.vector import ChainState, PortState, SenderState, SignatureState
from qingjing.kernel.words import Act, Carrier, Door, Filing, Kind, PartyRole

PORT: Final = "106900001234"
OTHER_PORT: Final = "106900009999"
SIGNATURE: Final = "示例商城"
MARKETING: Final = 1 << Kind.COMMERCIAL | 1 << Kind.ASKING
START, END = 1_000, 9_000
AT: Final = 5_000


def party(
    name: str, group: str = "", role: PartyRole = PartyRole.MERCHANT
) -> f.PartyRegistered:
    """A party that controls itself unless a group is named."""
    return f.PartyRegistered(
        party=name, name=name, role=role, credit_code="", group=group or name
    )


def port(name: str = PORT, holder: str = "provider", kinds: int = 0xFF) -> f.PortRegistered:
    """A port that is valid from START to END."""
    return f.PortRegistered(
        port=name, holder=holder, kinds=kinds, licence="B2", valid_from=START, valid_until=END
    )


def signature(name: str = SIGNATURE, owner: str = "shop") -> f.SignatureRegistered:
    """A signature of the shop, for every kind."""
    return f.SignatureRegistered(
        signature=name, owner=owner, source="trademark", proof="p", kinds=0xFF
    )


def grant(name: str = "g1", sender: str = "shop", kinds: int = 0xFF) -> f.GrantMade:
    """The provider's port for the shop, with the whole chain."""
    return f.GrantMade(
        grant=name,
        sender=sender,
        port=PORT,
        signature=SIGNATURE,
        kinds=kinds,
        chain=(sender, "agent", "provider"),
        valid_from=START,
        valid_until=END,
    )


def filed(state: Filing = Filing.FILED, carrier: Carrier = Carrier.MOBILE) -> list[f.Fact]:
    """Port and signature filed at one carrier."""
    return [
        f.PortFiled(port=PORT, carrier=carrier, state=state),
        f.SignatureFiled(signature=SIGNATURE, carrier=carrier, state=state),
    ]


PARTIES: Final[list[f.Fact]] = [
    party("shop", group="holding"),
    party("agent", role=PartyRole.AGENT),
    party("provider", role=PartyRole.PROVIDER),
    party("stranger"),
]
PATH: Final[list[f.Fact]] = [*PARTIES, port(), signature(), grant(), *filed()]
"""Everything that a lane needs."""


def register(*facts: f.Fact) -> Register:
    """The fold of these facts, at positions from 1."""
    folded = Register()
    for position, fact in enumerate(facts, start=1):
        folded.apply(f.Recorded(position, position, fact))
    return folded


def lane(
    *facts: f.Fact, submitter: str = "shop", carrier: Carrier = Carrier.MOBILE, at: int = AT
) -> Lane:
    """The shop's path over the port, resolved from these facts."""
    return register(*facts).lane(submitter, PORT, SIGNATURE, carrier, at)


def without(*kinds: type[f.Fact]) -> list[f.Fact]:
    """The path, but for the facts of some kinds."""
    return [fact for fact in PATH if not isinstance(fact, kinds)]


def test_a_whole_path_is_open() -> None:
    """Parties, port, signature, grant and filings together leave nothing to object to."""
    found = lane(*PATH)

    assert (found.sender_state, found.port_state) == (SenderState.OK, PortState.OK)
    assert (found.signature_state, found.chain_state) == (SignatureState.OK, ChainState.OK)
    assert (found.sender, found.group, found.grant) == ("shop", "holding", "g1")
    assert (found.kinds, found.until) == (0xFF, END)


def test_a_lane_names_the_facts_that_it_rests_on() -> None:
    """Sender, port, signature, grant and both filings can be looked up by position."""
    rests_on = (party("shop", group="holding"), port(), signature(), grant(), *filed())

    assert [PATH.index(fact) + 1 for fact in rests_on] == list(lane(*PATH).facts)


@pytest.mark.parametrize("place", [0, 1])
def test_a_sender_or_submitter_that_is_not_registered_is_unknown(place: int) -> None:
    """Who hands a message in is asked for as much as who sends it; a grant makes no party."""
    found = lane(*[fact for fact in PATH if fact != PARTIES[place]], submitter="agent")

    assert found.sender_state is SenderState.UNKNOWN
    assert found.chain_state is ChainState.UNDECLARED


def test_a_suspension_binds_at_once_and_a_reinstatement_ends_it() -> None:
    """Nothing but the two facts decides, in their order."""
    stop = f.PartySuspended(party="shop", reason="complaints")
    free = f.PartyReinstated(party="shop", reason="put right")

    assert lane(*PATH, stop).sender_state is SenderState.SUSPENDED
    assert lane(*PATH, stop, free).sender_state is SenderState.OK
    assert lane(*PATH, stop, free, stop).sender_state is SenderState.SUSPENDED


def test_a_suspension_to_a_day_ends_by_itself_on_that_day() -> None:
    """The last moment before is stopped, the moment itself is free."""
    stop = f.PartySuspended(party="shop", reason="complaints", until=AT)

    assert lane(*PATH, stop, at=AT - 1).sender_state is SenderState.SUSPENDED
    assert lane(*PATH, stop, at=AT - 1).until == AT
    assert lane(*PATH, stop, at=AT).sender_state is SenderState.OK


def test_a_new_description_does_not_end_a_suspension() -> None:
    """A suspended party cannot register itself free."""
    stop = f.PartySuspended(party="shop", reason="complaints")
    folded = register(*PATH, stop, party("shop", group="elsewhere"))

    assert folded.suspended("shop", AT)
    assert folded.lane("shop", PORT, SIGNATURE, Carrier.MOBILE, AT).group == "elsewhere"


def test_a_suspended_submitter_stops_the_merchants_that_it_sends_for() -> None:
    """The measure against an agent holds for everything that the agent hands in."""
    stop = f.PartySuspended(party="agent", reason="sublet ports")

    assert lane(*PATH, stop, submitter="agent").sender_state is SenderState.SUSPENDED


def test_a_port_that_is_not_registered_is_unknown() -> None:
    """A grant of a port that nobody registered opens nothing."""
    found = lane(*without(f.PortRegistered, f.PortFiled))

    assert found.port_state is PortState.UNKNOWN
    assert found.chain_state is ChainState.UNDECLARED


def test_a_foreign_port_is_not_granted() -> None:
    """A registered party without a part in any grant of the port sends over another's port."""
    found = lane(*PATH, submitter="stranger")

    assert found.port_state is PortState.NOT_GRANTED
    assert found.chain_state is ChainState.UNDECLARED
    assert (found.sender, found.grant) == ("stranger", "")


def test_a_port_is_granted_to_everyone_in_the_chain() -> None:
    """Merchant, agent or provider may hand the message in: the sender stays the merchant."""
    for submitter in ("shop", "agent", "provider"):
        found = lane(*PATH, submitter=submitter)

        assert found.port_state is PortState.OK
        assert (found.submitter, found.sender) == (submitter, "shop")


@pytest.mark.parametrize(
    ("at", "state"),
    [
        (START - 1, PortState.EXPIRED),
        (START, PortState.OK),
        (END - 1, PortState.OK),
        (END, PortState.EXPIRED),
    ],
)
def test_validity_runs_from_its_first_moment_to_before_its_last(
    at: int, state: PortState
) -> None:
    """Port and grant hold in [valid_from, valid_until)."""
    assert lane(*PATH, at=at).port_state is state


def test_the_port_of_an_ended_grant_is_not_granted() -> None:
    """From that fact on, and whatever the grant's dates say."""
    ended = f.GrantEnded(grant="g1", reason="contract over")

    assert lane(*PATH, ended).port_state is PortState.NOT_GRANTED


def test_a_grant_that_is_made_anew_leaves_its_old_port() -> None:
    """The newest description holds: a grant is for one port, not for all it ever named."""
    moved = structs.replace(grant(), port=OTHER_PORT)
    folded = register(*PATH, port(OTHER_PORT), moved)

    assert (
        folded.lane("shop", PORT, SIGNATURE, Carrier.MOBILE, AT).port_state
        is PortState.NOT_GRANTED
    )
    assert folded.chain_of_port(PORT) == ()
    assert folded.chain_of_port(OTHER_PORT) == moved.chain


@pytest.mark.parametrize("state", [state for state in Filing if state is not Filing.FILED])
def test_only_a_finished_filing_is_a_filing(state: Filing) -> None:
    """Approved by a platform, handed in, rejected or lapsed is not filed."""
    found = lane(*PATH, *filed(state))

    assert found.port_state is PortState.NOT_FILED
    assert found.signature_state is SignatureState.NOT_FILED


def test_a_filing_holds_for_its_carrier_alone() -> None:
    """What China Mobile has on file says nothing to China Unicom."""
    assert lane(*PATH, carrier=Carrier.UNICOM).port_state is PortState.NOT_FILED
    assert lane(*PATH, carrier=Carrier.UNICOM).signature_state is SignatureState.NOT_FILED
    both = lane(*PATH, *filed(carrier=Carrier.UNICOM), carrier=Carrier.UNICOM)

    assert (both.port_state, both.signature_state) == (PortState.OK, SignatureState.OK)


def test_a_new_registration_keeps_the_filings() -> None:
    """They belong to the port and the signature, not to one description of them."""
    found = lane(*PATH, port(kinds=MARKETING), signature())

    assert (found.port_state, found.signature_state) == (PortState.OK, SignatureState.OK)
    assert found.kinds == MARKETING


def test_a_text_without_signature_has_an_absent_one() -> None:
    """Nothing in brackets is not the same as a name that nobody knows."""
    found = register(*PATH).lane("shop", PORT, "", Carrier.MOBILE, AT)

    assert found.signature_state is SignatureState.ABSENT


def test_a_signature_that_is_not_registered_is_told_apart() -> None:
    """A name in brackets alone proves nothing."""
    assert (
        lane(*without(f.SignatureRegistered, f.SignatureFiled)).signature_state
        is SignatureState.UNREGISTERED
    )


@pytest.mark.parametrize(
    ("registered", "state"),
    [
        (structs.replace(signature(), owner="stranger"), SignatureState.OUT_OF_SCOPE),
        (structs.replace(signature(), senders=("stranger",)), SignatureState.OUT_OF_SCOPE),
        (structs.replace(signature(), ports=(OTHER_PORT,)), SignatureState.OUT_OF_SCOPE),
        (structs.replace(signature(), owner="stranger", senders=("shop",)), SignatureState.OK),
        (structs.replace(signature(), ports=(OTHER_PORT, PORT)), SignatureState.OK),
    ],
)
def test_a_signature_is_in_scope_for_its_senders_and_ports(
    registered: f.SignatureRegistered, state: SignatureState
) -> None:
    """Named senders stand in the owner's place; no named ports means any port."""
    assert lane(*PATH, registered).signature_state is state


def test_a_signature_that_the_grant_does_not_name_is_out_of_scope() -> None:
    """One port, one signature: the shop's second name needs its own grant."""
    second = signature("示例特卖")
    found = register(*PATH, second).lane("shop", PORT, "示例特卖", Carrier.MOBILE, AT)

    assert found.signature_state is SignatureState.OUT_OF_SCOPE


def test_a_sublet_port_is_an_undeclared_chain() -> None:
    """The holder of the port is not in the chain: somebody lent what was not theirs to lend."""
    found = lane(*PATH, port(holder="stranger"))

    assert found.port_state is PortState.OK
    assert found.chain_state is ChainState.UNDECLARED


@pytest.mark.parametrize(
    "chain",
    [(), ("agent", "shop", "provider"), ("shop", "nobody", "provider"), ("shop", "agent")],
)
def test_a_chain_starts_at_the_sender_and_knows_every_link(chain: tuple[str, ...]) -> None:
    """An empty, turned, unknown or cut chain declares nothing."""
    found = lane(*PATH, structs.replace(grant(), chain=chain))

    assert found.chain_state is ChainState.UNDECLARED


def test_a_lane_allows_only_what_port_signature_and_grant_all_allow() -> None:
    """The narrowest of the three decides."""
    found = lane(
        *PATH,
        port(kinds=MARKETING | 1 << Kind.SERVICE),
        structs.replace(signature(), kinds=1 << Kind.COMMERCIAL | 1 << Kind.SERVICE),
        grant(kinds=1 << Kind.COMMERCIAL),
    )

    assert found.kinds == 1 << Kind.COMMERCIAL
    assert found.kinds >> Kind.SERVICE & 1 == 0


def test_of_several_grants_the_one_for_this_signature_speaks() -> None:
    """Then one that is valid now, then the newest."""
    named = structs.replace(grant("named"), valid_until=AT + 10)
    other = structs.replace(grant("other"), signature="示例特卖")
    newer = structs.replace(grant("newer"), valid_from=AT + 5)
    folded = register(*without(f.GrantMade), named, other, newer)
    chosen = [
        folded.lane("shop", PORT, SIGNATURE, Carrier.MOBILE, at).grant
        for at in (AT, AT + 5, AT + 10)
    ]

    assert chosen == ["named", "newer", "newer"]
    assert folded.lane("shop", PORT, SIGNATURE, Carrier.MOBILE, AT).until == AT + 5


def test_a_reply_belongs_to_the_group_of_the_newest_grant_else_of_the_holder() -> None:
    """Whose messages carry the port is who was refused."""
    assert register(*PATH).group_of_port(PORT) == "holding"
    assert register(*PATH, grant("g2", "stranger")).group_of_port(PORT) == "stranger"
    assert register(*without(f.GrantMade)).group_of_port(PORT) == "provider"
    assert register(*PARTIES).group_of_port(PORT) is None


def test_facts_of_other_rooms_do_not_make_lanes_stale() -> None:
    """A consent changes no lane, so cached lanes stay good."""
    folded = register(*PATH)
    before = folded.position
    consent = f.ConsentRecorded(
        person=b"p" * 16,
        handle=1,
        sender="shop",
        purposes=1,
        act=Act.TICKED,
        door=Door.WEB,
        given_at=1,
    )
    folded.apply(f.Recorded(before + 1, 1, consent))

    assert folded.position == before
    folded.apply(f.Recorded(before + 2, 2, party("new")))
    assert folded.position == before + 2


MOMENTS: Final = st.integers(min_value=0, max_value=12)
GRANTS: Final = st.builds(
    lambda name, wanted, start, length, kinds: structs.replace(
        grant(name, kinds=kinds),
        signature=SIGNATURE if wanted else "示例特卖",
        valid_from=start,
        valid_until=start + length,
    ),
    st.sampled_from(["a", "b", "c"]),
    st.booleans(),
    MOMENTS,
    MOMENTS,
    st.sampled_from([MARKETING, 0xFF]),
)
STOPS: Final = st.builds(
    lambda who, until: f.PartySuspended(party=who, reason="r", until=until),
    st.sampled_from(["shop", "agent"]),
    MOMENTS | st.none(),
)


@given(
    changes=st.lists(GRANTS | STOPS, max_size=6),
    at=st.integers(min_value=0, max_value=25),
    submitter=st.sampled_from(["shop", "agent", "stranger"]),
)
def test_a_lane_is_the_same_at_every_moment_until_its_end(
    changes: list[f.Fact], at: int, submitter: str
) -> None:
    """A cached lane may be used up to ``until``: nothing about it changes before."""
    short = structs.replace(port(), valid_from=2, valid_until=20)
    folded = register(*PARTIES, short, signature(), *filed(), *changes)
    first = folded.lane(submitter, PORT, SIGNATURE, Carrier.MOBILE, at)

    for later in range(at, min(first.until, 30)):
        assert first == folded.lane(submitter, PORT, SIGNATURE, Carrier.MOBILE, later)
    assert at < first.until <= FOREVER


def letter(until: int, sender: str = "shop") -> f.LetterRecorded:
    """The shop's own letter for its signature, from START."""
    return f.LetterRecorded(
        letter=f"l{until}",
        owner="shop",
        sender=sender,
        signatures=(SIGNATURE,),
        document=b"",
        valid_from=START,
        valid_until=until,
    )


def contract(until: int, upstream: str = "agent") -> f.ContractRecorded:
    """The agent's contract with the provider, from START."""
    return f.ContractRecorded(
        contract=f"c{until}",
        upstream=upstream,
        downstream="provider",
        document=b"",
        valid_from=START,
        valid_until=until,
    )


def test_an_expired_letter_ends_the_signatures_scope_for_its_sender() -> None:
    """From its last moment on; another sender's letter says nothing, a newer one holds."""
    ends, newer, other = letter(AT), letter(END), letter(AT, "stranger")

    assert lane(*PATH, ends, at=AT - 1).signature_state is SignatureState.OK
    assert lane(*PATH, ends, at=AT - 1).until == AT
    assert lane(*PATH, ends).signature_state is SignatureState.OUT_OF_SCOPE
    assert lane(*PATH, ends, newer).signature_state is SignatureState.OK
    assert lane(*PATH, other).signature_state is SignatureState.OK


def test_an_expired_link_makes_the_chain_undeclared() -> None:
    """Contracts of links that the chain does not have say nothing."""
    ends, newer, other = contract(AT), contract(END), contract(AT, "stranger")

    assert lane(*PATH, ends, at=AT - 1).chain_state is ChainState.OK
    assert lane(*PATH, ends, at=AT - 1).until == AT
    assert lane(*PATH, ends).chain_state is ChainState.UNDECLARED
    assert lane(*PATH, ends, newer).chain_state is ChainState.OK
    assert lane(*PATH, other).chain_state is ChainState.OK
