"""The life of a publishing RTMP connection, as one table."""

# A connection is one state machine of which both ends keep a copy. Every step is the act of one
# end: the client shakes hands, connects, creates a stream, publishes, sends media and ends; the
# server accepts or refuses. The actor takes the step when it sends, the other end when it receives.
# So one table serves both roles, and a step that is not in it is our mistake when we wanted to take
# it, and the peer's when the peer did.
#
# Media and the end of a publication may cross the server's answer on the way; where they can still
# arrive they are steps that lead nowhere. Commands that change nothing (releaseStream, FCPublish
# and everything that vendors invented) are not steps at all.

from enum import Enum


class State(Enum):
    HANDSHAKING = "handshaking"
    GREETED = "greeted"
    CONNECTED = "connected"
    PENDING = "waiting for the answer to publish"
    PUBLISHING = "publishing"
    REFUSED = "refused"


class Step(Enum):
    SHAKE_HANDS = "handshake"
    CONNECT = "connect"
    CREATE_STREAM = "createStream"
    PUBLISH = "publish"
    ACCEPT = "accept"
    REFUSE = "refuse"
    MEDIA = "media"
    UNPUBLISH = "end of publication"


TABLE: dict[tuple[State, Step], State] = {
    (State.HANDSHAKING, Step.SHAKE_HANDS): State.GREETED,
    (State.GREETED, Step.CONNECT): State.CONNECTED,
    (State.CONNECTED, Step.CREATE_STREAM): State.CONNECTED,
    (State.CONNECTED, Step.PUBLISH): State.PENDING,
    (State.CONNECTED, Step.REFUSE): State.REFUSED,
    (State.CONNECTED, Step.MEDIA): State.CONNECTED,
    (State.CONNECTED, Step.UNPUBLISH): State.CONNECTED,
    (State.PENDING, Step.CREATE_STREAM): State.PENDING,
    (State.PENDING, Step.ACCEPT): State.PUBLISHING,
    (State.PENDING, Step.REFUSE): State.REFUSED,
    (State.PENDING, Step.MEDIA): State.PENDING,
    (State.PENDING, Step.UNPUBLISH): State.CONNECTED,
    (State.PUBLISHING, Step.CREATE_STREAM): State.PUBLISHING,
    (State.PUBLISHING, Step.MEDIA): State.PUBLISHING,
    (State.PUBLISHING, Step.REFUSE): State.REFUSED,
    (State.PUBLISHING, Step.UNPUBLISH): State.CONNECTED,
    (State.REFUSED, Step.REFUSE): State.REFUSED,
    (State.REFUSED, Step.MEDIA): State.REFUSED,
    (State.REFUSED, Step.UNPUBLISH): State.REFUSED,
}


class LocalProtocolError(Exception):
    """We were told to do what the protocol does not allow now; a mistake in this program."""


class RemoteProtocolError(Exception):
    """The peer broke the protocol; the connection is of no use any more."""


def take_ours(state: State, step: Step) -> State:
    """The state after a step of ours.

    Raises:
        LocalProtocolError: see there.
    """
    if (state, step) not in TABLE:
        raise LocalProtocolError(f"{step.value} while {state.value}")
    return TABLE[state, step]


def take_theirs(state: State, step: Step) -> State:
    """The state after a step of the peer.

    Raises:
        RemoteProtocolError: see there.
    """
    if (state, step) not in TABLE:
        raise RemoteProtocolError(f"{step.value} while {state.value}")
    return TABLE[state, step]
