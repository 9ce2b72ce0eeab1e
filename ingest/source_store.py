"""Where sources and their stream keys are kept."""

from dataclasses import replace
from datetime import datetime
from typing import Protocol

from config.limits import SOURCE_KEYS_MAX
from ingest.source import NameTaken, Source, UnknownSource
from ingest.stream_key import StreamKey, TooManyKeys, UnknownKey


class SourceStore(Protocol):
    """Sources by id, by name and by stream key.

    Keys that have expired are found until the source gets another one; then they are gone.
    """

    async def create(self, source: Source, key: StreamKey) -> None:
        """Keep a new source with its main key.

        Raises:
            NameTaken: another source has its name.
        """

    async def change(self, source: Source) -> None:
        """Keep the source's new title, price and settings; the rest of it never changes.

        Raises:
            UnknownSource: there is no such source.
        """

    async def get(self, source_id: str) -> Source | None:
        """The source with this id."""

    async def by_name(self, name: str) -> Source | None:
        """The source with this name."""

    async def list_of(self, owner: str) -> list[Source]:
        """A creator's sources, oldest first."""

    async def by_key_hash(self, key_hash: bytes) -> tuple[Source, StreamKey] | None:
        """The source that has a stream key with this hash, and the key."""

    async def key_hashes(self, count: int) -> list[bytes]:
        """The hashes of at most `count` stream keys, the newest ones."""

    async def keys_of(self, source_id: str) -> list[StreamKey]:
        """A source's keys: the main one, then the others, oldest first."""

    async def add_key(self, key: StreamKey) -> None:
        """Keep one more key.

        Raises:
            TooManyKeys: see there.
            UnknownSource: there is no such source.
        """

    async def replace_key(self, key: StreamKey, ends_at: datetime) -> None:
        """Keep a new main key; the one before is good until `ends_at`, or its own end if earlier.

        Raises:
            TooManyKeys: see there; never when the key before ends at once.
            UnknownSource: there is no such source.
        """

    async def remove_key(self, source_id: str, key_id: str) -> None:
        """Forget a key, which is good for nothing from now on.

        Raises:
            UnknownKey: see there.
        """

    async def use_key(self, key_id: str, used_at: datetime) -> None:
        """Note when a key was used last; nothing when it is gone."""


class MemorySourceStore:
    """Sources of one process, gone with it."""

    def __init__(self) -> None:
        self._sources: dict[str, Source] = {}
        self._keys: dict[str, StreamKey] = {}

    async def create(self, source: Source, key: StreamKey) -> None:
        if await self.by_name(source.name) is not None:
            raise NameTaken(source.name)
        self._sources[source.id] = source
        self._keys[key.id] = key

    async def change(self, source: Source) -> None:
        self._require(source.id)
        self._sources[source.id] = source

    async def get(self, source_id: str) -> Source | None:
        return self._sources.get(source_id)

    async def by_name(self, name: str) -> Source | None:
        return next((each for each in self._sources.values() if each.name == name), None)

    async def list_of(self, owner: str) -> list[Source]:
        own = [each for each in self._sources.values() if each.owner == owner]
        return sorted(own, key=lambda each: (each.created_at, each.id))

    async def by_key_hash(self, key_hash: bytes) -> tuple[Source, StreamKey] | None:
        for key in self._keys.values():
            if key.hash == key_hash:
                return self._sources[key.source_id], key
        return None

    async def key_hashes(self, count: int) -> list[bytes]:
        newest = sorted(self._keys.values(), key=lambda key: key.created_at, reverse=True)
        return [key.hash for key in newest[:count]]

    async def keys_of(self, source_id: str) -> list[StreamKey]:
        own = [key for key in self._keys.values() if key.source_id == source_id]
        return sorted(own, key=lambda key: (not key.is_main, key.created_at, key.id))

    async def add_key(self, key: StreamKey) -> None:
        self._require(key.source_id)
        self._forget_expired(key)
        self._require_room(key)
        self._keys[key.id] = key

    async def replace_key(self, key: StreamKey, ends_at: datetime) -> None:
        self._require(key.source_id)
        before = dict(self._keys)
        for other in await self.keys_of(key.source_id):
            if other.is_main:
                ends = min(other.expires_at or ends_at, ends_at)
                self._keys[other.id] = replace(other, is_main=False, expires_at=ends)
        self._forget_expired(key)
        try:
            self._require_room(key)
        except TooManyKeys:
            self._keys = before
            raise
        self._keys[key.id] = key

    async def remove_key(self, source_id: str, key_id: str) -> None:
        key = self._keys.get(key_id)
        if key is None or key.source_id != source_id:
            raise UnknownKey(key_id)
        del self._keys[key_id]

    async def use_key(self, key_id: str, used_at: datetime) -> None:
        if key_id in self._keys:
            self._keys[key_id] = replace(self._keys[key_id], last_used_at=used_at)

    def _require(self, source_id: str) -> None:
        if source_id not in self._sources:
            raise UnknownSource(source_id)

    def _require_room(self, key: StreamKey) -> None:
        if sum(each.source_id == key.source_id for each in self._keys.values()) >= SOURCE_KEYS_MAX:
            raise TooManyKeys(key.source_id)

    def _forget_expired(self, newest: StreamKey) -> None:
        self._keys = {
            key.id: key
            for key in self._keys.values()
            if key.source_id != newest.source_id or not key.has_expired(newest.created_at)
        }
