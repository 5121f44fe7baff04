"""The settings of what listens for HTTP: the API and the person's pages; and of TLS."""

from __future__ import annotations

import msgspec


class Tls(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Certificate and key files of a listener, or the authority that a client trusts."""

    certificate: str = ""
    key: str = ""
    authority: str = ""


class Api(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The HTTP API, and every bound of it with its reason."""

    host: str = "127.0.0.1"
    port: int = 7880
    tls: Tls | None = None
    proxies: tuple[str, ...] = ()
    """Proxies before it, whose X-Forwarded-For is believed; from others it is not."""
    hook_networks: tuple[str, ...] = ()
    """Private networks that webhooks may reach: else a customer could call your insides."""
    connections_max: int = 500
    """Open connections, about 100 KB each."""
    body_bytes_max: int = 1 << 20
    """A request but a list: a thousand long messages."""
    batch_max: int = 1_000
    """Messages of one request: a quarter of a turn, so that it does not hold up the others."""
    answer_s: int = 20
    """How long a decision is waited for; a turn takes a fraction of a second."""
    page_max: int = 500
    """Events of one page, about 150 KB."""
    keep_days: int = 7
    """How long answers, events and lists are kept: a holiday of the other side."""
    hooks_max: int = 10
    """Webhooks of one account."""
    hook_tries: int = 24
    """Tries of a delivery, over about 16 hours: a night in which nobody looks."""
    hook_wait_s: int = 10
    """How long the other side may take to answer."""
    list_bytes_max: int = 1 << 28
    """A list to scrub: some twenty million numbers."""
    lists_max: int = 16
    """Lists of one account that are kept, done or not: they take disk."""
    witnesses: tuple[str, ...] = ()
    """Public keys of witnesses whose countersignatures are kept: others' prove nothing."""


class Pages(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The person's pages, and every bound of them with its reason."""

    account: str
    """The account whose messages the codes are: its party is judged like any submitter."""
    signature: str
    """The signature of the codes."""
    sms_port: str = ""
    """The port they leave from; the account's own when left out."""
    host: str = "127.0.0.1"
    port: int = 7881
    tls: Tls | None = None
    proxies: tuple[str, ...] = ()
    """Proxies before it, whose X-Forwarded-For is believed; from others it is not."""
    plain_http: bool = False
    """Cookies without Secure, on this machine's own address alone: to try it out."""
    confirm: bool = False
    """A refusal is confirmed by SMS, too, through the gate."""
    connections_max: int = 500
    """Open connections, about 100 KB each."""
    code_minutes: int = 10
    """How long a code holds: SMS take seconds, people minutes."""
    code_tries: int = 5
    """Wrong entries of one code: typing errors, not guesses."""
    number_hour_max: int = 3
    number_day_max: int = 5
    """Codes to one number: with five tries each, 25 guesses a day at one in a million."""
    address_hour_max: int = 20
    """Codes asked for from one address (a /64 of IPv6): an office shares one."""
    hour_max: int = 2_000
    """Codes in all, which bounds memory (1 KB each) and what a flood of them costs."""
    wrong_hour_max: int = 1_000
    """Wrong entries in all: many guessers on many numbers have one chance in a thousand."""
    check_hour_max: int = 60
    """Receipts looked up from one address: a guess finds one with a chance of 2**-28."""
    session_minutes: int = 20
    """How long a proven number stays open in a browser; phones get lent."""
    sessions_max: int = 5_000
    """Open at a time, 1 KB each."""
    messages_max: int = 50
    """Messages shown, the newest: a page that a phone can hold."""
    look_back_days: int = 180
    """How far back messages are looked for: a complaint is taken within six months."""
    rows_max: int = 5_000_000
    """Decided messages looked through for one page: about a second, in small steps."""
