"""``qingjing api-key``: make, list and revoke the keys of the HTTP API."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from cyclopts import App, Parameter

from qingjing.desk.entries import InputError, Problem, told
from qingjing.doors.api.keys import PER_S, Key, Keys, Wanted
from qingjing.doors.api.store import Store, StoreError
from qingjing.doors.cli import HouseError, Session
from qingjing.doors.cli.output import Json, Shared, say, say_json, table

app = App(name="api-key", help="Keys of the HTTP API: create, list, revoke.")


@app.command
def create(
    *,
    account: Annotated[str, Parameter(help="the account of the settings that it stands for")],
    scopes: Annotated[
        list[str],
        Parameter(name="--scope", negative="", help="what it opens (docs/api.md); repeat"),
    ],
    senders: Annotated[
        list[str] | None,
        Parameter(
            name="--sender",
            negative="",
            help="a party that it acts for besides its account's own group, or *; repeat",
        ),
    ] = None,
    per_s: Annotated[int, Parameter(help="requests and messages a second")] = PER_S,
    note: Annotated[str, Parameter(help="whose it is, for the list")] = "",
    as_json: Json = False,
    session: Shared,
) -> int:
    """Make a key. It is printed once and kept as a hash; a running service knows it at once.

    ```
    qingjing api-key create --account shop --scope messages --scope reports
    qingjing api-key create --account shop --scope consents --sender qinghe --note "CRM"
    ```
    """
    if account not in session.settings.accounts:
        remedy = "name one of [accounts.NAME] in the settings"
        raise InputError([Problem("", "account", f"{account!r} is not there", remedy)])
    wanted = Wanted(account, tuple(scopes), tuple(senders or ()), per_s, note)
    with _keys(session) as keys:
        key, text = keys.create(wanted, session.now, secrets.token_bytes)
    if as_json:
        say_json(_object(key) | {"key": text})
    else:
        say(text, f"key {key.id} of account {account}; keep it now: it is not shown again")
    return 0


@app.command(name="list")
def list_keys(*, as_json: Json = False, session: Shared) -> int:
    """List all keys, also revoked ones; none is shown whole.

    ```
    qingjing api-key list
    ```
    """
    with _keys(session) as keys:
        found = keys.all()
    if as_json:
        say_json({"keys": [_object(key) for key in found]})
        return 0
    heads = ("key", "account", "scopes", "senders", "per s", "made", "revoked", "note")
    table(heads, [[_cell(value) for value in _object(key).values()] for key in found])
    return 0


@app.command
def revoke(
    key: Annotated[str, Parameter(help="the key's id, as listed")],
    *,
    as_json: Json = False,
    session: Shared,
) -> int:
    """Revoke a key: from now on it opens nothing, also at a service that runs.

    ```
    qingjing api-key revoke 1f2e3d4c5b6a
    ```
    """
    with _keys(session) as keys:
        if not keys.revoke(key, session.now):
            remedy = "see `qingjing api-key list`"
            raise InputError([Problem("", "key", "no key in force has this id", remedy)])
    if as_json:
        say_json({"key": key, "revoked": True})
    else:
        say(f"key {key} is revoked")
    return 0


@contextmanager
def _keys(session: Session) -> Iterator[Keys]:
    settings = session.settings
    try:
        store = Store(settings.path(settings.data))
    except StoreError as error:
        raise HouseError(str(error)) from error
    try:
        yield Keys(store)
    finally:
        store.close()


def _object(key: Key) -> dict[str, Any]:
    return {
        "id": key.id,
        "account": key.account,
        "scopes": sorted(key.scopes),
        "senders": sorted(key.senders),
        "per_s": key.per_s,
        "made_at": told(key.made_at),
        "revoked_at": told(key.revoked_at) if key.revoked_at else "",
        "note": key.note,
    }


def _cell(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
