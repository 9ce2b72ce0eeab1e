"""What an RTMP connection tells its owner; `Audio` and `Video` are messages as they came."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from media.wire.amf0 import Value
from media.wire.rtmp_capabilities import NO_CAPABILITIES, Capabilities
from media.wire.rtmp_message import Audio, Video

RECONNECT_REQUEST = "NetConnection.Connect.ReconnectRequest"


class Refusal(StrEnum):
    """Codes for which OBS gives up, rather than connect again at once."""

    DENIED = "NetStream.Publish.Denied"
    BAD_NAME = "NetStream.Publish.BadName"


@dataclass(frozen=True, slots=True)
class Connected:
    """To a server: a client said what it connects to, and was answered.

    Attributes:
        client: what it calls itself; may be empty.
    """

    app: str
    url: str
    client: str = ""
    capabilities: Capabilities = NO_CAPABILITIES


@dataclass(frozen=True, slots=True)
class PublishRequested:
    """To a server: answer with `accept_publish` or `refuse_publish`.

    `stream_name` is as sent, with the query that some put behind it.
    """

    app: str
    stream_name: str


@dataclass(frozen=True, slots=True)
class PublishEnded:
    """To a server: the client is done; it closes the connection itself or publishes again."""


@dataclass(frozen=True, slots=True)
class MetadataReceived:
    """To a server: what the encoder says about the stream, e.g. `framerate`."""

    fields: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class PublishAccepted:
    """To a client: media may be sent."""


@dataclass(frozen=True, slots=True)
class PublishRefused:
    """To a client: the server wants no media."""

    code: str
    description: str


@dataclass(frozen=True, slots=True)
class ReconnectRequested:
    """To a client: go on to a keyframe and then publish elsewhere.

    Attributes:
        url: absolute, or relative to what was connected to; None for the same.
    """

    url: str | None
    description: str


type ServerEvent = Connected | PublishRequested | PublishEnded | MetadataReceived | Audio | Video
type ClientEvent = PublishAccepted | PublishRefused | ReconnectRequested
