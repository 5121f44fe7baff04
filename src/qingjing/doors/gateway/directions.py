"""What the settings say of each protocol's ways: in SGIP who dials whom, as which node; in
SMPP the habits of each peer."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from functools import partial

from qingjing.desk.outbox import Origins
from qingjing.doors.gateway.callbacks import Call
from qingjing.doors.gateway.dialect import Dialect
from qingjing.doors.gateway.dialects import DIALECTS, spoken_with
from qingjing.doors.gateway.dialects.sgip import Sgip
from qingjing.doors.gateway.dialects.smpp import extra
from qingjing.doors.gateway.nodes import Nodes, origins
from qingjing.doors.gateway.visitors import Visit
from qingjing.settings import Account, Route, Settings, SettingsError, secret
from qingjing.wire import sgip
from qingjing.wire.sgip import LoginType

SECRET_MAX = 16
"""Octets of LoginPassword (4.2.3.1)."""


def listening(settings: Settings, nodes: Nodes, protocol: str) -> Dialect:
    """What is spoken with the customers that dial us.

    Where any takes its reports on its own connections, all may last as long as those need; what
    an account is told on which connection is not the dialect's affair.
    """
    if protocol != "sgip":
        return DIALECTS[protocol]
    duplex = any(x.protocol == "sgip" and x.sgip.duplex for x in settings.accounts.values())
    return Sgip(LoginType.SP, nodes.numbers(settings.sgip.node), duplex=duplex)


def routed(route: Route, nodes: Nodes) -> Dialect:
    """What is spoken with a carrier that we dial."""
    if route.protocol != "sgip":
        return spoken_with(route)
    own = route.sgip
    numbers = nodes.numbers(own.node)
    return Sgip(LoginType.SP, numbers, duplex=own.duplex, prefix=own.prefix)


def own_ids(settings: Settings) -> Origins:
    """What is read again from customers' submitted bytes: of SGIP the numbers that are its
    ids, of SMPP the vendors' parameters, where a carrier is to be sent any."""
    found = {
        name: partial(origins, sgip.PROTOCOL)
        for name, account in settings.accounts.items()
        if account.protocol == "sgip"
    }
    if any(route.smpp.tags for route in settings.routes.values()):
        smpp = {name for name, x in settings.accounts.items() if x.protocol == "smpp"}
        return found | dict.fromkeys(smpp, lambda original: (extra(original),))
    return found


def habits(account: Account) -> Dialect | None:
    """What is spoken with a customer once it is known; None when with it as with all others."""
    if account.protocol == "sgip":
        return Sgip(duplex=account.sgip.duplex, prefix=account.sgip.prefix)
    return spoken_with(account) if account.protocol == "smpp" else None


def one_way(account: Account) -> bool:
    """What an account opens carries its submits alone."""
    return account.protocol == "sgip" and not account.sgip.duplex


def calls(settings: Settings, nodes: Nodes, environ: Mapping[str, str]) -> list[Call]:
    """The customers that we dial to tell them."""
    found: list[Call] = []
    for name, account in settings.accounts.items():
        if not one_way(account):
            continue
        back = account.sgip
        given = back.secret_env or back.secret_file
        source = back if given else account
        word = secret(
            settings, source.secret_env, source.secret_file, f"account {name}", environ
        )
        numbers = nodes.numbers(settings.sgip.node)
        dialect = Sgip(LoginType.SMG, numbers, prefix=back.prefix)
        greeting = dialect.bind(back.account or name, _fitting(word, f"account {name}"))
        found.append(Call(name, back.host, back.port, dialect, greeting, account.window))
    return found


def visits(settings: Settings, environ: Mapping[str, str]) -> list[Visit]:
    """The routes whose carriers dial us with reports and replies."""
    found: list[Visit] = []
    for name, route in settings.routes.items():
        if route.protocol != "sgip" or route.sgip.duplex:
            continue
        back, what = route.sgip, f"route {name}"
        source = back if back.secret_env or back.secret_file else route
        word = secret(settings, source.secret_env, source.secret_file, what, environ)
        networks = tuple(ipaddress.ip_network(text) for text in back.allow)
        account = back.account or route.account
        fitting = _fitting(word, what)
        found.append(Visit(name, route.number, back.node, account, fitting, networks))
    return found


def _fitting(word: str, what: str) -> bytes:
    """A secret as SGIP has it."""
    if not word.isascii() or len(word) > SECRET_MAX:
        raise SettingsError(f"{what}: a secret in SGIP has {SECRET_MAX} ASCII characters")
    return word.encode()
