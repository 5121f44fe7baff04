"""Settings: one frozen value, read from one TOML file. Secrets come from files or environment.

Every setting stands in ``docs/operating.md`` (a test says so). Relative paths are relative to
the file's own folder.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal

import msgspec

from qingjing.settings_http import Api as Api  # others know them from here
from qingjing.settings_http import Pages as Pages
from qingjing.settings_http import Tls as Tls


class SettingsError(Exception):
    """The settings file is wrong: the message names the field and the remedy."""


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every bound of the gateway, each with its reason."""

    connections_max: int = 500
    """Open customer connections: each costs about 100 KB; carriers allow a few per account."""
    inbox_max: int = 5_000
    """Submits of one account read but not decided: half a second of traffic; beyond, its
    connections are not read, and past twice as many a submit is answered "slow down"."""
    queue_max: int = 10_000
    """Messages of one account that passed and wait for a carrier: a second of traffic; beyond,
    its submits wait for their answer."""
    patience_s: int = 5
    """How long a submit waits before it is answered "slow down": clients give 10 to 60."""
    batch_max: int = 4_000
    """Messages decided in one transaction: keeps a commit below about 100 ms."""
    flights_max: int = 1_000_000
    """Messages not settled (about 1 KB each); beyond, submits are answered 8, slow down."""
    segments_max: int = 20_000
    """Parts of long messages waiting for their other parts."""
    segment_wait_s: int = 120
    """How long a part waits; carriers give one to ten minutes."""
    report_wait_h: int = 48
    """How long a report is waited for (CMPP's default)."""
    untold_max: int = 50_000
    """Reports and replies kept for one customer that does not take them."""


ProtocolName = Literal["cmpp", "sgip", "smgp", "smpp"]

PORTS: Final[Mapping[str, int]] = MappingProxyType(
    {"cmpp": 7890, "sgip": 8801, "smgp": 8890, "smpp": 2775}
)
"""Where each protocol usually listens."""
VERSIONS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"cmpp": ("3.0", "2.0"), "sgip": ("1.2",), "smgp": ("3.0", "1.3"), "smpp": ("3.4", "3.3")}
)
"""What each protocol can be spoken in; the first where the settings name none."""
NAME_MAX: Final[Mapping[str, int]] = MappingProxyType(
    {"cmpp": 6, "sgip": 16, "smgp": 8, "smpp": 15}
)
"""Octets that an account's name may have: Source_Addr, Login Name, ClientID, system_id."""


class Smpp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a peer speaks SMPP, customer or carrier: what its text leaves open."""

    alphabet: Literal["gsm", "latin-1", "ascii"] = "gsm"
    """What data_coding 0 is."""
    ascii_max: Literal[140, 160] = 160
    """Octets of a single text in ``latin-1`` or ``ascii``; the parts of a longer one have 134
    or 153. GSM always has 160."""
    long: Literal["udh", "sar", "payload"] = "udh"
    """How long texts leave to it."""
    ids: Literal[
        "as-is", "hex-then-decimal", "decimal-then-hex", "strip-zeros", "fold-case"
    ] = "as-is"
    """How its receipts write the ids of its answers."""
    system_type: str = ""
    """For our bind."""
    source: tuple[int, int] = (0, 0)
    """Type of number and numbering plan of our ports."""
    dest: tuple[int, int] = (1, 1)
    """The same of people's numbers."""
    prefix: str = ""
    """What stands before the eleven digits of a person's number."""
    tags: tuple[int, ...] = ()
    """Vendors' parameters of SMPP customers that go on to this carrier."""


LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
"""Hosts that are this machine alone."""
_NODE_MAX: Final = 0xFFFF_FFFF
_PORT_MAX: Final = 21
"""Octets of Src_Id, the widest field of a port."""
_SIDED: Final = frozenset({"smgp", "smpp"})
"""Where a login says which way its connection carries."""
_PREFIX_MAX: Final = 9
"""With the eleven digits of a number, what an address of SMPP holds (5.2.9)."""
_SYSTEM_TYPE_MAX: Final = 12
_VENDORS: Final = range(0x1400, 0x4000)
"""Tags of parameters that are vendors' own (5.3.1)."""


class SgipAccount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The way back to a customer on SGIP: reports and replies go to a listener of its own."""

    host: str = ""
    port: int = 8801
    account: str = ""
    """Our name there; the account's own when left out."""
    secret_env: str = ""
    secret_file: str = ""
    """Our secret there; the account's own when neither is given."""
    duplex: bool = False
    """It takes reports and replies on the connections that it opens to us, and has no host."""
    prefix: str = "86"
    """What stands before the numbers of people there."""


