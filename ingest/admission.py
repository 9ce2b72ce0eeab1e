"""Who may publish, and to which stream."""

from dataclasses import dataclass
from typing import Protocol

from media.terms import Terms


@dataclass(frozen=True, slots=True)
class PublishRequest:
    """What a publisher asks for, as it said it.

    Attributes:
        app: what it connected to.
        stream_name: with the query that may follow it; a stream key as a rule.
        address: where it comes from.
        url: its `tcUrl`.
        secure: whether nobody could read this on its way.
    """

    app: str
    stream_name: str
    address: str
    url: str = ""
    secure: bool = False


@dataclass(frozen=True, slots=True)
class Admitted:
    """What a publisher may do.

    Attributes:
        source_id: whose stream it may write to; also the stream's name in the hub.
        bitrate_max: bit/s that it may send over ten seconds; 0 for as much as it likes.
        ends_ms: when its publication is ended, in milliseconds since 1970; None for never.
        key_id: of the stream key that it showed; empty when it showed a token.
    """

    source_id: str
    terms: Terms = Terms()
    bitrate_max: int = 0
    ends_ms: int | None = None
    key_id: str = ""


class PublishRefused(Exception):
    """This publisher is not let in.

    `description` is shown to the person at the encoder and never contains what they sent.
    """

    def __init__(self, description: str, *, is_mistake: bool = True) -> None:
        """`is_mistake`: the publisher did something wrong, e.g. used a wrong key."""
        super().__init__(description)
        self.description = description
        self.is_mistake = is_mistake


class Admission(Protocol):
    """Decides on publishers."""

    async def admit(self, request: PublishRequest) -> Admitted:
        """What this publisher may do.

        Raises:
            PublishRefused: see there.
        """
