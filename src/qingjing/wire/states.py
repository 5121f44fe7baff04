"""The states of a session as one table.

Everything that changes a state stands here, and nothing here knows which role we play: whoever
sends the login is the client, and after it the two ends differ in nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from .protocol import Protocol

__all__ = ["ANSWERS", "TRANSITIONS", "State", "Trigger", "get_triggers", "put_triggers"]


class State(IntEnum):
    """Where a session stands."""

    OPEN = 0
    """Connected; nobody has logged in."""
    LOGIN_SENT = 1
    LOGIN_RECEIVED = 2
    BOUND = 3
    LEAVING = 4
    """We have logged out and wait for what is outstanding."""
    CLOSED = 5


class Trigger(IntEnum):
    """What can move a session. ``GET`` is what the peer sends, ``PUT`` what we send."""

    GET_LOGIN = 0
    PUT_LOGIN = 1
    GET_LOGIN_ANSWER = 2
    LET_IN = 3
    TURNED_AWAY = 4
    GET_REQUEST = 5
    PUT_REQUEST = 6
    GET_ANSWER = 7
    GET_HEARTBEAT = 8
    GET_HEARTBEAT_ANSWER = 9
    GET_LOGOUT = 10
    PUT_LOGOUT = 11
    GET_LOGOUT_ANSWER = 12
    GET_UNKNOWN = 13
    GET_INVITATION = 14
    """The peer asks us to log in; it waits for no answer."""
    PUT_INVITATION = 15
    GET_NOTICE = 16
    """What is told and waits for no answer."""
    PUT_NOTICE = 17
    GET_BARRED = 18
    """A request that a connection logged in so does not carry."""
    PUT_BARRED = 19
    """The same from us; no row has it."""
    GET_NACK = 20
    """The answer that refuses whatever it answers."""


ANSWERS = (Trigger.GET_ANSWER, Trigger.GET_LOGOUT_ANSWER, Trigger.GET_NACK)
"""What settles a request of ours, save for a login's own answer."""

_TALK = (
    Trigger.GET_REQUEST,
    Trigger.GET_ANSWER,
    Trigger.GET_HEARTBEAT,
    Trigger.GET_HEARTBEAT_ANSWER,
    Trigger.GET_UNKNOWN,
    Trigger.GET_NOTICE,
    Trigger.GET_BARRED,
    Trigger.GET_NACK,
)

TRANSITIONS: Mapping[State, Mapping[Trigger, State]] = {
    State.OPEN: {
        Trigger.GET_LOGIN: State.LOGIN_RECEIVED,
        Trigger.PUT_LOGIN: State.LOGIN_SENT,
        Trigger.GET_INVITATION: State.OPEN,
        Trigger.PUT_INVITATION: State.OPEN,
    },
    State.LOGIN_SENT: {
        Trigger.GET_LOGIN_ANSWER: State.LOGIN_SENT,
        Trigger.GET_NACK: State.LOGIN_SENT,
        Trigger.LET_IN: State.BOUND,
        Trigger.TURNED_AWAY: State.CLOSED,
    },
    State.LOGIN_RECEIVED: {
        Trigger.LET_IN: State.BOUND,
        Trigger.TURNED_AWAY: State.CLOSED,
    },
    State.BOUND: {
        **dict.fromkeys(_TALK, State.BOUND),
        Trigger.PUT_REQUEST: State.BOUND,
        Trigger.PUT_NOTICE: State.BOUND,
        Trigger.PUT_LOGOUT: State.LEAVING,
        Trigger.GET_LOGOUT: State.CLOSED,
    },
    State.LEAVING: {
        **dict.fromkeys(_TALK, State.LEAVING),
        Trigger.GET_LOGOUT_ANSWER: State.CLOSED,
        Trigger.GET_LOGOUT: State.CLOSED,
    },
    State.CLOSED: {},
}
"""What may happen in each state, and what it leads to. Whatever the peer does that is not in
its row breaks the protocol; whatever we do that is not in it is our error."""


def get_triggers(protocol: Protocol) -> dict[int, Trigger]:
    """Which trigger it is when the peer sends a command; the rest are GET_UNKNOWN."""
    table: dict[int, Trigger] = {}
    for request, answer in protocol.answers.items():
        pair = (Trigger.GET_REQUEST, Trigger.GET_ANSWER)
        if request in protocol.login:
            pair = (Trigger.GET_LOGIN, Trigger.GET_LOGIN_ANSWER)
        elif request == protocol.logout:
            pair = (Trigger.GET_LOGOUT, Trigger.GET_LOGOUT_ANSWER)
        elif request == protocol.heartbeat:
            pair = (Trigger.GET_HEARTBEAT, Trigger.GET_HEARTBEAT_ANSWER)
        table[request], table[answer] = pair
    table |= dict.fromkeys(protocol.invitations, Trigger.GET_INVITATION)
    table |= dict.fromkeys(protocol.notices, Trigger.GET_NOTICE)
    if protocol.nack is not None:
        table[protocol.nack] = Trigger.GET_NACK
    return table


def put_triggers(protocol: Protocol) -> dict[int, Trigger]:
    """Which trigger it is when our owner asks for a command; the session beats by itself."""
    table = dict.fromkeys(protocol.answers, Trigger.PUT_REQUEST)
    table |= dict.fromkeys(protocol.login, Trigger.PUT_LOGIN)
    table |= dict.fromkeys(protocol.invitations, Trigger.PUT_INVITATION)
    table |= dict.fromkeys(protocol.notices, Trigger.PUT_NOTICE)
    table[protocol.logout] = Trigger.PUT_LOGOUT
    if protocol.heartbeat is not None:
        del table[protocol.heartbeat]
    return table
