"""Settings: one frozen value, read from one TOML file. Secrets come from files or environment.

Every setting stands in ``docs/operating.md`` (a test says so). Relative paths are relative to
the file's own folder.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec


class SettingsError(Exception):
    """The settings file is wrong: the message names the field and the remedy."""


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every bound of the gateway, each with its reason."""

    connections_max: int = 500
    """Open customer connections: each costs about 100 KB; carriers allow a few per account."""
    inbox_max: int = 20_000
    """Submits read but not decided: about a second of traffic; beyond, reading stops."""
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


class Tls(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Certificate and key files of a listener, or the authority that a client trusts."""

    certificate: str = ""
    key: str = ""
    authority: str = ""


class Account(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A customer's login. ``party`` is who submits; ``kinds`` maps Service_Id to a kind.

    The secret comes from ``secret_env`` (a variable's name) or ``secret_file``.
    """

    party: str
    protocol: Literal["cmpp", "http"] = "cmpp"
    """What it speaks to us, and by which it is told what became of its messages."""
    port: str = ""
    """The port of submits that leave Src_Id empty, as some clients do."""
    secret_env: str = ""
    secret_file: str = ""
    allow: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    kinds: dict[str, str] = {}
    connections_max: int = 8
    window: int = 64


class Listener(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where customers connect. Port 0 takes any free port (tests)."""

    host: str = "127.0.0.1"
    port: int = 7890
    tls: Tls | None = None


class Route(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Connections to one carrier. ``number`` names the route in the record: never reuse it."""

    number: int
    carrier: Literal["mobile", "unicom", "telecom", "broadnet"]
    host: str
    port: int
    account: str
    protocol: Literal["cmpp"] = "cmpp"
    """What we speak to it."""
    version: Literal["2.0", "3.0"] = "3.0"
    secret_env: str = ""
    secret_file: str = ""
    connections: int = 1
    window: int = 32
    tls: Tls | None = None


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
    listener: Listener = Listener()
    api: Api | None = None
    accounts: dict[str, Account] = {}
    routes: dict[str, Route] = {}
    limits: Limits = Limits()
    checkpoint_s: int = 60
    """How often the log is signed."""
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
    numbers = [route.number for route in settings.routes.values()]
    if len(set(numbers)) < len(numbers):
        raise SettingsError(f"settings file {path}: two routes share a number: {numbers}")
    long = [
        name
        for name, account in settings.accounts.items()
        if account.protocol != "http" and not 1 <= len(name.encode()) <= 6
    ]
    if long:
        raise SettingsError(
            f"settings file {path}: account {long[0]!r}: a CMPP Source_Addr has 1 to 6 octets"
        )
    if not 1 <= settings.node <= 0xFFFF:
        raise SettingsError(f"settings file {path}: node {settings.node} is not 1 to 65535")
    return settings


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
