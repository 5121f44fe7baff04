"""tshark judges what crosses our wires: nothing in it is malformed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from gateway_house import CONSENTED, PORT, STRANGER, house
from gateway_talk import LONG, OFFER, Talk, account
from peers_house import needs
from wiretap import tap, write_pcap


def judged(capture: Path, protocol: str, port: int) -> list[tuple[str, str]]:
    """What each frame is to tshark: its summary, and what is wrong with it."""
    done = subprocess.run(
        (
            *("tshark", "-r", str(capture), "-d", f"tcp.port=={port},{protocol}"),
            *("-Y", protocol, "-T", "fields", "-E", "separator=|"),
            *("-e", "_ws.col.Info", "-e", "_ws.malformed", "-e", "_ws.expert.message"),
        ),
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [line.split("|") for line in done.stdout.splitlines()]
    return [(row[0], "|".join(row[1:]).strip("|")) for row in rows]


@pytest.mark.parametrize(
    ("protocol", "port", "expected"),
    [
        ("cmpp", 7890, ["Connect", "Connect_Resp", "Submit", "Submit_Resp", "Deliver"]),
        (
            "smpp",
            2775,
            ["Bind_transceiver", "Bind_transceiver - resp", "Submit_sm", "Deliver_sm"],
        ),
    ],
)
def test_tshark_finds_nothing_malformed(
    tmp_path: Path, protocol: str, port: int, expected: list[str]
) -> None:
    """Login, short and long texts, refusals, reports, replies and their answers."""
    needs("tshark", "apt-get install tshark")
    with house(accounts=account(protocol)) as running:
        with tap(running.gateway.ports[protocol]) as wire:
            talk = Talk(running, protocol, port=wire.port)
            answers = talk.text(OFFER, CONSENTED)
            answers += talk.text(LONG, CONSENTED)
            talk.reported(answers)
            talk.text(OFFER, STRANGER)
            running.reply(CONSENTED, PORT, "请问几点营业?")
            running.until(lambda: len(talk.client.replies) == 1)
            talk.hang_up()
        capture = tmp_path / "talk.pcap"
        write_pcap(capture, wire.said, port)
    rows = judged(capture, protocol, port)
    said = " ".join(info for info, _wrong in rows)

    assert [wrong for _info, wrong in rows if wrong] == []
    for word in expected:
        assert word.lower() in said.lower(), said
