"""Facts of people: what they were shown, agreed to, refused and said."""

from __future__ import annotations

from typing import Final

from qingjing.kernel.facts.fact import Fact
from qingjing.kernel.words import Act, Door, NumberState, ReplyMeaning

ALL_GROUPS: Final = "*"
"""The group of a refusal that holds against every sender (一键清净)."""


class WordingRegistered(Fact, frozen=True, kw_only=True, tag="wording.registered/1"):
    """The exact words that a person is shown when asked to consent, before anyone sees them."""

    wording: str
    sender: str
    text: str


class WordingStated(Fact, frozen=True, kw_only=True, tag="wording.stated/1"):
    """What registered words state (Order 31 Art 18): type, frequency and term.

    ``handle`` names all versions of one wording. ``further`` are parties that the words name
    besides the sender (PIPL §23). ``confirm``: an act counts only once it was confirmed.
    """

    handle: int
    wording: str
    sender: str
    purposes: int
    per_count: int
    per_days: int
    term_s: int
    further: tuple[str, ...] = ()
    confirm: bool = False


class WordingShown(Fact, frozen=True, kw_only=True, tag="wording.shown/1"):
    """Words were shown to somebody, before any act. ``handle`` is that of the showing.

    ``empty`` tells that the box stood empty; ``device`` is a kind of device, no identifier.
    """

    handle: int
    wording: str
    door: Door
    empty: bool
    device: str = ""


class ShowingUsed(Fact, frozen=True, kw_only=True, tag="showing.used/1"):
    """A person acted on a showing, which is good for one act alone; ``consent`` came of it."""

    handle: int
    consent: int


SUBJECTS: Final = 1 << 32
"""Topics of askings from here on are subjects: ``SUBJECTS`` and the first asking's position."""


class AskingOpened(Fact, frozen=True, kw_only=True, tag="asking.opened/1"):
    """A request for consent (征询) that may go out word for word: ``text`` are the words.

    ``handle`` is the group's, for all its askings. ``subject`` is the position of the first
    asking of the group that is the same or similar: who was asked that is not asked this.
    """

    handle: int
    asking: str
    sender: str
    group: str
    wording: str
    subject: int
    silence_days: int
    text: str


class AskingPut(Fact, frozen=True, kw_only=True, tag="asking.put/1"):
    """A person was asked, by a message that passed. An answer counts before ``until``; silence
    is refusal of the subject."""

    handle: int
    group: str
    asking: int
    subject: int
    message: int
    until: int

    @property
    def topic(self) -> int:
        """The subject as the standings count it, apart from every category."""
        return SUBJECTS + self.subject


class ConsentRecorded(Fact, frozen=True, kw_only=True, tag="consent.recorded/1"):
    """A person's consent (同意), or request (``act`` REQUESTED), towards one sender.

    ``shown`` is the hash of the proof that the words were shown; empty when there is none.
    ``term_s`` is its validity in seconds from ``given_at``, 0 when no term was stated; at most
    ``per_count`` messages in ``per_days`` days, 0 when no frequency was stated.
    """

    person: bytes
    handle: int
    sender: str
    purposes: int
    act: Act
    door: Door
    given_at: int
    wording: str = ""
    shown: str = ""
    term_s: int = 0
    per_count: int = 0
    per_days: int = 0
    evidence: str = ""


class ConsentsImported(Fact, frozen=True, kw_only=True, tag="consents.imported/1"):
    """A bulk import of consents with common terms: one fact over a sealed file.

    ``rows_root`` is the RFC 6962 root over the file's rows, so that each row can be proved.
    """

    sender: str
    purposes: int
    act: Act
    wording: str
    shown: str
    term_s: int
    per_count: int
    per_days: int
    count: int
    rows_root: bytes
    file: str


class RefusalRecorded(Fact, frozen=True, kw_only=True, tag="refusal.recorded/1"):
    """A person's refusal (拒收) towards a whole group, or towards ``ALL_GROUPS``."""

    person: bytes
    handle: int
    group: str
    door: Door
    port: str = ""
    evidence: str = ""


class RefusalLifted(Fact, frozen=True, kw_only=True, tag="refusal.lifted/1"):
    """The person, by an explicit act of its own, wants this group's messages again."""

    person: bytes
    handle: int
    group: str
    door: Door
    evidence: str = ""


class ReplyHeard(Fact, frozen=True, kw_only=True, tag="reply.heard/1"):
    """What a person wrote back to a port, and how it was read. UNCLEAR holds marketing.

    ``words`` is the SHA-256 of the sealed words beside this fact, empty when none are kept.
    ``group`` answered for the port at that moment; none for a HELP, which ends no hold.
    """

    person: bytes
    handle: int
    port: str
    group: str
    meaning: ReplyMeaning
    words: bytes


class NumberNoted(Fact, frozen=True, kw_only=True, tag="number.noted/1"):
    """A number was reported out of service or re-assigned; earlier consents fall with it."""

    person: bytes
    handle: int
    state: NumberState
    source: str


class PersonForgotten(Fact, frozen=True, kw_only=True, tag="person.forgotten/1"):
    """A person's number, words and texts were erased (PIPL §47); what the person refused holds.

    ``replaced``: positions of facts, with the SHA-256 of what is left under seal beside each.
    """

    person: bytes
    handle: int
    door: Door
    replaced: tuple[tuple[int, bytes], ...]
    evidence: str = ""


class ChangesListed(Fact, frozen=True, kw_only=True, tag="changes.listed/1"):
    """All standing changes of the facts after ``after`` up to ``through``, as one sorted tree.

    ``root`` is the RFC 6962 root over ``count`` sorted entries (``desk.absence``), ``number``
    counts listings from 1, ``before`` is the position of the listing before this one, 0: none.
    """

    number: int
    before: int
    after: int
    through: int
    count: int
    root: bytes
