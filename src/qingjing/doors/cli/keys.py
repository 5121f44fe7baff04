"""``qingjing keys``: make the ledger's keys, rotate the data key, show the public key."""

from __future__ import annotations

from cyclopts import App

from qingjing.doors.cli.output import Json, Shared, say, say_json

app = App(name="keys", help="The ledger's keys: create, rotate, show the public one.")


@app.command
def create(*, as_json: Json = False, session: Shared) -> int:
    """Make the key file that the settings name; an existing one is never overwritten.

    Back it up apart from the ledger: without it no refusal on record is found again.

    ```
    qingjing keys create
    qingjing --config /etc/qingjing.toml keys create
    ```
    """
    settings = session.settings
    key = session.house.create_keys(settings)
    path = settings.path(settings.keys)
    if as_json:
        say_json({"file": str(path), "public_key": key})
    else:
        say(f"made {path}; back it up apart from the ledger", key)
    return 0


@app.command
def rotate(*, as_json: Json = False, session: Shared) -> int:
    """Add a new data key, under which personal data are sealed from the next start on.

    Index, handle and signing key stay. Restart every process of this ledger afterwards.

    ```
    qingjing keys rotate
    ```
    """
    number = session.house.rotate_keys(session.settings)
    if as_json:
        say_json({"data_key": number})
    else:
        say(f"data key {number} is current; restart every process of this ledger")
    return 0


@app.command
def show(*, as_json: Json = False, session: Shared) -> int:
    """Show the public key, with which anyone can check this ledger's checkpoints.

    ```
    qingjing keys show
    ```
    """
    key = session.house.public_key(session.settings)
    if as_json:
        say_json({"public_key": key})
    else:
        say(key)
    return 0
