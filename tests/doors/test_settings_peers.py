"""Settings of peers: what no protocol could speak is told at the start, with its remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from qingjing.settings import SettingsError, load

ROUTE = """
[routes.r]
number = 1
carrier = "mobile"
host = "h"
port = 1
account = "a"
"""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[accounts.sevenof]\nparty = "p"', "'sevenof': .* in cmpp has 1 to 6 octets"),
        ('[accounts.ninechars]\nparty = "p"\nprotocol = "smgp"', "in smgp has 1 to 8 octets"),
        ('[accounts.a]\nparty = "p"\nsmpp.prefix = "+86"', "'a': smpp.prefix has 9 digits"),
        (ROUTE + 'version = "3.4"', "cmpp is spoken in 3.0 or 2.0"),
        (ROUTE + 'protocol = "smpp"\nversion = "3.0"', "smpp is spoken in 3.4 or 3.3"),
        (ROUTE.replace('"a"', '"sevenof"'), "its account has 6 octets at most"),
        (ROUTE + 'mode = "pairs"', "mode 'pairs': cmpp knows \"both\" alone"),
        (ROUTE + "smpp.source = [256, 0]", "source and dest are two numbers of 0 to 255"),
        (ROUTE + "smpp.system_type = '1234567890123'", "system_type has 12 ASCII characters"),
        (ROUTE + "smpp.tags = [0x1400, 0x424]", "tags are vendors' own, 5120 to 16383"),
        (ROUTE + "smpp.alphabet = 'utf-8'", "alphabet"),
        ("[listeners.ftp]\nport = 21", "listeners"),
    ],
)
def test_what_cannot_be_spoken_is_told_at_the_start(
    tmp_path: Path, text: str, told: str
) -> None:
    """The message names the peer, the setting and what would do."""
    path = tmp_path / "qingjing.toml"
    path.write_text(text, "utf-8")

    with pytest.raises(SettingsError, match=told):
        load(path)


def test_what_can_be_spoken_is(tmp_path: Path) -> None:
    """Fifteen characters in SMPP, pairs, and a prefix."""
    path = tmp_path / "qingjing.toml"
    more = 'protocol = "smpp"\nmode = "pairs"\nsmpp = { prefix = "86", tags = [0x1400] }'
    path.write_text(ROUTE.replace('"a"', '"fifteen-letters"') + more, "utf-8")
    route = load(path).routes["r"]

    assert (route.mode, route.smpp.prefix, route.smpp.tags) == ("pairs", "86", (0x1400,))