class SgipRoute(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a carrier on SGIP has given us, and how it dials us back."""

    node: int = 0
    """Our number as its provider, 3AAAAQQQQQ: it begins the id of each message."""
    company: str = ""
    """CorpId, five characters."""
    service: str = ""
    """ServiceType, ten characters."""
    account: str = ""
    """Its name when it dials us; the route's account when left out."""
    secret_env: str = ""
    secret_file: str = ""
    """Its secret then; the route's own when neither is given."""
    allow: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    duplex: bool = False
    """Reports and replies come on the connections that we open, and it never dials us."""
    prefix: str = "86"
    """What stands before the numbers of people there."""


class Sgip(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """SGIP: our number as a gateway, and where carriers dial us with reports and replies."""

    node: int = 0
    """Our number towards customers, 1AAAAX."""
    host: str = "127.0.0.1"
    port: int = 8802
    """Next to that of ``listeners.sgip``, where customers dial."""
    tls: Tls | None = None


class Account(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A customer's login. ``party`` is who submits; ``kinds`` maps Service_Id to a kind.

    The secret comes from ``secret_env`` (a variable's name) or ``secret_file``.
    """

    party: str
    protocol: ProtocolName | Literal["http"] = "cmpp"
    """What it speaks to us, and by which it is told what became of its messages."""
    port: str = ""
    """The port of submits that leave Src_Id empty, as some clients do."""
    secret_env: str = ""
    secret_file: str = ""
    allow: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    kinds: dict[str, str] = {}
    connections_max: int = 8
    window: int = 64
    rate: int = 0
    """Parts a second over all its connections; 0: no limit but the gateway's own."""
    smpp: Smpp = Smpp()
    sgip: SgipAccount = SgipAccount()


class Listener(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where customers of one protocol connect. Port 0 takes any free port (tests)."""

    host: str = "127.0.0.1"
    port: int | None = None
    """The protocol's usual one when left out."""
    tls: Tls | None = None


class Route(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Connections to one carrier. ``number`` names the route in the record: never reuse it."""

    number: int
    carrier: Literal["mobile", "unicom", "telecom", "broadnet"]
    host: str
    port: int
    account: str
    protocol: ProtocolName = "cmpp"
    """What we speak to it."""
    version: str = ""
    """The protocol's usual one when left out, see ``VERSIONS``."""
    mode: Literal["both", "pairs", "sends", "receives"] = "both"
    """What a connection carries; ``pairs`` are one that sends and one that receives."""
    secret_env: str = ""
    secret_file: str = ""
    ports: tuple[str, ...] = ()
    """How the ports begin that it carries. Of a carrier's routes those that say most of a port
    carry it; without any it carries what the others do not name."""
    cost: int = 0
    """What a message costs on it, in any unit: of routes that carry a port alike the cheaper
    are filled first, the dearer take what these have no room for."""
    connections: int = 1
    window: int = 32
    smpp: Smpp = Smpp()
    sgip: SgipRoute = SgipRoute()
    tls: Tls | None = None


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that an operator sets."""

    name: str = "qingjing"
    """The ledger's name, in its checkpoints."""
    data: str = "data"
    """The folder of ledger, snapshot and imports."""
    keys: str = "keys.toml"
    """The key file; QINGJING_KEYS in the environment may hold its text instead."""
    node: int = 1
    """This gateway's number, 1 to 65,535: it is part of each message id."""
    gateway_code: int = 1
    """The 22-bit gateway code inside the CMPP message ids given to customers."""
    listeners: dict[ProtocolName, Listener] = {}
    """By protocol. Nothing is open that does not stand here."""
    api: Api | None = None
    pages: Pages | None = None
    sgip: Sgip = Sgip()
    accounts: dict[str, Account] = {}
    routes: dict[str, Route] = {}
    ported: str = ""
    """A list of numbers that moved to another network, CSV or Parquet: phone, carrier."""
    reuse_days: int = 90
    """How long carriers keep a number that was given up before somebody else gets it."""
    limits: Limits = Limits()
    checkpoint_s: int = 60
    """How often the log is signed."""
    dormant_days: int = 150
    """After so many days without a message a signature's filing lapses; 0: never."""
    listing_s: int = 86_400
    """How often standing changes are listed, so that absence can be proved; 0: never."""
    folder: str = "."
    """Where the file stood; set on loading."""

    def path(self, name: str) -> Path:
        """A path of the settings, from the file's folder."""
        return Path(self.folder) / name


def load(path: Path) -> Settings:
    """Read the settings file; SettingsError names what is wrong and how to mend it."""
    try:
        found: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
        found["folder"] = str(path.resolve().parent)
        settings = msgspec.convert(found, Settings)
    except OSError as error:
        raise SettingsError(f"settings file {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise SettingsError(f"settings file {path}: {error}; see docs/operating.md") from error
    wrong = next(_mistakes(settings), None)
    if wrong:
        raise SettingsError(f"settings file {path}: {wrong}")
    return settings


def _mistakes(settings: Settings) -> Iterator[str]:
    """What the types cannot say, each in words."""
    numbers = [route.number for route in settings.routes.values()]
    if len(set(numbers)) < len(numbers):
        yield f"two routes share a number: {numbers}"
    for name, account in settings.accounts.items():
        if account.protocol == "http" and settings.api is None:
            yield f"account {name!r} speaks http, and there is no [api]: add it, even if empty"
        most = NAME_MAX.get(account.protocol)
        if most is not None and not 1 <= len(name.encode()) <= most:
            yield (
                f"account {name!r}: an account's name in {account.protocol} "
                f"has 1 to {most} octets"
            )
    for name, route in settings.routes.items():
        versions = VERSIONS[route.protocol]
        if route.version and route.version not in versions:
            yield (
                f"route {name!r}: version {route.version!r}: {route.protocol} is spoken in "
                + " or ".join(versions)
            )
        if len(route.account.encode()) > NAME_MAX[route.protocol]:
            yield f"route {name!r}: its account has {NAME_MAX[route.protocol]} octets at most"
        for port in route.ports:
            if not (port.isascii() and port.isdigit()) or len(port) > _PORT_MAX:
                yield f"route {name!r}: ports: {port!r} is none: 1 to {_PORT_MAX} digits"
        if route.mode != "both" and route.protocol not in _SIDED:
            yield f'route {name!r}: mode {route.mode!r}: {route.protocol} knows "both" alone'
    yield from _sgip_mistakes(settings)
    yield from _pages_mistakes(settings)
    for what, peers in (("account", settings.accounts), ("route", settings.routes)):
        for name, peer in peers.items():
            wrong = next(_smpp_mistakes(peer.smpp), None)
            if wrong:
                yield f"{what} {name!r}: smpp.{wrong}"
    if not 1 <= settings.node <= 0xFFFF:
        yield f"node {settings.node} is not 1 to 65535"


def _pages_mistakes(settings: Settings) -> Iterator[str]:
    """The same of the person's pages."""
    pages = settings.pages
    if pages is None:
        return
    account = settings.accounts.get(pages.account)
    if account is None:
        yield f"pages.account {pages.account!r} is none of the accounts: name one"
    elif not (pages.sms_port or account.port):
        yield "pages.sms_port: give the port that the codes leave from"
    if pages.plain_http and pages.host not in LOOPBACK:
        yield f"pages.plain_http: {pages.host} is not this machine alone; take it away"
    for field in msgspec.structs.fields(Pages):
        value = getattr(pages, field.name)
        if field.type is int and field.name != "port" and value < 1:
            yield f"pages.{field.name} {value} is less than 1"


def _smpp_mistakes(smpp: Smpp) -> Iterator[str]:
    """The same of the habits of one peer."""
    if any(not 0 <= number <= 0xFF for number in (*smpp.source, *smpp.dest)):
        yield "source and dest are two numbers of 0 to 255 each"
    if smpp.prefix and not (smpp.prefix.isdecimal() and len(smpp.prefix) <= _PREFIX_MAX):
        yield f"prefix has {_PREFIX_MAX} digits at most"
    if len(smpp.system_type) > _SYSTEM_TYPE_MAX or not smpp.system_type.isascii():
        yield f"system_type has {_SYSTEM_TYPE_MAX} ASCII characters at most"
    if any(tag not in _VENDORS for tag in smpp.tags):
        yield f"tags are vendors' own, {_VENDORS.start} to {_VENDORS.stop - 1}"


def _sgip_mistakes(settings: Settings) -> Iterator[str]:
    """The same of SGIP, which needs numbers of nodes and a way back."""
    for name, account in settings.accounts.items():
        if account.protocol != "sgip":
            continue
        if not 0 < settings.sgip.node <= _NODE_MAX:
            yield f"account {name!r}: SGIP needs sgip.node, our number as a gateway"
        if account.sgip.duplex == bool(account.sgip.host):
            yield f"account {name!r}: give sgip.host, or sgip.duplex = true: one of the two"
    known: set[tuple[str, int]] = set()
    for name, route in settings.routes.items():
        if route.protocol != "sgip":
            continue
        dialled = (route.sgip.account or route.account, route.sgip.node)
        if not 0 < route.sgip.node <= _NODE_MAX:
            yield f"route {name!r}: SGIP needs sgip.node, as the carrier gave it"
        if len(route.sgip.company) > 5 or len(route.sgip.service) > 10:
            yield f"route {name!r}: sgip.company has 5 characters at most, sgip.service 10"
        if dialled in known:
            yield f"route {name!r}: another has this sgip.node and account; see connections"
        known.add(dialled)


def secret(
    settings: Settings, env: str, file: str, what: str, environ: Mapping[str, str] = os.environ
) -> str:
    """The secret of an account or route, from the environment or a file."""
    if env:
        value = environ.get(env)
        if value is None:
            raise SettingsError(f"{what}: the environment has no {env}; set it to the secret")
        return value
    if file:
        try:
            return settings.path(file).read_text("utf-8").strip()
        except OSError as error:
            raise SettingsError(f"{what}: secret_file {file}: {error.strerror}") from error
    raise SettingsError(f"{what}: give secret_env or secret_file")
