"""Codes by which a person proves a number, and the sessions that a proven number opens.

All in memory and bounded: what a restart forgets is asked for again. Nothing here knows whether
the ledger knows a number, so nothing can tell: an asking is answered alike for every number,
whether a code leaves for it or not.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

import msgspec

from qingjing.kernel.words import Phone
from qingjing.settings import Pages

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
MINUTE_MS: Final = 60_000

KEYS_MAX: Final = 50_000
"""Numbers or addresses counted at a time, about 200 bytes each; a new one beyond waits."""


class Busy(Exception):  # noqa: N818  # it is an answer, not a mistake
    """Too much was asked from this address, or by all together; ``retry_s`` says when."""

    def __init__(self, retry_s: int) -> None:
        super().__init__(f"try again in {retry_s} s")
        self.retry_s = retry_s


class Rate:
    """At most ``most`` takings of a key in a span."""

    def __init__(self, most: int, span_ms: int) -> None:
        self._most, self._span = most, span_ms
        self._taken: dict[str, list[int]] = {}

    def wait(self, key: str, now: int) -> int:
        """Milliseconds until the key may take again, 0 for now."""
        times = self._taken.get(key, ())
        if len(times) >= self._most and times[-self._most] > now - self._span:
            return times[-self._most] + self._span - now
        if key not in self._taken and len(self._taken) >= KEYS_MAX:
            self._taken = {
                name: times
                for name, times in self._taken.items()
                if times[-1] > now - self._span
            }
            return MINUTE_MS if len(self._taken) >= KEYS_MAX else 0
        return 0

    def take(self, key: str, now: int) -> None:
        """Count one."""
        times = self._taken.setdefault(key, [])
        times.append(now)
        del times[: -self._most]


class Asked(msgspec.Struct, kw_only=True):
    """A code that waits for its entry. ``code`` is empty when none was sent, and none fits.

    ``purpose`` is what the person came for: the group to refuse, or nothing.
    """

    phone: Phone
    code: str
    purpose: str
    until: int
    tries: int


class Entered(NamedTuple):
    """What an entry was: ``proven`` has the number; ``wrong`` may be tried again; ``over`` may
    not: the code is spent, too old, or never was."""

    outcome: Literal["proven", "wrong", "over"]
    phone: Phone | None = None
    purpose: str = ""


class Codes:
    """Codes asked for and not entered yet."""

    def __init__(self, settings: Pages, token: Callable[[int], bytes]) -> None:
        """``token`` gives bytes of chance, not to be guessed."""
        self._settings, self._token = settings, token
        self._asked: dict[str, Asked] = {}
        self._hourly = Rate(settings.number_hour_max, HOUR_MS)
        self._daily = Rate(settings.number_day_max, DAY_MS)
        self._spent = Rate(1, settings.code_minutes * MINUTE_MS)
        self._addresses = Rate(settings.address_hour_max, HOUR_MS)
        self._all = Rate(settings.hour_max, HOUR_MS)
        self._wrong = Rate(settings.wrong_hour_max, HOUR_MS)

    def __len__(self) -> int:
        """How many wait."""
        return len(self._asked)

    def ask(
        self, phone: Phone, person: str, address: str, purpose: str, now: int
    ) -> tuple[str, str]:
        """A ticket for an entry, and the code to send to the number, empty for none.

        ``person`` is the keyed hash of the number. Busy says nothing of the number.
        """
        where = network(address)
        wait = max(self._addresses.wait(where, now), self._all.wait("", now))
        if wait:
            raise Busy(wait // 1000 + 1)
        self._addresses.take(where, now)
        self._all.take("", now)
        # Made for every asking, so that none takes another time.
        code = f"{int.from_bytes(self._token(8)) % 1_000_000:06}"
        ticket = self._token(32).hex()
        rates = (self._hourly, self._daily)
        if any(rate.wait(person, now) for rate in (*rates, self._spent)):
            code = ""
        else:
            for rate in rates:
                rate.take(person, now)
        self._drop(now)
        until = now + self._settings.code_minutes * MINUTE_MS
        self._asked[ticket] = Asked(
            phone=phone,
            code=code,
            purpose=purpose,
            until=until,
            tries=self._settings.code_tries,
        )
        return ticket, code

    def enter(
        self, ticket: str, digits: str, person: Callable[[Phone], str], now: int
    ) -> Entered:
        """Try a code. Busy when wrong ones have become too many in all."""
        wait = self._wrong.wait("", now)
        if wait:
            raise Busy(wait // 1000 + 1)
        self._drop(now)
        asked = self._asked.get(ticket)
        if asked is None:
            return Entered("over")
        # One that was never sent fits nothing, and takes the same time.
        if hmac.compare_digest(digits.encode(), asked.code.encode() or bytes(6)) and asked.code:
            del self._asked[ticket]
            return Entered("proven", asked.phone, asked.purpose)
        self._wrong.take("", now)
        asked.tries -= 1
        if asked.tries:
            return Entered("wrong")
        del self._asked[ticket]
        self._spent.take(person(asked.phone), now)
        return Entered("over")

    def waits(self, ticket: str, now: int) -> Asked | None:
        """The asking of a ticket, while it may be entered."""
        self._drop(now)
        return self._asked.get(ticket)

    def _drop(self, now: int) -> None:
        """Those whose time is over; the oldest stand first."""
        while self._asked and self._asked[first := next(iter(self._asked))].until <= now:
            del self._asked[first]


class Session(NamedTuple):
    """A browser in which a number was proven."""

    key: str
    phone: Phone
    until: int


class Sessions:
    """Open sessions; each ends after its time, whatever is done in it."""

    def __init__(self, settings: Pages, token: Callable[[int], bytes]) -> None:
        self._settings, self._token = settings, token
        self._open: dict[str, Session] = {}

    def __len__(self) -> int:
        """How many are open."""
        return len(self._open)

    def begin(self, phone: Phone, now: int) -> Session:
        """A new session, under a key that no one had before. Busy when too many are open."""
        self._drop(now)
        if len(self._open) >= self._settings.sessions_max:
            raise Busy(60)
        until = now + self._settings.session_minutes * MINUTE_MS
        session = Session(self._token(32).hex(), phone, until)
        self._open[session.key] = session
        return session

    def find(self, key: str, now: int) -> Session | None:
        """The open session of a key."""
        self._drop(now)
        return self._open.get(key)

    def end(self, key: str) -> None:
        """Close it."""
        self._open.pop(key, None)

    def _drop(self, now: int) -> None:
        while self._open and self._open[first := next(iter(self._open))].until <= now:
            del self._open[first]


def network(address: str) -> str:
    """What counts as one address: of IPv6 the /64, which one household has."""
    try:
        found = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address):
        found = found.ipv4_mapped or found
    if found.version == 6:
        return str(ipaddress.ip_network(f"{found}/64", strict=False))
    return str(found)
