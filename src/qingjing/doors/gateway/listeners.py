"""Where we are dialled: the listening sockets, opened, exchanged and closed while it runs."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from typing import NamedTuple

import structlog

from qingjing.doors.gateway.line import Line
from qingjing.settings import PORTS, Listener, Settings, SettingsError, Sgip, Tls

_log = structlog.get_logger("qingjing.listeners")


class _Open(NamedTuple):
    settings: Listener | Sgip
    context: ssl.SSLContext | None
    server: asyncio.Server


class Listeners:
    """The listeners by name.

    :param line: makes a new connection's protocol, by the listener's name.
    """

    def __init__(self, line: Callable[[str], Line]) -> None:
        self._line = line
        self._open: dict[str, _Open] = {}

    @property
    def ports(self) -> dict[str, int]:
        """The ports that are listened on, by name."""
        return {
            name: int(one.server.sockets[0].getsockname()[1])
            for name, one in self._open.items()
        }

    async def arrange(
        self, settings: Settings, wanted: Mapping[str, Listener | Sgip]
    ) -> list[str]:
        """Listen where these say and nowhere else; the names of the changed.

        Certificates are read again, whatever else is the same: they are renewed under the same
        name. Connections that are open stay open.

        :raises SettingsError: an address or a certificate cannot be used. What was opened
            until then is closed again, and what was there stays, but for a listener whose own
            address is given another certificate or host: that must be closed first.
        """
        contexts = {name: server_tls(settings, x.tls) for name, x in wanted.items()}
        old = {name: _address(name, one.settings) for name, one in self._open.items()}
        new = {name: _address(name, one) for name, one in wanted.items()}
        changed = sorted(x for x in old.keys() | new if old.get(x) != new.get(x))
        made: dict[str, _Open] = {}
        try:
            for name in changed:
                if name in wanted:
                    made[name] = await self._listen(name, wanted[name], contexts[name])
        except OSError as error:
            for one in made.values():
                one.server.close()
            raise SettingsError(f"listeners.{name}: {error.strerror}; free the port") from None
        for name in changed:
            if name in self._open:
                self._open.pop(name).server.close()
        self._open |= made
        for name, one in self._open.items():
            if name not in changed and one.context and one.settings.tls:
                _certify(one.context, settings, one.settings.tls)
        return changed

    async def _listen(
        self, name: str, listener: Listener | Sgip, context: ssl.SSLContext | None
    ) -> _Open:
        host, port, _tls = _address(name, listener)
        old = self._open.get(name)
        if old is not None and port and _address(name, old.settings)[1] == port:
            old.server.close()
        server = await asyncio.get_running_loop().create_server(
            lambda: self._line(name), host, port, ssl=context
        )
        bound = int(server.sockets[0].getsockname()[1])
        _log.info("listening", protocol=name, host=host, port=bound)
        return _Open(listener, context, server)

    def close(self) -> None:
        """Take no more connections."""
        for one in self._open.values():
            one.server.close()


def _address(name: str, of: Listener | Sgip) -> tuple[str, int, Tls | None]:
    return of.host, PORTS[name] if of.port is None else of.port, of.tls


def _certify(context: ssl.SSLContext, settings: Settings, tls: Tls) -> None:
    """Read a certificate and its key.

    :raises SettingsError: when they cannot be used.
    """
    try:
        context.load_cert_chain(settings.path(tls.certificate), settings.path(tls.key))
    except OSError as error:  # an SSLError is one, too
        raise SettingsError(f"tls.certificate {tls.certificate}: {error.strerror}") from error


def server_tls(settings: Settings, tls: Tls | None) -> ssl.SSLContext | None:
    """The listener's certificate, TLS 1.2 or later; None for plain TCP."""
    if tls is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    _certify(context, settings, tls)
    return context
