"""Who may publish, and to which stream."""

from typing import Protocol

from config.postgres import UNAVAILABLE
from ingest.source_store import SourceStore
from ingest.stream_key import hash_key, matches

_APP = "live"


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

    async def admit(self, app: str, stream_key: str, peer: str) -> str:
        """The name of the hub's stream that this publisher may write to.

        Args:
            app: what it connected to.
            stream_key: as sent, with the query that may follow it.
            peer: its network address.

        Raises:
            PublishRefused: see there.
        """


class KeyAdmission:
    """Admits whoever knows a source's stream key; the stream's name is the source's id."""

    def __init__(self, store: SourceStore) -> None:
        self._store = store

    async def admit(self, app: str, stream_key: str, peer: str) -> str:  # noqa: ARG002
        if app != _APP:
            raise PublishRefused(f"the server's address ends in /{_APP}")
        key = stream_key.partition("?")[0]
        try:
            source = await self._store.by_key_hash(hash_key(key))
        except UNAVAILABLE:
            # Closed when in doubt: nobody publishes under a name that could not be checked.
            description = "stream keys cannot be checked now, try again"
            raise PublishRefused(description, is_mistake=False) from None
        if source is None or not matches(key, source.key_hash):
            raise PublishRefused("unknown stream key")
        return source.id
