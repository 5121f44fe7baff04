"""What a session speaks at the moment: one version of its protocol, and what it says by itself.

The version is known once the login is, and so is what the connection carries.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import Hint
from .layout import Layout
from .protocol import PDU, Protocol
from .states import Trigger, get_triggers, put_triggers

__all__ = ["Speech"]


class Speech:
    """The layouts and triggers in force on one connection."""

    def __init__(self, protocol: Protocol) -> None:
        self._protocol, self._header = protocol, protocol.header
        self.gets, self.puts = get_triggers(protocol), put_triggers(protocol)
        """Which trigger a command is, from the peer and from us."""
        self.use(protocol.first)

    def use(self, version: int) -> None:
        """Use the layouts of this version from now on."""
        self.version = version
        self.layouts: Mapping[int, Layout[Any]] = self._protocol.layouts[version]
        self.kinds: dict[type, Layout[Any]] = {x.pdu: x for x in self.layouts.values()}
        self.answering = {
            command.to_bytes(4, "big"): self.layouts[answer]
            for command, answer in self._protocol.answers.items()
            if answer in self.layouts
        }
        """Layouts of answers, by the request's command as it stands in a frame."""

    def bar(self, login: PDU) -> None:
        """From now on neither end asks what a connection logged in so does not carry."""
        barred = self._protocol.barred(login)
        self.gets |= dict.fromkeys(barred, Trigger.GET_BARRED)
        self.puts |= dict.fromkeys(barred, Trigger.PUT_BARRED)

    def plain_answer(self, command: int, frame: bytes) -> bytes:
        """The answer to what needs no thought: that answer's empty values."""
        layout = self.layouts[self._protocol.answers[command]]
        return layout.encode_as(layout.pdu(), self._header.sequence(frame))

    def refusal(self, frame: bytes, hint: Hint) -> bytes | None:
        """The answer that says no, where the command has one."""
        answer = self._protocol.refusal(frame, self._header.sequence(frame), hint)
        return None if answer is None else self.kinds[type(answer)].encode(answer)
